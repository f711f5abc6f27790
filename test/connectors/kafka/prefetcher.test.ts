import { describe, expect, it } from 'vitest';
import { type FetchResponse, FetchedRecords } from '../../../connectors/kafka/fetch-response.ts';
import type { FetchRequest } from '../../../connectors/kafka/kafkajs-internals.ts';
import { Prefetcher } from '../../../connectors/kafka/prefetcher.ts';

const TOPIC = 'position.snapshot';
/** Records of a fetch of one partition. */
const PAGE = 10;

/** A broker whose partitions end there. It records its requests. */
class PagedBroker {
  readonly asked: string[] = [];
  readonly #ends: readonly number[];
  /** The number of partitions in a response. */
  readonly #room: number;
  failure: Error | null = null;

  constructor(ends: readonly number[], room = Infinity) {
    this.#ends = ends;
    this.#room = room;
  }

  readonly fetch = (request: FetchRequest): Promise<FetchResponse> => {
    const asked = offsetsOf(request);
    this.asked.push(asked.join(' '));
    if (this.failure !== null) return Promise.reject(this.failure);
    const order = request.topics.flatMap((topic) => topic.partitions.map(({ partition }) => partition));
    const filled = order.filter((partition) => (asked[partition] ?? 0) < (this.#ends[partition] ?? 0));
    const answered = new Set(filled.slice(0, this.#room));
    const partitions = this.#ends.map((end, partition) => {
      const from = asked[partition] ?? 0;
      const next = answered.has(partition) ? Math.min(from + PAGE, end) : null;
      const messages = new FetchedRecords([], next);
      const shared = { errorCode: 0, lastStartOffset: '0', preferredReadReplica: -1, abortedTransactions: [] as const };
      return { partition, highWatermark: String(end), lastStableOffset: String(end), messages, ...shared };
    });
    const head = { throttleTime: 0, clientSideThrottleTime: 0, errorCode: 0, sessionId: 0 };
    return Promise.resolve({ ...head, responses: [{ topicName: TOPIC, partitions }] });
  };
}

function requestFor(...offsets: readonly number[]): FetchRequest {
  const partitions = offsets.map((offset, partition) => ({ partition, fetchOffset: String(offset), maxBytes: 1 }));
  return { maxWaitTime: 100, minBytes: 1, maxBytes: 1, isolationLevel: 1, topics: [{ topic: TOPIC, partitions }] };
}

function offsetsOf({ topics }: FetchRequest): readonly number[] {
  const partitions = topics.flatMap((topic) => topic.partitions);
  return partitions
    .toSorted((one, other) => one.partition - other.partition)
    .map(({ fetchOffset }) => Number(fetchOffset));
}

function nextsOf({ responses }: FetchResponse): readonly (number | null)[] {
  return responses.flatMap(({ partitions }) => partitions.map(({ messages }) => messages.next));
}

describe('fetching ahead', () => {
  it('has the next fetch under way before it is asked for, and gives it', async () => {
    const broker = new PagedBroker([25, 5]);
    const ahead = new Prefetcher(broker.fetch);
    expect(nextsOf(await ahead.fetch(requestFor(0, 0)))).toEqual([10, 5]);
    expect(broker.asked).toEqual(['0 0', '10 5']);
    expect(nextsOf(await ahead.fetch(requestFor(10, 5)))).toEqual([20, null]);
    expect(broker.asked).toEqual(['0 0', '10 5', '20 5']);
  });

  it('KFK-21: gives it to nobody who asks for other offsets', async () => {
    const broker = new PagedBroker([100]);
    const ahead = new Prefetcher(broker.fetch);
    await ahead.fetch(requestFor(0));
    expect(nextsOf(await ahead.fetch(requestFor(5)))).toEqual([15]);
    expect(nextsOf(await ahead.fetch(requestFor(5)))).toEqual([15]);
    expect(broker.asked).toEqual(['0', '10', '5', '15', '5', '15']);
  });

  it('KFK-22: asks for nothing beyond what is there', async () => {
    const broker = new PagedBroker([10]);
    const ahead = new Prefetcher(broker.fetch);
    await ahead.fetch(requestFor(0));
    await ahead.fetch(requestFor(10));
    expect(broker.asked).toEqual(['0', '10']);
  });

  it('KFK-23: a partition that always has records leaves room for the others', async () => {
    const broker = new PagedBroker([1000, 1000, 30, 30], 1);
    const ahead = new Prefetcher(broker.fetch);
    const offsets = [0, 0, 0, 0];
    for (let fetches = 0; fetches < 12; fetches++) {
      const nexts = nextsOf(await ahead.fetch(requestFor(...offsets)));
      for (const [partition, next] of nexts.entries()) if (next !== null) offsets[partition] = next;
    }
    expect(offsets).toEqual([30, 30, 30, 30]);
  });

  it('tells of a failure whoever asks for it, and asks anew then', async () => {
    const broker = new PagedBroker([100]);
    const ahead = new Prefetcher(broker.fetch);
    const first = ahead.fetch(requestFor(0));
    broker.failure = new Error('the connection broke');
    await first;
    await expect(ahead.fetch(requestFor(10))).rejects.toThrow('the connection broke');
    broker.failure = null;
    expect(nextsOf(await ahead.fetch(requestFor(10)))).toEqual([20]);
  });
});
