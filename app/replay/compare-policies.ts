import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import type { ComparisonOptions } from '../../pipelines/replay/comparison.ts';
import { type ComparisonFigures, sumPartitions } from '../../pipelines/replay/sum-partitions.ts';
import { DEFAULT_LIMITS } from '../../pipelines/execution/limits.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibrate/read-versions.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { compareInThreads } from './compare-in-threads.ts';
import { type ComparePartitions, compareInTurn } from './compare-partitions.ts';
import { type ReplayWindow, fixWindow } from './replay-window.ts';
import type { WorldOptions } from '../open-world.ts';

/** Fewer are compared before threads have started. Unit: records. */
const WORTH_THREADS = 200_000;

export interface CompareOptions extends Omit<ComparisonOptions, 'versions' | 'random'> {
  readonly window: ReplayWindow;
  /** Raw confidence, even where a map is in force. */
  readonly raw: boolean;
  /** Seed of the sample and of the bootstrap. */
  readonly seed: number;
  /** How threads open the same log, for as many records as are worth them. Left out: all in this thread. */
  readonly threads?: { readonly world: WorldOptions; readonly worthRecords?: number };
  /** Told once of the records to read, then of those read. */
  readonly onTotal?: (records: number) => void;
  readonly onRecords?: (records: number) => void;
}

/** What a replay of two policies found, as `replay --json` prints it. */
export interface ReplayResult extends ComparisonFigures {
  readonly policy: string;
  readonly against: string;
  /** Calibration versions that were applied to both, by model: those in force now. Empty: raw confidence. */
  readonly calibration: Readonly<Record<string, string>>;
  readonly undecodable: number;
  readonly ranges: readonly PartitionOffsets[];
  readonly cannot_know: readonly string[];
}

/** What such a comparison leaves open, whatever the figures are. */
export const CANNOT_KNOW = [
  'Once a policy closes, the rest of its path is hypothetical; and paths end where the recorded snapshots end, which the policy that really traded decided.',
  'A policy that would have held on past the last snapshot is marked there: what it would have earned or lost later is not known.',
  `Prices are marks: no order was sent, so there is no spread, slippage, partial fill or rejection. Partial closes lie at least ${DEFAULT_LIMITS.cooldownMs / 60_000} minutes apart, as execution's cooldown has it.`,
  'No fees and no funding, whatever the policies deduct from R.',
  'The interval takes positions as independent. Those of one market move together, so the truth may well lie outside of it.',
  'A position begins where its snapshots begin in the window, with what was open then counted as 1; R of a position that grew is by its average entry at the time.',
] as const satisfies readonly string[];

/** Streams the recorded snapshots past both policies, between offsets that are fixed at the start. */
export async function comparePolicies(world: ReadableTopics, options: CompareOptions): Promise<ReplayResult> {
  const { current, candidate, listed, seed, threads } = options;
  const versions = options.raw ? null : await readVersions(world);
  const ranges = await fixWindow(world.log, TOPICS.positionSnapshot.name, options.window);
  const records = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
  options.onTotal?.(records);
  const comparison = { current, candidate, versions, listed, random: new SeededRandom(seed) };
  const approved = versions?.allInForce() ?? [];
  const comparePartitions: ComparePartitions =
    threads === undefined || records < (threads.worthRecords ?? WORTH_THREADS)
      ? compareInTurn(world, comparison)
      : compareInThreads({ world: threads.world, current, candidate, approved, listed, seed });
  const outcomes = await comparePartitions(ranges, options.onRecords ?? (() => {}));
  return {
    policy: candidate.id,
    against: current.id,
    ...sumPartitions(
      outcomes.map(({ compared }) => compared),
      comparison,
    ),
    calibration: Object.fromEntries(approved.map(({ model_id, version }) => [model_id, version])),
    undecodable: outcomes.reduce((sum, { undecodable }) => sum + undecodable, 0),
    ranges,
    cannot_know: CANNOT_KNOW,
  };
}
