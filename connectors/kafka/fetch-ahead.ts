import type { FetchRequest } from './kafkajs-internals.ts';
import type { FetchResponse } from './fetch-response.ts';

/** One fetch of a group's member, as kafkajs sends it to a broker. */
type Fetch = (request: FetchRequest) => Promise<FetchResponse>;

/** A fetch that is under way before it is asked for. */
interface Ahead {
  /** What it asks for, as text. */
  readonly wanted: string;
  readonly response: Promise<FetchResponse>;
}

/**
 * Fetches of one member from one broker, one ahead: kafkajs fetches nothing while what it fetched is processed, so that broker and
 * processor would wait for each other. Memory: two fetches.
 *
 * KFK-21  What was fetched ahead is given only where exactly its offsets are asked for; else it is dropped. So whatever moves a
 *      member (a rebalance, a seek, a batch that failed) is as without.
 * KFK-22  Nothing is fetched ahead of what is known to be there: a fetch that waited for records would delay the next one.
 * KFK-23  Partitions take turns: those that gave records last are asked for last. A broker fills an answer in the order of the request, so the
 *      first ones, as long as they have records, would leave no room for the others.
 */
export class FetchAhead {
  readonly #fetch: Fetch;
  #ahead: Ahead | null = null;
  /** By place: in which answer it last had records. */
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
      // Where nobody asks for it, nobody hears of its failure.
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

/** The same request from where the response ends; null where no more is known to be there (KFK-22). */
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
