import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { assess } from '../../pipelines/calibration/assess.ts';
import type { ConfidenceMap } from '../../pipelines/scoring/confidence-map.ts';
import { DecisionEffect } from '../../pipelines/calibration/decision-effect.ts';
import { decisionBounds } from '../../pipelines/calibration/safety-bounds.ts';
import { whyNeverDegraded } from '../../pipelines/scoring/degradation.ts';
import { type Policy, defaultPolicy } from '../../pipelines/scoring/policy.ts';
import type { RandomStream } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { simulatedDesk } from './simulated-desk.ts';

const SAID = [0.6, 0.94] as const;
const OUTCOMES = 3000;
const DAYS = 100;
const SNAPSHOTS = 500;

type Truth = (said: number) => number;

const inside = (p: number): number => Math.min(0.999, Math.max(0.001, p));

/** The log-odds of what was said, times k. */
function stretched(k: number): Truth {
  return (said) => 1 / (1 + ((1 - said) / said) ** k);
}

/** What kinds of desks there are, with the truth of one desk of each drawn by a uniform number. */
export const DESKS = {
  calibrated: () => (said) => said,
  'over-confident': (u) => (said) => said - (0.06 + 0.14 * u),
  'under-confident': (u) => stretched(1.6 + 0.8 * u),
  uninformative: (u) => () => 0.5 + 0.2 * u,
  inverted: (u) => (said) => inside(0.55 - (0.3 + 0.5 * u) * (said - 0.77)),
} as const satisfies Record<string, (u: number) => Truth>;

/** The truths of the case bounds-leave-a-narrow-window: said minus d, and log-odds times k. */
export const WINDOW: Readonly<Record<string, () => Truth>> = Object.fromEntries([
  ...[0.05, 0.08, 0.1, 0.11, 0.14, 0.16].map((d) => [`d ${d}`, () => (said: number) => said - d] as const),
  ...[0.75, 0.5, 0.25].map((k) => [`k ${k}`, () => stretched(k)] as const),
]);

export interface DeskTally {
  readonly desks: number;
  /** Proposed, and every bound holds. */
  approvable: number;
  /** Proposed, and a bound is broken that an override passes. */
  override: number;
  /** No usable relation. */
  refused: number;
  /** By bound, how often it was broken. */
  readonly broken: Record<string, number>;
  /** Of the approvable ones, by the default policy: mean share of flips, and desks with a factor that can no longer occur. */
  flips: number;
  muted: number;
  /** The same for a policy that judges on the calibrated scale. */
  flipsOnCalibrated: number;
  mutedOnCalibrated: number;
}

/** Proposes for each of so many desks of a kind, with the method that cross-validation chooses. */
export function proposeFor(
  kind: string,
  truthOf: (u: number) => Truth,
  { desks, correlation, seed }: { readonly desks: number; readonly correlation: number; readonly seed: number },
): DeskTally {
  const stream = new SeededRandom(seed).stream(`${kind}-${correlation}`);
  const counts = {
    approvable: 0,
    override: 0,
    refused: 0,
    flips: 0,
    muted: 0,
    flipsOnCalibrated: 0,
    mutedOnCalibrated: 0,
  };
  const tally: DeskTally = { desks, broken: {}, ...counts };
  const raw = defaultPolicy();
  const mapped: Policy = { ...raw, thresholds: { ...raw.thresholds, degraded_on: 'calibrated' } };
  for (let desk = 0; desk < desks; desk++) {
    const shape = { outcomes: OUTCOMES, days: DAYS, said: SAID, truth: truthOf(stream.uniform()), correlation };
    const found = assess(simulatedDesk(shape, stream), null, new SeededRandom(desk));
    if (found.fit === null) {
      tally.refused += 1;
      continue;
    }
    const effect = effectOf(found.fit.map, raw, stream);
    const onMapped = effectOf(found.fit.map, mapped, stream);
    const broken = [...found.bounds, ...effect.bounds].filter(({ holds }) => !holds);
    for (const { name } of broken) tally.broken[name] = (tally.broken[name] ?? 0) + 1;
    if (broken.length > 0) {
      tally.override += 1;
      continue;
    }
    tally.approvable += 1;
    tally.flips += effect.share;
    tally.flipsOnCalibrated += onMapped.share;
    if (effect.muted) tally.muted += 1;
    if (onMapped.muted) tally.mutedOnCalibrated += 1;
  }
  return tally;
}

function effectOf(map: ConfidenceMap, policy: Policy, stream: RandomStream) {
  const effect = new DecisionEffect(policy, null, map);
  for (let offset = 0; offset < SNAPSHOTS; offset++)
    effect.add(aSnapshot(uniform(stream, SAID), uniform(stream, [0.4, 0.94])), { partition: 0, offset });
  const flips = effect.result();
  const bounds = decisionBounds(flips, whyNeverDegraded(policy, map) !== null);
  const muted = bounds.some(({ name, holds }) => name === 'factors_possible' && !holds);
  return { bounds, muted, share: flips === null ? 0 : flips.flips / flips.snapshots };
}

function uniform(stream: RandomStream, [low, high]: readonly [number, number]): number {
  return low + (high - low) * stream.uniform();
}

/** At R 1.5, three hours old, regime intact, volatility contracting: a degraded confidence decides between a part and all of it. */
function aSnapshot(atEntry: number, now: number): PositionSnapshot {
  return {
    position_id: 'main:AVAXUSDT:LONG:1772366400000',
    account: 'main',
    venue: 'paper',
    symbol: 'AVAXUSDT',
    side: 'LONG',
    observed_at: 1_772_377_200_000,
    opened_at: 1_772_366_400_000,
    quantity: 50,
    initial_quantity: 50,
    entry_price: 20,
    mark_price: 20.6,
    peak_price: 20.62,
    initial_stop_price: 19.6,
    stop_price: null,
    take_profit_price: null,
    confidence_at_entry: atEntry,
    confidence: now,
    model_id: null,
    regime_at_entry: 'TREND_UP',
    regime: 'TREND_UP',
    volatility_gradient: 0,
    r_history: [1.5, 1.5, 1.5],
    source: 'made up',
  } as unknown as PositionSnapshot;
}
