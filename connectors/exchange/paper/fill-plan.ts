import type { Pricing } from '../../../ports/exchange.ts';
import type { RandomStream } from '../../../ports/random.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { PaperMarket } from './market-rules.ts';
import { HarvestlineError, type Problem, formatProblems } from '../../../errors/harvestline-error.ts';

/** Slippage is drawn from 0 to twice this, always to the trader's disadvantage. Unit: fraction of price (2 basis points). */
const MEAN_SLIPPAGE = 0.0002;

/** What large futures venues charge takers. Unit: fraction of notional (5 basis points). */
export const TAKER_FEE = '0.0005';

/** And makers. Unit: fraction of notional (2 basis points). */
const MAKER_FEE = '0.0002';

/** How many of the orders that rest are taken at all, each within this time. Unit: fraction; milliseconds. */
const TAKEN_SHARE = 0.6;
const TAKEN_WITHIN_MS = 20_000;

/** An order that nobody takes rests until it is cancelled. Unit: milliseconds. */
const FOR_EVER_MS = 365 * 24 * 60 * 60 * 1000;

/** A market order of this size meets one to three resting orders. */
const MAX_FILLS = 3;

/** From a venue's round trip to a congested one. Unit: milliseconds until the order is DONE. */
const MIN_DELAY_MS = 20;
const MAX_DELAY_MS = 250;

/** Longer than anyone waits for a market order, shorter than a desk takes to ask again. Unit: milliseconds. */
export const SLOW_MS = 10 * 60 * 1000;

/** What befalls one order. */
export type Fate = { readonly [F in keyof PaperFaults]: boolean };

/** One fill, decided when the order is placed; `after` is the time from then. Unit: milliseconds. */
export interface PlannedFill {
  readonly after: number;
  readonly quantity: Exact;
  readonly price: Exact;
  readonly fee: Exact;
}

export interface FillPlan {
  /** When the order is DONE, from its placement. Unit: milliseconds. */
  readonly doneAfter: number;
  readonly fills: readonly PlannedFill[];
}

/** One draw for each fault whatever its probability, so that switching one on changes nothing else about an order. */
export function drawFate(stream: RandomStream, faults: PaperFaults): Fate {
  const befalls = (probability: number): boolean => stream.uniform() < probability;
  return {
    lostReply: befalls(faults.lostReply),
    timeoutBefore: befalls(faults.timeoutBefore),
    reject: befalls(faults.reject),
    partialFill: befalls(faults.partialFill),
    blackout: befalls(faults.blackout),
    slow: befalls(faults.slow),
  };
}

/** An order that the venue has taken. */
export interface TakenOrder {
  readonly side: Side;
  readonly quantity: Exact;
  readonly open: Exact;
  readonly markPrice: number;
  readonly pricing: Pricing;
}

/**
 * How an order that the venue has taken fills: at mark price, worsened by slippage and rounded to the worse tick. What would fill beyond its
 * limit does not. One that rests fills whole at its price, or not at all.
 */
export function planFills(stream: RandomStream, fate: Fate, order: TakenOrder, market: PaperMarket): FillPlan {
  const { pricing } = order;
  if (pricing.kind === 'post-only') return planRest(stream, order, market);
  const plan = planTaking(stream, fate, order, market);
  if (pricing.kind === 'market') return plan;
  const isAllowed = ({ price }: PlannedFill): boolean =>
    order.side === 'LONG' ? price.gte(pricing.limitPrice) : price.lte(pricing.limitPrice);
  return { ...plan, fills: plan.fills.filter(isAllowed) };
}

function planRest(stream: RandomStream, { side, quantity, markPrice }: TakenOrder, { tick }: PaperMarket): FillPlan {
  const isTaken = stream.uniform() < TAKEN_SHARE;
  const after = stream.integer(MIN_DELAY_MS, TAKEN_WITHIN_MS);
  if (!isTaken) return { doneAfter: FOR_EVER_MS, fills: [] };
  const ticks = new Exact(markPrice).div(tick);
  const price = (side === 'LONG' ? ticks.floor().add(1) : ticks.ceil().sub(1)).mul(tick);
  const fill = { after, quantity, price, fee: price.mul(quantity).mul(MAKER_FEE) };
  return price.lte(0) ? { doneAfter: FOR_EVER_MS, fills: [] } : { doneAfter: after, fills: [fill] };
}

function planTaking(stream: RandomStream, fate: Fate, order: TakenOrder, market: PaperMarket): FillPlan {
  const share = stream.uniform();
  const delay = fate.slow ? SLOW_MS : stream.integer(MIN_DELAY_MS, MAX_DELAY_MS);
  const total = fate.partialFill ? partOf(order.quantity, order.open, share, market) : order.quantity;
  if (total.isZero()) return { doneAfter: delay, fills: [] };

  const lots = total.div(market.lotStep).floor();
  const count = Exact.max(1, Exact.min(stream.integer(1, MAX_FILLS), lots)).toNumber();
  const even = lots.div(count).floor().mul(market.lotStep);
  const fills: PlannedFill[] = [];
  for (let index = 0; index < count; index++) {
    const quantity = index < count - 1 ? even : total.sub(even.mul(count - 1));
    const price = slippedPrice(stream, order.side, order.markPrice, market);
    fills.push({
      after: Math.round((delay * (index + 1)) / count),
      quantity,
      price,
      fee: price.mul(quantity).mul(TAKER_FEE),
    });
  }
  return { doneAfter: delay, fills };
}

/** Less than the order, in whole lots, and never so much that a rest too small for another order stays open. */
function partOf(quantity: Exact, open: Exact, share: number, market: PaperMarket): Exact {
  const most = Exact.min(quantity.sub(market.lotStep), open.sub(market.minQuantity));
  if (most.lte(0)) return quantity;
  return most.mul(share).div(market.lotStep).floor().mul(market.lotStep);
}

/** Closing a LONG sells, so worse is lower; closing a SHORT buys, so worse is higher. */
function slippedPrice(stream: RandomStream, side: Side, markPrice: number, market: PaperMarket): Exact {
  const slippage = stream.uniform() * 2 * MEAN_SLIPPAGE;
  const price = new Exact(markPrice).mul(side === 'LONG' ? 1 - slippage : 1 + slippage);
  const ticks = price.div(market.tick);
  const rounded = (side === 'LONG' ? ticks.floor() : ticks.ceil()).mul(market.tick);
  // A price that has fallen below one tick since the rules were fixed would round to nothing.
  return rounded.isZero() ? price : rounded;
}

/** How often the paper venue misbehaves, each from 0 to 1. What befalls an order depends on its client id alone. */
export interface PaperFaults {
  /** The venue did what was asked, the reply never came. */
  readonly lostReply: number;
  /** The request never reached the venue, and nobody said so. */
  readonly timeoutBefore: number;
  /** A definite no for no reason of the order's. */
  readonly reject: number;
  /** The order fills in part, perhaps not at all; the rest is cancelled. */
  readonly partialFill: number;
  /** The order was taken, the reply lost, and no look-up of it is ever answered. */
  readonly blackout: number;
  /** The order stays OPEN for SLOW_MS (fill-plan.ts). */
  readonly slow: number;
}

/** Thin books happen at every venue: a job that never saw a partial fill would be untried. Everything else is asked for. */
export const DEFAULT_FAULTS: PaperFaults = {
  lostReply: 0,
  timeoutBefore: 0,
  reject: 0,
  partialFill: 0.02,
  blackout: 0,
  slow: 0,
};

const NAMES = {
  'lost-reply': 'lostReply',
  timeout: 'timeoutBefore',
  reject: 'reject',
  'partial-fill': 'partialFill',
  blackout: 'blackout',
  slow: 'slow',
} as const satisfies Record<string, keyof PaperFaults>;

const PROBABILITY = /^(?:0|1|0?\.\d+|1\.0+)$/;

/** Reads `lost-reply=0.1,timeout=0.05`; what is not named keeps its default. Throws USAGE naming every bad item. */
export function parseFaults(text: string): PaperFaults {
  const given: Partial<Record<keyof PaperFaults, number>> = {};
  const problems: Problem[] = [];
  for (const item of text.split(',').map((part) => part.trim())) {
    const [name = '', probability = '', ...rest] = item.split('=');
    const field = isName(name) ? NAMES[name] : undefined;
    if (field === undefined) problems.push({ path: item, why: 'must be name=probability' });
    else if (rest.length > 0 || !PROBABILITY.test(probability))
      problems.push({ path: item, why: 'must give a probability from 0 to 1, for example 0.05' });
    else if (given[field] !== undefined) problems.push({ path: item, why: 'was given before' });
    else given[field] = Number(probability);
  }
  if (problems.length > 0) {
    const names = Object.keys(NAMES).join(', ');
    throw new HarvestlineError('USAGE', `faults: ${formatProblems(problems)}. Names: ${names}`, { problems });
  }
  return { ...DEFAULT_FAULTS, ...given };
}

function isName(name: string): name is keyof typeof NAMES {
  return Object.hasOwn(NAMES, name);
}
