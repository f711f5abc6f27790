import type { PartitionOffsets } from '../../ports/event-log.ts';
import { Comparison, type ComparisonFigures, type ComparisonOptions } from '../../pipelines/replay/comparison.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibrate/read-versions.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { type ReplayWindow, fixWindow } from './replay-window.ts';
import { visitRange } from './visit-range.ts';

export interface CompareOptions extends Omit<ComparisonOptions, 'versions'> {
  readonly window: ReplayWindow;
  /** Raw confidence, even where a map is in force. */
  readonly raw: boolean;
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
  'Prices are marks: no order was sent, so there is no spread, slippage, partial fill or rejection.',
  'No fees and no funding, whatever the policies deduct from R.',
  'A position begins where its snapshots begin in the window, with what was open then counted as 1; R of a position that grew is by its average entry at the time.',
] as const;

/** Streams the recorded snapshots past both policies, one partition after the other, between offsets that are fixed at the start. */
export async function comparePolicies(world: ReadableTopics, options: CompareOptions): Promise<ReplayResult> {
  const topic = TOPICS.positionSnapshot.name;
  const versions = options.raw ? null : await readVersions(world);
  const ranges = await fixWindow(world.log, topic, options.window);
  options.onTotal?.(ranges.reduce((sum, { begin, end }) => sum + end - begin, 0));
  const comparison = new Comparison({ ...options, versions });
  let undecodable = 0;
  for (const range of ranges) {
    undecodable += await visitRange(
      world,
      topic,
      range,
      (snapshot, at) => comparison.add(snapshot, at),
      options.onRecords ?? (() => {}),
    );
    comparison.endPartition();
  }
  const inForce = versions?.allInForce() ?? [];
  return {
    policy: options.candidate.id,
    against: options.current.id,
    ...comparison.figures(),
    calibration: Object.fromEntries(inForce.map(({ model_id, version }) => [model_id, version])),
    undecodable,
    ranges,
    cannot_know: CANNOT_KNOW,
  };
}
