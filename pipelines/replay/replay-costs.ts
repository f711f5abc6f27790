import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { NO_COSTS, RecordedCosts, type TradingCosts, costsOfPolicy } from './trading-costs.ts';
import type { Policy } from '../scoring/policy.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

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

/** The costs that both policies bear. Throws USAGE where those asked for are not known. */
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
  await visitTopic(world, TOPICS.tradeClosed.name, {}, (trade) => costs.add(trade));
  return costs.rates();
}
