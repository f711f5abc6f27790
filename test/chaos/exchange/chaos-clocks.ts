import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';

/** How long nothing must happen before time is skipped. Unit: milliseconds. */
const QUIET_MS = 1;

/** Below this utilisation the event loop counts as idle. */
const QUIET_SHARE = 0.2;

interface Sleeper {
  readonly at: EpochMillis;
  readonly wake: () => void;
}

/**
 * A clock that follows the machine's while anything is happening, and skips to the end of the next wait when everything waits. It is for a
 * client and a server in one process, between which nothing happens without the event loop.
 */
export class SkippingClock implements Clock {
  readonly #machine = new SystemClock();
  readonly #sleepers = new Set<Sleeper>();
  readonly #loopback = new Loopback();
  #skippedMs = 0;
  #isWatching = false;

  now(): EpochMillis {
    return this.#machine.now() + this.#skippedMs;
  }

  /** Unit: milliseconds. */
  get skippedMs(): number {
    return this.#skippedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return this.#machine.sleep(0);
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { at: this.now() + ms, wake };
      signal?.addEventListener('abort', wake, { once: true });
      this.#sleepers.add(sleeper);
      if (!this.#isWatching) void this.#watch();
    });
  }

  /** Runs as long as anybody sleeps. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#sleepers.size > 0) {
      const before = performance.eventLoopUtilization();
      await this.#machine.sleep(QUIET_MS);
      const isQuiet = performance.eventLoopUtilization(before).utilization < QUIET_SHARE;
      const next = Math.min(...[...this.#sleepers].map(({ at }) => at));
      if (isQuiet && next > this.now() && (await this.#staysQuiet()) && (await this.#nothingOnTheWire())) {
        this.#skippedMs += Math.max(0, next - this.now());
      }
      for (const { at, wake } of this.#sleepers) if (at <= this.now()) wake();
    }
    this.#isWatching = false;
  }

  /** On a busy machine the kernel may deliver data between client and server late, and both look idle meanwhile. */
  async #nothingOnTheWire(): Promise<boolean> {
    await this.#loopback.emptied();
    return this.#staysQuiet();
  }

  /** Data that arrived together with the timer is read in the next turns of the event loop. */
  async #staysQuiet(): Promise<boolean> {
    const before = performance.eventLoopUtilization();
    for (let turn = 0; turn < 3; turn++) await this.#machine.sleep(0);
    return performance.eventLoopUtilization(before).active < QUIET_MS * QUIET_SHARE;
  }
}

/** A connection of this process to itself. By the time its byte comes back, data that was sent before has arrived. */
class Loopback {
  #opening: Promise<Socket> | null = null;

  async emptied(): Promise<void> {
    const socket = await (this.#opening ??= open());
    const came = once(socket, 'data');
    socket.write('.');
    await came;
  }
}

/** Neither the server nor the two ends keep the process alive. */
async function open(): Promise<Socket> {
  const server: Server = createServer({ noDelay: true }, (other) => void other.unref().pipe(other)).unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    .setNoDelay()
    .unref();
  await once(socket, 'connect');
  return socket;
}

/** Fast enough for short waits, slow enough for a busy machine to answer within a client's time-out. */
const FACTOR = 8;

/** A clock that runs several times as fast as the machine's from a given time on, and is the same in every process with that time. */
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
