import type { Side, TradeClosed } from '../../schemas/generated/records.ts';
import type { Policy } from '../scoring/policy.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Funding is settled every eight hours. Unit: milliseconds. */
export const FUNDING_PERIOD_MS = 8 * HOUR_MS;

/** Trading costs in a replay, the same for both policies. */
export interface TradingCosts {
  /** recorded: measured on trade.closed; policy: a policy's; given: by --costs; none: unknown, so results are before costs. */
  readonly source: 'recorded' | 'policy' | 'given' | 'none';
  /** Paid on entry and again on exit. Unit: ratio of notional. */
  readonly fee: number;
  /** Paid by each side every eight hours; negative is received. Unit: ratio of notional. */
  readonly funding_per_8h: Readonly<Record<Side, number>>;
}

export const NO_COSTS: TradingCosts = { source: 'none', fee: 0, funding_per_8h: { LONG: 0, SHORT: 0 } };

/** The costs that a policy deducts, with the same funding on both sides. Null: none. */
function costsOfPolicy({ costs }: Policy): TradingCosts | null {
  if (costs === null) return null;
  const { taker_fee: fee, funding_per_8h: funding } = costs;
  return { source: 'policy', fee, funding_per_8h: { LONG: funding, SHORT: funding } };
}

/** Rates measured on trade.closed: fees over notional, and for each side funding over notional and time held. */
export class RecordedCosts {
  readonly #fees = { paid: 0, notional: 0 };
  readonly #funding = { LONG: { paid: 0, notional: 0 }, SHORT: { paid: 0, notional: 0 } };

  /** Costs that are unknown are left out. */
  add(trade: TradeClosed): void {
    const { side, quantity, entry_price: entry, exit_price: exit } = trade;
    addRate(this.#fees, trade.fee_quote, quantity * exit);
    addRate(this.#fees, trade.opening_fee_quote ?? null, quantity * entry);
    const periods = (trade.closed_at - trade.opened_at) / FUNDING_PERIOD_MS;
    addRate(this.#funding[side], trade.funding_quote ?? null, quantity * exit * periods);
  }

  /** Null where no fee is known. Funding that is unknown is 0. */
  rates(): TradingCosts | null {
    if (this.#fees.notional === 0) return null;
    const rate = ({ paid, notional }: Rate): number => (notional === 0 ? 0 : paid / notional);
    return {
      source: 'recorded',
      fee: rate(this.#fees),
      funding_per_8h: { LONG: rate(this.#funding.LONG), SHORT: rate(this.#funding.SHORT) },
    };
  }
}

interface Rate {
  paid: number;
  notional: number;
}

function addRate(rate: Rate, paid: number | null, notional: number): void {
  if (paid === null) return;
  rate.paid += paid;
  rate.notional += notional;
}

/** Where the costs of a replay come from; `auto`: recorded ones, else those of a policy, else none. */
export type CostsWanted = 'auto' | 'recorded' | 'policy' | 'none' | TradingCosts;

const RATES = /^(\d+(?:\.\d+)?)(?:,(-?\d+(?:\.\d+)?))?$/;

/** Reads `recorded`, `policy`, `none` or FEE[,FUNDING] in ratios of notional. Throws USAGE. */
export function parseCosts(text: string): CostsWanted {
  if (text === 'auto' || text === 'recorded' || text === 'policy' || text === 'none') return text;
  const [, fee, funding = '0'] = RATES.exec(text) ?? [];
  if (fee === undefined)
    throw new HarvestlineError(
      'USAGE',
      `--costs ${text}: must be recorded, policy, none, or the fee of a side and the funding of eight hours as ratios of notional, for example 0.0005,0.0001`,
    );
  return { source: 'given', fee: Number(fee), funding_per_8h: { LONG: Number(funding), SHORT: Number(funding) } };
}

/** The costs of a replay. Throws USAGE where those asked for are not known. */
export async function replayCosts(
  world: ReadableTopics,
  wanted: CostsWanted,
  policies: readonly Policy[],
): Promise<TradingCosts> {
  if (typeof wanted === 'object') return wanted;
  if (wanted === 'none') return NO_COSTS;
  const recorded = wanted === 'policy' ? null : await recordedCosts(world);
  if (recorded !== null) return recorded;
  if (wanted === 'recorded')
    throw new HarvestlineError(
      'USAGE',
      `--costs recorded: no trade on ${TOPICS.tradeClosed.name} says what its fees were; give them, for example --costs 0.0005`,
    );
  const [own] = policies.flatMap((policy) => costsOfPolicy(policy) ?? []);
  if (own !== undefined) return own;
  if (wanted === 'auto') return NO_COSTS;
  throw new HarvestlineError(
    'USAGE',
    '--costs policy: neither policy has costs; give them, for example --costs 0.0005',
  );
}

async function recordedCosts(world: ReadableTopics): Promise<TradingCosts | null> {
  const costs = new RecordedCosts();
  await forEachRecord(world, TOPICS.tradeClosed.name, {}, (trade) => costs.add(trade));
  return costs.rates();
}
