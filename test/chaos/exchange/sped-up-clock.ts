import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';

/** Fast enough that waits are short, slow enough that a busy machine answers within a client's time-out. Unit: factor. */
const FACTOR = 5;

/** Passes several times as fast as the machine's from a moment on: the same in every process that is told of that moment. */
export class SpedUpClock implements Clock {
  readonly #machine = new SystemClock();
  readonly #since: EpochMillis;

  constructor(since: EpochMillis) {
    this.#since = since;
  }

  now(): EpochMillis {
    return Math.floor(this.#since + (this.#machine.now() - this.#since) * FACTOR);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#machine.sleep(ms / FACTOR, signal);
  }
}
