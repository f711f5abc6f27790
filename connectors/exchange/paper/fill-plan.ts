import type { Pricing } from '../../../ports/exchange.ts';
import type { RandomStream } from '../../../ports/random.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { PaperMarket } from './market-rules.ts';
import { HarvestlineError, type Problem, formatProblems } from '../../../errors/harvestline-error.ts';

/** Slippage is drawn between 0 and twice this, always against the trader. Unit: fraction of price (2 basis points). */
const MEAN_SLIPPAGE = 0.0002;

/** The taker fee of large futures exchanges. Unit: fraction of notional (5 basis points). */
export const TAKER_FEE = '0.0005';

/** Their maker fee. Unit: fraction of notional (2 basis points). */
const MAKER_FEE = '0.0002';

/** The share of resting orders that fill, and the time within which they do. Units: fraction; milliseconds. */
const RESTING_FILLED_SHARE = 0.6;
const RESTING_FILLED_WITHIN_MS = 20_000;

/** Any other resting order stays until it is cancelled. Unit: milliseconds. */
const FOR_EVER_MS = 365 * 24 * 60 * 60 * 1000;

/** A market order fills in one to three parts. */
const MAX_FILLS = 3;

/** From an ordinary round trip to that of a congested exchange. Unit: milliseconds until the order is DONE. */
const MIN_DELAY_MS = 20;
const MAX_DELAY_MS = 250;

/** Longer than execution waits for an order, shorter than the time until it asks again. Unit: milliseconds. */
export const SLOW_MS = 10 * 60 * 1000;

/** The faults of one order. */
export type Fate = { readonly [F in keyof PaperFaults]: boolean };

/** A fill as decided at placement; `after` is the time from then. Unit: milliseconds. */
interface PlannedFill {
  readonly after: number;
  readonly quantity: Exact;
  readonly price: Exact;
  readonly fee: Exact;
}

interface FillPlan {
  /** The time from placement until the order is DONE. Unit: milliseconds. */
  readonly doneAfter: number;
  readonly fills: readonly PlannedFill[];
}

/** Draws once per fault whatever its probability, so that enabling one fault changes nothing else about an order. */
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

/** An order that the exchange has taken. */
interface TakenOrder {
  readonly side: Side;
  readonly quantity: Exact;
  readonly open: Exact;
  readonly markPrice: number;
  readonly pricing: Pricing;
}

/**
 * The fills of an order: at the mark price, worsened by slippage and rounded to the worse tick. Fills beyond the order's limit are left out.
 * A resting order fills as a whole at its price, or not at all.
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
  const isTaken = stream.uniform() < RESTING_FILLED_SHARE;
  const after = stream.integer(MIN_DELAY_MS, RESTING_FILLED_WITHIN_MS);
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

/** A partial quantity in whole lots, which leaves enough open for another order. */
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
  // A price that has fallen below one tick since the rules were derived would round to 0.
  return rounded.isZero() ? price : rounded;
}

/** The probabilities, from 0 to 1, with which the paper exchange misbehaves. Which orders are affected depends on their client order ids alone. */
export interface PaperFaults {
  /** The order was taken, but the reply is lost. */
  readonly lostReply: number;
  /** The request is lost before it reaches the exchange. */
  readonly timeoutBefore: number;
  /** The order is rejected without a reason. */
  readonly reject: number;
  /** The order fills in part or not at all, and the rest is cancelled. */
  readonly partialFill: number;
  /** The order was taken, the reply is lost, and look-ups are never answered. */
  readonly blackout: number;
  /** The order stays OPEN for SLOW_MS. */
  readonly slow: number;
}

/** Partial fills happen at every exchange, so some always occur. Other faults must be enabled. */
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

/** Parses `lost-reply=0.1,timeout=0.05`; faults that are not named keep their defaults. Throws USAGE naming every bad item. */
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
