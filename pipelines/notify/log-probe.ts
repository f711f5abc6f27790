import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** One small request. Unit: milliseconds. */
const ASK_EVERY_MS = 5000;

/** Longer than an election of a leader or a restart of one broker of several takes. Unit: milliseconds. */
const SILENT_AFTER_MS = 30_000;

/** Asks the log again and again whether it answers. A request that hangs counts as no answer, and is not waited for. */
export class LogProbe {
  readonly #log: Pick<EventLog, 'offsets'>;
  readonly #clock: Clock;
  #answeredAt: EpochMillis;
  #isAsking = false;

  constructor(log: Pick<EventLog, 'offsets'>, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#answeredAt = clock.now();
  }

  /** Since when the log has not answered; null where that is not long yet. */
  silentSince(): EpochMillis | null {
    return this.#clock.now() - this.#answeredAt < SILENT_AFTER_MS ? null : this.#answeredAt;
  }

  /** Until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!this.#isAsking) void this.#ask();
      await this.#clock.sleep(ASK_EVERY_MS, signal);
    }
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#log.offsets(TOPICS.deskAlert.name);
      this.#answeredAt = this.#clock.now();
    } catch {
      // It is asked again.
    } finally {
      this.#isAsking = false;
    }
  }
}
