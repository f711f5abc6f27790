/**
 * One instance of a processor for each partition of its input. A partition that waits, for an order that takes long, then holds up no
 * other, and a member of a group restores and holds only the state of its own partitions.
 *
 * RUN-13  The batches of a partition are processed one after the other, whatever the log delivers in the meantime.
 * RUN-14  After every assignment each instance is made anew and restored before its first batch, from that partition of its
 *     state topics alone, read up to the end that stands then: what a former owner of the partition wrote is seen.
 * RUN-15  All that an instance writes goes to the partition number of its input. So what RUN-14 reads is all that the partition's
 *     records ever caused, however keys are hashed.
 * RUN-16  It has every property of the processor that it wraps. One that is added to `Processor` must be passed on here, or this does not
 *      compile.
 * RUN-17  Every instance is given all broadcast records, before it is restored or when they arrive, and the observed records of its
 *      partition.
 *
 * Made for processors whose inputs and state have one key and equally many partitions. CLM is not one: its state is keyed
 * by position_id, its input by account:symbol.
 */
import type { LogRecord } from '../../ports/event-log.ts';
import type { EncodedRecord } from '../../schemas/topic-writer.ts';
import type { TopicName } from '../../schemas/topics.ts';
import {
  type DecodedRecord,
  type AskProcessed,
  NOTHING_PROCESSED,
  type Processor,
  type Replay,
  type Write,
} from './processor.ts';

/** `create` makes the instance of one partition; name, topics and bounds are the same in all of them. */
export function perPartition(create: () => Processor): Processor {
  const { name, inputs, observes, broadcasts, maxBatchRecords, splittable } = create();
  const partitions = new Partitions(create);
  return withoutUndefined({
    name,
    inputs,
    observes,
    broadcasts,
    maxBatchRecords,
    splittable,
    restore: (replay, processed) => partitions.reassign(replay, processed),
    recover: (assigned, write) => partitions.recover(assigned, write),
    onBroadcast: (record) => partitions.broadcast(record),
    observe: (records, topic) => partitions.observe(records, topic),
    process: (records, write) => partitions.process(records, write),
  });
}

/** RUN-16. */
type EveryProperty = { readonly [K in keyof Required<Processor>]: Processor[K] };

/** Without the properties that are undefined: an optional one that is not there must not be there as undefined. */
function withoutUndefined(properties: EveryProperty): Processor {
  const { name, inputs, process } = properties;
  const others = Object.entries(properties).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(others), name, inputs, process };
}

const NOTHING_BEFORE = Promise.resolve();

class Partitions {
  readonly #create: () => Processor;
  /** Partition -> its latest batch, which the next one waits for (RUN-13). Survives assignments: a batch may still be in hand. */
  readonly #latest = new Map<number, Promise<unknown>>();
  /** Replaced as a whole by an assignment, so that an instance that was restored before it never comes back (RUN-14). */
  #instances = new Map<number, Processor>();
  #before: { readonly replay: Replay; readonly processed: AskProcessed } | null = null;
  /** RUN-17: for instances that are made later. Broadcast inputs are small. */
  readonly #broadcastRecords: DecodedRecord[] = [];

  constructor(create: () => Processor) {
    this.#create = create;
  }

  reassign(replay: Replay, processed = NOTHING_PROCESSED): Promise<void> {
    this.#before = { replay, processed };
    this.#instances = new Map();
    return NOTHING_BEFORE;
  }

  /** All partitions at the same time: one that is slow holds up no other. */
  async recover(partitions: readonly number[], write: Write): Promise<void> {
    const recoveries = partitions.map((partition) =>
      this.#inTurn(partition, async () => {
        const instance = await this.#instanceOf(partition);
        await instance.recover?.([partition], (written) => write(pinned(written, partition)));
      }),
    );
    const failed = (await Promise.allSettled(recoveries)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  broadcast(record: DecodedRecord): void {
    this.#broadcastRecords.push(record);
    for (const instance of this.#instances.values()) instance.onBroadcast?.(record);
  }

  async observe(records: readonly LogRecord[], topic: TopicName): Promise<readonly EncodedRecord[]> {
    const partition = records[0]?.partition;
    if (partition === undefined) return [];
    const outputs = await this.#inTurn(partition, async () =>
      (await this.#instanceOf(partition)).observe?.(records, topic),
    );
    return pinned(outputs ?? [], partition);
  }

  process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]> {
    const partition = records[0]?.at.partition;
    if (partition === undefined) return Promise.resolve([]);
    return this.#inTurn(partition, () => this.#work(partition, records, write));
  }

  /** RUN-13. */
  #inTurn<T>(partition: number, work: () => Promise<T>): Promise<T> {
    const before = this.#latest.get(partition) ?? NOTHING_BEFORE;
    const turn = before.then(work, work);
    this.#latest.set(partition, turn);
    return turn;
  }

  async #work(partition: number, records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]> {
    const instance = await this.#instanceOf(partition);
    const outputs = await instance.process(records, (written) => write(pinned(written, partition)));
    return pinned(outputs, partition);
  }

  async #instanceOf(partition: number): Promise<Processor> {
    const instances = this.#instances;
    const known = instances.get(partition);
    if (known !== undefined) return known;
    const before = this.#before;
    const fresh = this.#create();
    const given = this.#give(fresh, 0);
    if (before !== null) {
      await fresh.restore?.((topic) => before.replay(topic, [partition]), before.processed);
    }
    // Those that came during the restore. Nothing is awaited between this and the instance's entry in the map.
    this.#give(fresh, given);
    instances.set(partition, fresh);
    return fresh;
  }

  /** Gives it the broadcast records from number `from` on. Returns how many it has then. */
  #give(instance: Processor, from: number): number {
    for (const record of this.#broadcastRecords.slice(from)) instance.onBroadcast?.(record);
    return this.#broadcastRecords.length;
  }
}

/** RUN-15. */
function pinned(records: readonly EncodedRecord[], partition: number): readonly EncodedRecord[] {
  return records.map((record) => ({ ...record, partition }));
}
