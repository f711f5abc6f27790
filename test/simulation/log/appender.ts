/**
 * The appends of one process: in the order of the calls, one request at a time and one for each topic, as connectors/kafka/kafka-appender.ts
 * sends them.
 *
 * SIM-24  A write without an answer is sent again unchanged before anything else (KFK-34), and waits as long as the broker is away (KFK-35).
 */
import { AppendGroup, type Entry } from '../../../connectors/kafka/append-groups.ts';
import { ELECTION_MS } from '../../../connectors/kafka/back-off.ts';
import { HarvestlineError, isKind } from '../../../errors/harvestline-error.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';
import { Backoff } from '../../../ports/retry.ts';
import type { Placed, SimulatedBroker } from './broker.ts';
import type { LogRequests } from './log-requests.ts';

/** As connectors/kafka/back-off.ts has it. Unit: milliseconds. */
export const LONGEST_WAIT_MS = 5000;

/** A call of `append` that has neither resolved nor failed. */
interface Pending {
  readonly records: readonly OutgoingRecord[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  failed: boolean;
}

export class SimulatedAppender {
  readonly #broker: SimulatedBroker;
  readonly #requests: LogRequests;
  readonly #producer: string;
  readonly #closing = new AbortController();
  readonly #waiting: Pending[] = [];
  #working: Promise<void> | null = null;
  #number = 0;

  /** `producer` is unique in the world. */
  constructor(broker: SimulatedBroker, requests: LogRequests, producer: string) {
    this.#broker = broker;
    this.#requests = requests;
    this.#producer = producer;
  }

  /** Once `signal` is aborted it no longer waits for a broker that is away: it rejects with BROKER_AWAY, and may or may not be written. */
  append(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    if (this.#closing.signal.aborted) return Promise.reject(new HarvestlineError('BROKER_AWAY', 'the log is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ records, signal, resolve, reject, failed: false });
    this.#working ??= this.#work();
    return promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    // Appends of the same turn of the event loop are written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = new AppendGroup<Pending>();
      let count = 0;
      while (count < this.#waiting.length) {
        const next = this.#waiting[count];
        if (next === undefined || !group.tryAdd(next, next.records)) break;
        count += 1;
      }
      const together = this.#waiting.splice(0, count);
      for (const [, entries] of group.topics()) await this.#write(entries);
      for (const pending of together) if (!pending.failed) pending.resolve();
    }
    this.#working = null;
  }

  /** Writes the entries of one topic. Never throws: failures reject the appends. */
  async #write(entries: readonly Entry<Pending>[]): Promise<void> {
    const records: Placed[] = [];
    const owners = new Set<Pending>();
    for (const { record, owner } of entries) {
      if (owner.failed) continue;
      try {
        records.push(this.#broker.place(record));
        owners.add(owner);
      } catch (thrown) {
        fail(owner, thrown);
      }
    }
    if (records.length === 0) return;
    const { host } = this.#requests;
    const { signal } = this.#closing;
    const sequence = { producer: this.#producer, number: ++this.#number };
    const backoff = new Backoff({
      clock: host.clock,
      signal,
      longestMs: LONGEST_WAIT_MS,
      steadyForMs: ELECTION_MS,
      onWait: () => {},
    });
    for (;;) {
      try {
        await this.#requests.append(() => this.#broker.write(records, host.name, sequence));
        return;
      } catch (thrown) {
        if (!isKind(thrown, 'transient') || signal.aborted) {
          for (const owner of owners) fail(owner, thrown);
          return;
        }
        for (const pending of [...owners, ...this.#waiting]) if (pending.signal?.aborted) pending.reject(thrown);
        await backoff.wait(thrown);
      }
    }
  }
}

function fail(owner: Pending, error: unknown): void {
  owner.failed = true;
  owner.reject(error);
}
