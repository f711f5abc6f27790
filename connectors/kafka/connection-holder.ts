import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';

/** A connection waits for its answers before it closes, and a broker that hangs gives none. Unit: milliseconds. */
const GOOD_BYE_MS = 2000;

/** Something that is opened at its first use, and opened anew at the next one after it was dropped. */
export class ConnectionHolder<T extends { disconnect(): Promise<void> }> {
  readonly #open: () => Promise<T>;
  readonly #clock: Clock;
  #opened: Promise<T> | null = null;
  #closed = false;

  constructor(open: () => Promise<T>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** BROKER_AWAY once it is closed: what was asked before must not open it again. */
  get(): Promise<T> {
    if (this.#closed) return Promise.reject(new HarvestlineError('BROKER_AWAY', 'the log is closed'));
    if (this.#opened === null) {
      const opening = this.#open();
      this.#opened = opening;
      opening.catch(() => {
        if (this.#opened === opening) this.#opened = null;
      });
    }
    return this.#opened;
  }

  /** Closes it, whatever state it is in; where `failed` is given, only if it is that one. Resolves when it is closed, or will not be soon. */
  async drop(failed?: T): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return;
    if (failed !== undefined && (await opened.catch(() => undefined)) !== failed) return;
    // Another may have been faster.
    if (this.#opened !== opened) return;
    this.#opened = null;
    const gone = new AbortController();
    // It may be dropped because the other side is gone: nothing depends on a clean good-bye.
    const closing = opened.then((connection) => connection.disconnect()).catch(() => {});
    await Promise.race([closing, this.#clock.sleep(GOOD_BYE_MS, gone.signal)]);
    gone.abort();
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.drop();
  }
}
