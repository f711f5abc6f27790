/** The fetches of one member that are on their way or wait at the broker for the next record. */
import type { Batch } from '../../../ports/event-log.ts';
import type { Fetch, SimulatedBroker } from './broker.ts';
import type { MemberSide } from './group.ts';
import type { LogRequests } from './log-requests.ts';

export class OpenFetches {
  readonly #member: MemberSide;
  readonly #broker: SimulatedBroker;
  readonly #requests: LogRequests;
  /** Unit: records. */
  readonly #limit: number;
  /** Each takes one back. */
  readonly #open = new Set<() => void>();

  constructor(member: MemberSide, broker: SimulatedBroker, requests: LogRequests, limit: number) {
    this.#member = member;
    this.#broker = broker;
    this.#requests = requests;
    this.#limit = limit;
  }

  /** Null where it was taken back. Throws OffsetOutOfRange, and BROKER_AWAY. */
  fetch(topic: string, partition: number, offset: number): Promise<Batch | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Batch | null>();
    let fetch: Fetch | null = null;
    const takeBack = (): void => {
      fetch?.cancel();
      resolve(null);
    };
    this.#open.add(takeBack);
    this.#requests
      .read('fetch', () => {
        if (!this.#open.has(takeBack)) return null;
        fetch = this.#broker.fetch(this.#member, topic, partition, offset, this.#limit);
        return fetch.batch;
      })
      .then(resolve, reject);
    return promise.finally(() => this.#open.delete(takeBack));
  }

  takeBackAll(): void {
    for (const takeBack of this.#open) takeBack();
    this.#open.clear();
  }
}
