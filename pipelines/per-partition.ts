/**
 * One instance of a processor for each partition of its input, so that a partition that waits (an order that settles
 * slowly) holds up no other, and a member of a group restores and holds only what its own partitions need.
 *
 * Q1  The batches of a partition are processed one after the other, whatever the log delivers meanwhile.
 * Q2  After every assignment each instance is made anew and restored before its first batch, from that partition of its
 *     state topics alone, read up to the end that stands then: what a former owner of the partition wrote is seen.
 * Q3  All that an instance writes goes to the partition number of its input. So what Q2 reads is all that the partition's
 *     records ever caused, however keys are hashed.
 *
 * Made for processors whose inputs and state have one key and equally many partitions. CLM is not one: its state is keyed
 * by position_id, its input by account:symbol.
 */
import type { EncodedRecord } from '../schemas/topic-writer.ts';
import type { DecodedRecord, Processor, Replay, Write } from './processor.ts';

/** `create` makes one partition's instance; all of them have the same name, inputs and bound of a batch. */
export function perPartition(create: () => Processor): Processor {
  const { name, inputs, maxBatchRecords } = create();
  const partitions = new Partitions(create);
  return {
    name,
    inputs,
    ...(maxBatchRecords === undefined ? {} : { maxBatchRecords }),
    restore: (replay) => partitions.reassign(replay),
    settle: (assigned, write) => partitions.settle(assigned, write),
    process: (records, write) => partitions.process(records, write),
  };
}

const NOTHING_BEFORE = Promise.resolve();

class Partitions {
  readonly #create: () => Processor;
  /** Partition -> its latest batch, which the next one waits for (Q1). Survives assignments: a batch may still be in hand. */
  readonly #latest = new Map<number, Promise<unknown>>();
  /** Replaced as a whole by an assignment, so that an instance that was restored before it never comes back (Q2). */
  #instances = new Map<number, Processor>();
  #replay: Replay | null = null;

  constructor(create: () => Processor) {
    this.#create = create;
  }

  reassign(replay: Replay): Promise<void> {
    this.#replay = replay;
    this.#instances = new Map();
    return NOTHING_BEFORE;
  }

  /** All partitions at the same time: an order that settles slowly holds up no other. */
  async settle(partitions: readonly number[], write: Write): Promise<void> {
    const settling = partitions.map((partition) =>
      this.#inTurn(partition, async () => {
        const instance = await this.#instanceOf(partition);
        await instance.settle?.([partition], (written) => write(pinned(written, partition)));
      }),
    );
    const failed = (await Promise.allSettled(settling)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]> {
    const partition = records[0]?.at.partition;
    if (partition === undefined) return Promise.resolve([]);
    return this.#inTurn(partition, () => this.#work(partition, records, write));
  }

  /** Q1. */
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
    const replay = this.#replay;
    const fresh = this.#create();
    if (replay !== null) await fresh.restore?.((topic) => replay(topic, [partition]));
    instances.set(partition, fresh);
    return fresh;
  }
}

/** Q3. */
function pinned(records: readonly EncodedRecord[], partition: number): readonly EncodedRecord[] {
  return records.map((record) => ({ ...record, partition }));
}
