import type { PartitionOffsets } from '../../ports/event-log.ts';
import type { Random } from '../../ports/random.ts';
import {
  type ComparisonOptions,
  type ComparisonFigures,
  sumPartitions,
  type ComparedPartition,
  Comparison,
} from './comparison.ts';
import type { MapRecords } from './past-maps.ts';
import { Realised, type RealisedResults } from './position-results.ts';
import { type TradingCosts, type CostsWanted, replayCosts } from './trading-costs.ts';
import { DEFAULT_LIMITS } from '../execution/limits.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { type ReadableTopics, forEachRecord, withinPartition } from '../runtime/topic-cursor.ts';
import { type ReplayWindow, fixWindow } from './replay-window.ts';

/** Fewer are compared in the time that threads take to start. Unit: records. */
const WORTH_THREADS = 200_000;

interface CompareOptions extends Omit<ComparisonOptions, 'maps' | 'costs'> {
  readonly window: ReplayWindow;
  /** Raw confidence, even where a map is in force. */
  readonly raw: boolean;
  /** Calibration maps of each snapshot's own time, or those in force now for all. Default: of its own time. */
  readonly maps?: MapRecords['which'];
  /** Default: recorded ones, else those of a policy, else none. */
  readonly costs?: CostsWanted;
  /** For the sample and the bootstrap. */
  readonly random: Random;
  /** Compares in threads, from `worthRecords` on; must draw from the same seed as `random`. Default: all in this thread. */
  readonly threads?: {
    readonly compare: (comparison: Omit<ComparisonOptions, 'random'>) => ComparePartitions;
    readonly worthRecords?: number;
  };
  /** Called once with the number of records to read; `onRecords` with the number of those read since. */
  readonly onTotal?: (records: number) => void;
  readonly onRecords?: (records: number) => void;
}

/** The comparison of two policies, as `replay --json` prints it. */
export interface ReplayResult extends ComparisonFigures {
  readonly policy: string;
  readonly against: string;
  readonly costs: TradingCosts;
  /** Realised results of the replayed positions; null: none of them is closed on record. */
  readonly realised: RealisedResults | null;
  readonly undecodable: number;
  readonly ranges: readonly PartitionOffsets[];
  readonly cannot_know: readonly string[];
}

/** What such a comparison cannot know, whatever its figures. */
export const CANNOT_KNOW = [
  'Once a policy closes, the rest of its path is hypothetical; and paths end where the recorded snapshots end, which the policy that really traded decided.',
  'A policy that would have held on past the last snapshot is marked there: what it would have earned or lost later is not known.',
  `Prices are marks: no order was sent, so there is no spread, slippage, partial fill or rejection. Partial closes lie at least ${DEFAULT_LIMITS.cooldownMs / 60_000} minutes apart, as execution's cooldown has it.`,
  'Costs are one rate for all: that of fees and that of funding by side, whatever each venue, market and hour charged.',
  'The interval takes positions as independent. Those of one market move together, so the truth may well lie outside of it.',
  'A position begins where its snapshots begin in the window, with what was open then. What it grew by is added under both policies, unless one had closed all of it by then.',
] as const satisfies readonly string[];

/** Streams the recorded snapshots past both policies, between offsets that are fixed at the start. */
export async function comparePolicies(world: ReadableTopics, options: CompareOptions): Promise<ReplayResult> {
  const { current, candidate, listed, random, threads } = options;
  const maps = options.raw ? null : await readMaps(world, options.maps ?? 'then');
  const costs = await replayCosts(world, options.costs ?? 'auto', [current, candidate]);
  const ranges = await fixWindow(world.log, TOPICS.positionSnapshot.name, options.window);
  const records = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
  options.onTotal?.(records);
  const comparison = { current, candidate, maps, costs, listed };
  const comparePartitions: ComparePartitions =
    threads === undefined || records < (threads.worthRecords ?? WORTH_THREADS)
      ? compareInTurn(world, { ...comparison, random })
      : threads.compare(comparison);
  const outcomes = await comparePartitions(ranges, options.onRecords ?? (() => {}));
  const { figures, sample } = sumPartitions(
    outcomes.map(({ compared }) => compared),
    { ...comparison, random },
  );
  const realised = new Realised(sample, costs, current.thresholds.default_risk);
  await forEachRecord(world, TOPICS.clmOutcome.name, {}, (outcome) => realised.add(outcome));
  return {
    policy: candidate.id,
    against: current.id,
    ...figures,
    costs,
    realised: realised.results(),
    undecodable: outcomes.reduce((sum, { undecodable }) => sum + undecodable, 0),
    ranges,
    cannot_know: CANNOT_KNOW,
  };
}

async function readMaps(world: ReadableTopics, which: MapRecords['which']): Promise<MapRecords> {
  const decisions: ConfidenceCalibration[] = [];
  await forEachRecord(world, TOPICS.confidenceCalibration.name, {}, (decision) => decisions.push(decision));
  if (decisions.length === 0 || which === 'now') return { decisions, applied: [], which };
  const applied: MapRecords['applied'][number][] = [];
  await forEachRecord(world, TOPICS.policyApplied.name, {}, ({ calibrations, input }) => {
    if (input.topic === TOPICS.positionSnapshot.name) applied.push({ calibrations, input });
  });
  return { decisions, applied, which };
}

/** The comparison of one partition. */
export interface PartitionOutcome {
  readonly compared: ComparedPartition;
  readonly undecodable: number;
}

/** Compares stretches of position.snapshot; the outcomes are in their order. `onRecords` gets the number of records read since. */
export type ComparePartitions = (
  ranges: readonly PartitionOffsets[],
  onRecords: (records: number) => void,
) => Promise<readonly PartitionOutcome[]>;

/** One partition after the other, in this thread. */
function compareInTurn(world: ReadableTopics, options: ComparisonOptions): ComparePartitions {
  return async (ranges, onRecords) => {
    const outcomes: PartitionOutcome[] = [];
    for (const range of ranges) outcomes.push(await comparePartition(world, options, range, onRecords));
    return outcomes;
  };
}

/** Streams one partition past both policies. */
export async function comparePartition(
  world: ReadableTopics,
  options: ComparisonOptions,
  range: PartitionOffsets,
  onRecords: (records: number) => void,
): Promise<PartitionOutcome> {
  const comparison = new Comparison(options);
  const undecodable = await forEachRecord(
    world,
    TOPICS.positionSnapshot.name,
    withinPartition(range),
    (snapshot, at) => comparison.add(snapshot, at),
    onRecords,
  );
  return { compared: comparison.end(), undecodable };
}
