import type { EpochMillis, Clock } from '../../ports/clock.ts';
import type { ModelSignal } from '../../schemas/generated/records.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { timesAhead } from '../../schemas/time-bound.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, TopicCursor, decodeBatch } from '../runtime/topic-cursor.ts';

/** How long a signal is valid; after that its model counts as silent. Unit: milliseconds. */
const SIGNAL_VALID_MS = 60 * 60 * 1000;

/** The signals of the desk's models, from model.signal. */
export interface Signals {
  /** Reads the signals published since the last call. Throws a transient error while the log is unavailable. */
  refresh(): Promise<void>;
  /** The latest signal for a symbol that is valid at `now`; null: there is none. */
  latest(account: string, symbol: string, now: EpochMillis): ModelSignal | null;
  /** The signal that was valid when a position was opened; null: there was none. */
  at(account: string, symbol: string, openedAt: EpochMillis): Promise<ModelSignal | null>;
}

/** `signal` where it was valid at `time` and is not older than `best`; else `best`. */
function validAt(time: EpochMillis, best: ModelSignal | null, signal: ModelSignal): ModelSignal | null {
  if (signal.emitted_at > time || signal.emitted_at < time - SIGNAL_VALID_MS) return best;
  return best === null || signal.emitted_at >= best.emitted_at ? signal : best;
}

const TOPIC = TOPICS.modelSignal.name;

/**
 * The signals in model.signal. The latest of each key is kept in memory; one that was valid at an opening is read back from the log. A record
 * that does not decode, or carries a time in the future, is skipped: it is for the models' owner to correct, and as the latest signal it would
 * hide the valid ones.
 */
export class LogSignals implements Signals {
  readonly #topics: ReadableTopics;
  readonly #clock: Clock;
  readonly #latest = new Map<string, ModelSignal>();
  /** Null before the first read. */
  #signals: TopicCursor<typeof TOPIC> | null = null;

  constructor(topics: ReadableTopics, clock: Clock) {
    this.#topics = topics;
    this.#clock = clock;
  }

  async refresh(): Promise<void> {
    const since = this.#clock.now() - SIGNAL_VALID_MS;
    this.#signals ??= new TopicCursor(this.#topics, TOPIC, (signal, at) => this.#keep(signal, at), { since });
    await this.#signals.readOn();
  }

  latest(account: string, symbol: string, now: EpochMillis): ModelSignal | null {
    const signal = this.#latest.get(keyOf(account, symbol));
    return signal === undefined ? null : validAt(now, null, signal);
  }

  async at(account: string, symbol: string, openedAt: EpochMillis): Promise<ModelSignal | null> {
    const { log } = this.#topics;
    const from = await log.offsetsAt(TOPIC, openedAt - SIGNAL_VALID_MS);
    let best: ModelSignal | null = null;
    for (const partition of from.keys()) {
      for await (const batch of log.read(TOPIC, { from, partitions: [partition] })) {
        await decodeBatch(this.#topics, TOPIC, batch, (signal, at) => {
          if (signal.account !== account || signal.symbol !== symbol || !this.#isPossible(signal, at)) return;
          best = validAt(openedAt, best, signal);
        });
        // Later records cannot hold the signal, unless the producer's clock is late: for that one more validity is read.
        if ((batch.records.at(-1)?.timestamp ?? 0) > openedAt + SIGNAL_VALID_MS) break;
      }
    }
    return best;
  }

  #keep(signal: ModelSignal, at: LogRecord): void {
    if (!this.#isPossible(signal, at)) return;
    const key = keyOf(signal.account, signal.symbol);
    const before = this.#latest.get(key);
    if (before === undefined || signal.emitted_at >= before.emitted_at) this.#latest.set(key, signal);
  }

  #isPossible(signal: ModelSignal, { timestamp }: LogRecord): boolean {
    return timesAhead(TOPIC, signal, timestamp, this.#clock.now()).length === 0;
  }
}

function keyOf(account: string, symbol: string): string {
  return `${account}:${symbol}`;
}
