import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';

/** How long nothing may happen before time is skipped. Unit: milliseconds. */
const QUIET_MS = 1;

/** Below this share of it the event loop only woke to look. */
const QUIET_SHARE = 0.2;

interface Sleeper {
  readonly at: EpochMillis;
  readonly wake: () => void;
}

/**
 * Passes as the machine's time does while anything is under way, and skips to the end of the next wait when all that is left is waits. For
 * a client and a server in one process: between them nothing is under way that the event loop does not know of.
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

  /** As long as anybody sleeps. */
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

  /** On a busy machine the kernel hands over late what client and server have sent each other, and both look idle meanwhile. */
  async #nothingOnTheWire(): Promise<boolean> {
    await this.#loopback.emptied();
    return this.#staysQuiet();
  }

  /** Answers that arrived with the timer are heard in the next turns of the event loop. */
  async #staysQuiet(): Promise<boolean> {
    const before = performance.eventLoopUtilization();
    for (let turn = 0; turn < 3; turn++) await this.#machine.sleep(0);
    return performance.eventLoopUtilization(before).active < QUIET_MS * QUIET_SHARE;
  }
}

/** A connection of this process to itself. What was sent before by the same machine arrives before its byte comes back. */
class Loopback {
  #opening: Promise<Socket> | null = null;

  async emptied(): Promise<void> {
    const socket = await (this.#opening ??= open());
    const came = once(socket, 'data');
    socket.write('.');
    await came;
  }
}

/** Neither its server nor its two ends keep the process. */
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

/** Fast enough that waits are short, slow enough that a busy machine answers within a client's time-out. Unit: factor. */
const FACTOR = 8;

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
