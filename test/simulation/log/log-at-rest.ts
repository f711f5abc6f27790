/** The log once a run is over, as a command reads it then: no process, no request, no fault. Nothing can be written any more. */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Batch, EventLog, HeldBack, PartitionOffsets, ReadRange } from '../../../ports/event-log.ts';
import type { SimulatedBroker } from './broker.ts';
import type { StoredPartition } from './stored-partition.ts';

/** Unit: records of a batch. */
const BATCH_RECORDS = 2000;

export class LogAtRest implements EventLog {
  readonly #partitions: (topic: string) => readonly StoredPartition[];
  readonly #committed: (group: string, topic: string) => ReadonlyMap<number, number>;

  constructor(broker: SimulatedBroker) {
    this.#partitions = (topic) => broker.partitions(topic);
    this.#committed = (group, topic) => broker.committedOf(group, topic);
  }

  async *read(topic: string, { from, partitions }: ReadRange = {}): AsyncIterable<Batch> {
    for (const stored of this.#partitions(topic)) {
      const { partition, begin } = stored.offsets;
      if (partitions?.includes(partition) === false) continue;
      let batch = stored.batchFrom(from?.get(partition) ?? begin, BATCH_RECORDS);
      while (batch !== null) {
        yield batch;
        batch = stored.batchFrom(batch.nextOffset, BATCH_RECORDS);
      }
    }
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return Promise.resolve(this.#partitions(topic).map(({ offsets }) => offsets));
  }

  offsetsAt(topic: string, timestamp: EpochMillis): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map(this.#partitions(topic).map((one) => [one.partition, one.offsetAt(timestamp)])));
  }

  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(this.#committed(group, topic));
  }

  heldBack(): Promise<readonly HeldBack[]> {
    return Promise.resolve([]);
  }

  append(): Promise<never> {
    return Promise.reject(atRest());
  }

  subscribe(): Promise<never> {
    return Promise.reject(atRest());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function atRest(): Error {
  return new Error('the run is over: its log can only be read');
}
