/**
 * The stream of changes as one process has it (ports/venue.ts).
 *
 * SIM-39  While `completeSince` is set, changes are missing only where the connection is silent without having broken, which no client can see.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import { aborted } from '../../../ports/clock.ts';
import type { ChangeStream, VenueChange } from '../../../ports/venue.ts';
import type { Host } from '../host.ts';
import { RequestLimits } from './request-limits.ts';
import type { VenueAccount } from './venue-account.ts';

/** From a change to its event. Unit: milliseconds. */
const EVENT_MS = 80;

/** Until a connection is open again. Unit: milliseconds. */
const REOPENED_MS = 2000;

/** Between tries to open one while the stream is down. Unit: milliseconds. */
const RETRY_MS = 20_000;

export class SimulatedStream implements ChangeStream {
  readonly #host: Host;
  readonly #account: VenueAccount;
  #watched: ReadonlySet<string> = new Set();
  #completeSince: EpochMillis | null = null;
  #listener: ((change: VenueChange) => void) | null = null;

  constructor(host: Host, account: VenueAccount) {
    this.#host = host;
    this.#account = account;
  }

  get completeSince(): EpochMillis | null {
    return this.#completeSince;
  }

  watch(symbols: ReadonlySet<string>): void {
    this.#watched = symbols;
  }

  distrust(): void {
    if (this.#completeSince !== null) this.#break();
  }

  async follow(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#listener = listener;
    const onChange = (change: VenueChange): void => {
      if (this.#host.isAlive) this.#note(change);
      else this.#account.listeners.delete(onChange);
    };
    const onBreak = (): void => this.#break();
    this.#account.listeners.add(onChange);
    this.#account.connections.add(onBreak);
    this.#reopenAfter(REOPENED_MS);
    await aborted(signal);
    this.#account.listeners.delete(onChange);
    this.#account.connections.delete(onBreak);
    this.#listener = null;
    this.#completeSince = null;
  }

  #note(change: VenueChange): void {
    if (this.#completeSince === null) return;
    if (change.kind === 'mark' && !this.#watched.has(change.symbol)) return;
    const silent = this.#account.faults.strikes('stream_silent', 'stream');
    if (silent === null) return this.#deliver(change);
    // Half of the silent connections are noticed, and are down until the silence is over.
    if (silent.much >= 0.5) this.#break();
  }

  #break(): void {
    if (this.#listener === null) return;
    const wasOpen = this.#completeSince !== null;
    this.#completeSince = null;
    if (wasOpen) this.#reopenAfter(REOPENED_MS);
  }

  #reopenAfter(ms: number): void {
    const { kernel, name } = this.#host;
    kernel.after(ms, name, () => {
      if (this.#listener === null || !this.#host.isAlive || this.#completeSince !== null) return;
      const { faults } = this.#account;
      const isDown = faults.strikes('stream_silent', 'stream') ?? faults.strikes('exchange_away', 'exchange');
      // Opening one takes a request.
      const isLimited = new RequestLimits(this.#host, this.#account).refusal(false) !== null;
      if (isLimited || (isDown !== null && isDown.much >= 0.5)) return this.#reopenAfter(RETRY_MS);
      this.#completeSince = kernel.now;
      this.#deliver({ kind: 'gap' });
    });
  }

  #deliver(change: VenueChange): void {
    const { kernel, name } = this.#host;
    kernel.after(EVENT_MS, name, () => this.#host.resume(() => this.#listener?.(change)));
  }
}
