/**
 * A thread of a replay: opens the log for itself, gets partitions of position.snapshot one by one, and answers with its progress and with
 * the outcome of each.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import { type Coordinates, HarvestlineError, type Problem } from '../../errors/harvestline-error.ts';
import type { ComparisonOptions } from '../../pipelines/replay/comparison.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import { openForReading } from '../log-session/log-session.ts';
import type { LogOptions } from '../options/log-options.ts';
import { type PartitionOutcome, comparePartition } from '../../pipelines/replay/compare-policies.ts';

/** What is the same for all partitions. Plain data: it is copied to each thread. */
export interface CompareJob extends Omit<ComparisonOptions, 'random'> {
  readonly world: LogOptions;
  readonly seed: number;
}

export interface ToThread {
  readonly index: number;
  readonly range: PartitionOffsets;
}

export type FromThread =
  | { readonly kind: 'read'; readonly records: number }
  | { readonly kind: 'compared'; readonly index: number; readonly outcome: PartitionOutcome }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly at?: Coordinates;
      readonly problems: readonly Problem[];
    };

/** As often as a progress line needs it. Unit: records. */
const REPORT_EVERY = 10_000;

const port = parentPort;
if (port === null) throw new TypeError('this is a thread of the replay: it does not run by itself');
const answer = (message: FromThread): void => port.postMessage(message);
const { world: options, seed, ...job } = workerData as CompareJob;
const comparison = { ...job, random: new SeededRandom(seed) };

let unreported = 0;
const report = (records: number, least: number): void => {
  unreported += records;
  if (unreported < least) return;
  answer({ kind: 'read', records: unreported });
  unreported = 0;
};

const world = explained(() => openForReading(options));
port.on('message', ({ index, range }: ToThread) => {
  void explained(async () => {
    const opened = await world;
    if (opened === undefined) return;
    const outcome = await comparePartition(opened, comparison, range, (records) => report(records, REPORT_EVERY));
    report(0, 1);
    answer({ kind: 'compared', index, outcome });
  });
});

/** A HarvestlineError loses its class on the way to another thread, so its parts are sent; any other error ends this thread. */
async function explained<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof HarvestlineError)) throw thrown;
    const { code, message, at, problems } = thrown;
    answer({ kind: 'failed', code, message, problems, ...(at === undefined ? {} : { at }) });
    return undefined;
  }
}
