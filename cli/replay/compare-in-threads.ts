import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import { chosenKafka } from '../options/log-options.ts';
import type { ComparePartitions, PartitionOutcome } from '../../pipelines/replay/compare-policies.ts';
import type { CompareJob, FromThread, ToThread } from './compare-thread.ts';

/**
 * Each thread has its own heap, so their number bounds memory. The young generation (MiB) must hold twice what is read at a time, or
 * garbage is promoted to the old one: pages of the embedded log are small, but a record batch of Kafka has up to a megabyte, and several
 * when decoded. Two heaps for Kafka would need more than 300 MiB.
 */
const THREADS = {
  embedded: { most: 2, youngGeneration: 24 },
  kafka: { most: 1, youngGeneration: 64 },
} as const;

/**
 * When objects of an allocation site have survived a few collections, V8 allocates all later ones of it in the old generation, where they
 * pile up as garbage. Records survive while their batch is worked and are then dropped. Without this flag a replay of 1.5 million
 * snapshots from Kafka took 21 % more CPU time and 94 MiB more memory (357 MiB at most, 263 with it); from the embedded log the same.
 */
const NO_PRETENURING = '--no-allocation-site-pretenuring';

const THREAD = new URL('compare-thread.ts', import.meta.url);

/** Node's options of a thread. A package's TypeScript needs its loader in every thread. */
const THREAD_OPTIONS = THREAD.pathname.includes('/node_modules/')
  ? { execArgv: ['--import', new URL('../../connectors/system/typescript-in-packages.mjs', import.meta.url).href] }
  : {};

/**
 * Compares partitions in parallel, each on one thread.
 *
 * CLR-1  The outcomes are those of a single thread: a partition is compared by itself, on whichever thread and whenever.
 * CLR-2  The first thread that fails ends all of them, with its error.
 */
export function compareInThreads(job: CompareJob): ComparePartitions {
  return async (ranges, onRecords) => {
    setFlagsFromString(NO_PRETENURING);
    const outcomes = new Map<number, PartitionOutcome>();
    // The largest first, so that the threads end at about the same time.
    const waiting = [...ranges.entries()].toSorted(([, one], [, other]) => sizeOf(other) - sizeOf(one));
    const { most, youngGeneration } = THREADS[chosenKafka(job.world) === null ? 'embedded' : 'kafka'];
    const resourceLimits = { maxYoungGenerationSizeMb: youngGeneration };
    const threads = Array.from(
      { length: Math.min(most, availableParallelism(), ranges.length) },
      () => new Worker(THREAD, { workerData: job, resourceLimits, ...THREAD_OPTIONS }),
    );
    try {
      await Promise.all(
        threads.map((thread) => work(thread, waiting, onRecords, (index, outcome) => outcomes.set(index, outcome))),
      );
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
    return ranges.map((range, index) => {
      const outcome = outcomes.get(index);
      if (outcome === undefined) throw new TypeError(`no outcome of partition ${range.partition}`);
      return outcome;
    });
  };
}

/** Gives partitions to one thread until none is left. */
function work(
  thread: Worker,
  waiting: [number, PartitionOffsets][],
  onRecords: (records: number) => void,
  onOutcome: (index: number, outcome: PartitionOutcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const first = waiting.shift();
      if (first === undefined) return resolve();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows; this is a thread
      thread.postMessage({ index: first[0], range: first[1] } satisfies ToThread);
    };
    thread.on('message', (message: FromThread) => {
      switch (message.kind) {
        case 'read':
          onRecords(message.records);
          break;
        case 'compared':
          onOutcome(message.index, message.outcome);
          next();
          break;
        case 'failed':
          reject(new HarvestlineError(message.code, message.message, message));
      }
    });
    thread.on('error', reject);
    thread.on('exit', (code) => reject(new Error(`a thread of the replay ended with ${code}`)));
    next();
  });
}

function sizeOf({ begin, end }: PartitionOffsets): number {
  return end - begin;
}
