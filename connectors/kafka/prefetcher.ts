import type { FetchResponse } from './fetch-response.ts';
import type { FetchRequest } from './kafkajs-internals.ts';

/** Sends one fetch of a group member to a broker. */
type Fetch = (request: FetchRequest) => Promise<FetchResponse>;

/** A fetch that was sent before kafkajs asked for it. */
interface Ahead {
  /** The partitions and offsets that it asks for, as text. */
  readonly wanted: string;
  readonly response: Promise<FetchResponse>;
}

/**
 * Fetches of one member from one broker, one of them ahead of time. kafkajs fetches nothing while it processes a fetch, so broker and
 * processor would wait for each other. Memory: two fetches.
 *
 * KFK-21  A prefetched response is used only for a request with exactly its offsets, and dropped otherwise. So a rebalance, a seek or a
 *         failed batch has the same effect as without prefetching.
 * KFK-22  Only records that are known to exist are prefetched: a fetch that waits for new records would delay the next one.
 * KFK-23  Partitions take turns: those that returned records last are requested last. A broker fills a response in the order of the
 *         request, so otherwise the first partitions could leave no room for the others.
 */
export class Prefetcher {
  readonly #fetch: Fetch;
  #ahead: Ahead | null = null;
  /** By topic and partition: the number of the last response with records of it. */
  readonly #served = new Map<string, number>();
  #answers = 0;

  constructor(fetch: Fetch) {
    this.#fetch = async (request) => {
      const response = await fetch(this.#inTurn(request));
      this.#note(response);
      return response;
    };
  }

  async fetch(request: FetchRequest): Promise<FetchResponse> {
    const ahead = this.#ahead;
    this.#ahead = null;
    const response = await (ahead?.wanted === textOf(request) ? ahead.response : this.#fetch(request));
    const next = following(request, response);
    if (next !== null) {
      const coming = this.#fetch(next);
      // It may be dropped: then nobody handles its failure.
      coming.catch(() => {});
      this.#ahead = { wanted: textOf(next), response: coming };
    }
    return response;
  }

  /** KFK-23. */
  #inTurn(request: FetchRequest): FetchRequest {
    const servedIn = (topic: string, partition: number): number => this.#served.get(placeOf(topic, partition)) ?? 0;
    const topics = request.topics.map(({ topic, partitions }) => {
      const turns = partitions.toSorted(
        (one, other) => servedIn(topic, one.partition) - servedIn(topic, other.partition),
      );
      return { topic, partitions: turns, first: servedIn(topic, turns[0]?.partition ?? 0) };
    });
    const inTurn = topics.toSorted((one, other) => one.first - other.first);
    return { ...request, topics: inTurn.map(({ topic, partitions }) => ({ topic, partitions })) };
  }

  #note({ responses }: FetchResponse): void {
    this.#answers += 1;
    for (const { topicName, partitions } of responses) {
      for (const { partition, messages } of partitions)
        if (messages.next !== null) this.#served.set(placeOf(topicName, partition), this.#answers);
    }
  }
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** The same request from the end of the response; null where no more records are known to exist (KFK-22). */
function following(request: FetchRequest, { responses }: FetchResponse): FetchRequest | null {
  const ends = new Map<string, string>();
  let more = false;
  for (const { topicName, partitions } of responses) {
    for (const { partition, errorCode, lastStableOffset, messages } of partitions) {
      if (errorCode !== 0) return null;
      if (messages.next === null) continue;
      ends.set(placeOf(topicName, partition), String(messages.next));
      more ||= messages.next < Number(lastStableOffset);
    }
  }
  if (!more) return null;
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((one) => ({
      ...one,
      fetchOffset: ends.get(placeOf(topic, one.partition)) ?? one.fetchOffset,
    })),
  }));
  return { ...request, topics };
}

function textOf({ topics }: FetchRequest): string {
  return JSON.stringify(topics);
}
