/**
 * Sends what is due to one target, one message after the other.
 *
 * NTF-11  A target that is unavailable, hangs or refuses costs itself alone: nobody waits for it, and it is tried again after a wait that
 *         doubles up to a minute. A message that is refused lets the others pass.
 * NTF-12  A message that was taken is not sent again by this process, even where its record cannot be written.
 */
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Counter, Metrics } from '../../ports/metrics.ts';
import type { NotifyTarget } from '../../ports/notify.ts';
import type { DueMessage } from './due.ts';

/** Unit: milliseconds. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

/** No target needs longer for an answer; one that does is not waited for. Unit: milliseconds. */
const ANSWER_WITHIN_MS = 45_000;

interface SenderOptions {
  readonly target: NotifyTarget;
  readonly desk: string | null;
  /** Paces: the machine's. */
  readonly clock: Clock;
  /** Called as soon as the target has taken a message. */
  readonly onTaken: (message: DueMessage) => Promise<void>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Waits that double. */
interface Wait {
  /** When the first of the failures in a row was. */
  readonly failingSince: EpochMillis;
  readonly nextMs: number;
  readonly until: EpochMillis;
  readonly why: string;
}

export class TargetSender {
  readonly #options: SenderOptions;
  readonly #taken: Counter;
  readonly #failed: Counter;
  readonly #waiting: { set(value: number): void };
  #due: readonly DueMessage[] = [];
  #sending: Promise<void> | null = null;
  /** The target as a whole does not answer. */
  #unavailable: Wait | null = null;
  /** By message: it is refused. */
  readonly #refused = new Map<string, Wait>();

  constructor(options: SenderOptions) {
    const { target, metrics } = options;
    this.#options = options;
    this.#taken = metrics.counter('notifyMessages', { target: target.name, result: 'taken' });
    this.#failed = metrics.counter('notifyMessages', { target: target.name, result: 'failed' });
    this.#waiting = metrics.gauge('notifyWaiting', { target: target.name });
  }

  get name(): string {
    return this.#options.target.name;
  }

  /** Messages that are due and not taken. */
  get due(): number {
    return this.#due.length;
  }

  /** What is due now, the most pressing first, in place of what was due before. Begins to send where it is idle and need not wait. */
  offer(due: readonly DueMessage[], signal: AbortSignal): void {
    this.#due = due;
    this.#waiting.set(due.length);
    const keys = new Set(due.map(keyOf));
    for (const key of this.#refused.keys()) if (!keys.has(key)) this.#refused.delete(key);
    if (due.length === 0) this.#unavailable = null;
    this.#sending ??= this.#send(signal).finally(() => {
      this.#sending = null;
    });
  }

  /** Since when the target fails with what is due, and why; null where it does not. */
  failing(): { readonly since: EpochMillis; readonly why: string } | null {
    const waits = [this.#unavailable, ...this.#refused.values()].filter((wait) => wait !== null);
    const [first] = waits.toSorted((one, other) => one.failingSince - other.failingSince);
    return first === undefined ? null : { since: first.failingSince, why: first.why };
  }

  /** Resolves once nothing is on its way: all is taken, or what is left waits. */
  async idle(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  /** Never throws. */
  async #send(signal: AbortSignal): Promise<void> {
    for (;;) {
      const message = this.#next();
      if (message === null || signal.aborted) return;
      await this.#sendOne(message, signal);
    }
  }

  #next(): DueMessage | null {
    const now = this.#options.clock.now();
    if ((this.#unavailable?.until ?? -Infinity) > now) return null;
    return this.#due.find((message) => (this.#refused.get(keyOf(message))?.until ?? -Infinity) <= now) ?? null;
  }

  async #sendOne(message: DueMessage, signal: AbortSignal): Promise<void> {
    const { target, desk, clock, onTaken, logger } = this.#options;
    const { alert, reminder } = message;
    const key = keyOf(message);
    const about = { target: target.name, alert: alert.name, state: alert.state, alert_id: alert.alert_id };
    try {
      await this.#bounded((until) => target.send({ alert, desk, reminder }, until), signal);
    } catch (thrown) {
      if (signal.aborted) return;
      this.#failed.add(1);
      const isRefused = thrown instanceof HarvestlineError && thrown.code === 'NOTIFY_REFUSED';
      const before = isRefused ? this.#refused.get(key) : this.#unavailable;
      const wait = longer(before ?? null, clock.now(), messageOf(thrown));
      if (isRefused) this.#refused.set(key, wait);
      else this.#unavailable = wait;
      logger.warn({ ...about, err: thrown, retryInMs: wait.nextMs }, `not sent: ${wait.why}`);
      return;
    }
    this.#taken.add(1);
    this.#unavailable = null;
    this.#refused.delete(key);
    logger.info(about, `${alert.name} ${alert.state} sent to ${target.name}`);
    try {
      await onTaken(message);
    } catch (thrown) {
      // NTF-12: the delivery is noted, and recorded later.
      logger.warn({ ...about, err: thrown }, `a delivery is not on record yet: ${messageOf(thrown)}`);
    }
    // It may have been offered again while it was on its way.
    this.#due = this.#due.filter((one) => keyOf(one) !== key);
    this.#waiting.set(this.#due.length);
  }

  /** A target has bounds of its own; this one is for those that forget them. */
  async #bounded(send: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { target, clock } = this.#options;
    const done = new AbortController();
    const sending = send(AbortSignal.any([signal, done.signal]));
    const isOver = AbortSignal.any([signal, done.signal]);
    const late = async (): Promise<void> => {
      await clock.sleep(ANSWER_WITHIN_MS, isOver);
      if (!isOver.aborted) throw new HarvestlineError('NOTIFY_UNAVAILABLE', `${target.name}: no answer`);
    };
    try {
      await Promise.race([sending, late()]);
    } finally {
      done.abort();
      sending.catch(() => {});
    }
  }
}

function longer(before: Wait | null, now: EpochMillis, why: string): Wait {
  const waitMs = before?.nextMs ?? FIRST_WAIT_MS;
  const nextMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  return { failingSince: before?.failingSince ?? now, nextMs, until: now + waitMs, why };
}

function keyOf({ alert: { alert_id, state }, reminder }: DueMessage): string {
  return `${alert_id} ${state} ${reminder}`;
}
