/**
 * A process of the simulated world as its ports see it: what it asks of others is an event that travels, and so may be lost, late, or
 * answered to nobody. Killed, it never hears of anything again, but what it had sent goes on its way.
 *
 * SIM-12  Nothing runs in a process that is dead. One that stands still runs what waited once it goes on.
 * SIM-13  A request takes effect at most once, whatever becomes of its answer.
 */
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { RandomStream } from '../../ports/random.ts';
import type { FaultBoard } from './faults.ts';
import type { Kernel } from './kernel.ts';

/** Whom a process asks. */
export type PortName = 'log' | 'registry' | 'exchange' | 'target';

/** What becomes of a request. `late`: it takes effect after its sender has given it up. */
export type Fate = 'answered' | 'lost' | 'reply lost' | 'late';

/** A request of a process. */
export interface Call<T> {
  readonly port: PortName;
  /** Names what is asked, in crash points and stories: append, commit, place, lookUp. */
  readonly operation: string;
  /** Does it, over there. What it throws is the answer. A promise is answered once it is settled. */
  readonly effect: () => T | Promise<T>;
  /** It changes something over there, so its effect and its answer are moments of their own, between which a process may die. */
  readonly changes?: true;
  /** What the simulated part that is asked decides; answered where left out. */
  readonly fate?: Fate;
  /** Takes that much longer than usual. Unit: milliseconds. */
  readonly slowMs?: number;
  /** What the caller is told where no answer came within `timeoutMs`. */
  readonly unanswered: () => Error;
  readonly timeoutMs: number;
}

/** Of one direction of a request, at the least and at the most. Unit: milliseconds. */
const LATENCY: Readonly<Record<PortName, readonly [least: number, most: number]>> = {
  log: [1, 6],
  registry: [2, 12],
  exchange: [15, 120],
  target: [10, 200],
};

/** How long after it was given up a late request takes effect, at the least and at the most. Unit: milliseconds. */
const LATE_MS = [500, 20_000] as const;

/** Loops sleep on a few signals for long; others are slept on once. Unit: signals. */
const SIGNALS_KEPT = 64;

export interface HostOptions {
  /** Unique among all processes of a world, one that was started again included. */
  readonly name: string;
  /** The same for each start of a process: what faults name. */
  readonly role: string;
  readonly kernel: Kernel;
  readonly faults: FaultBoard;
  /** Of this process alone. */
  readonly random: RandomStream;
  /** What its machine's clock is ahead of the true time at the start. Unit: milliseconds. */
  readonly skewMs: number;
  /** Timers end on multiples of it, as on a machine that has more to do than it can. 1: at their time. Unit: milliseconds. */
  readonly grainMs: number;
  /** Called once, when the process dies. */
  readonly onDeath: (host: Host, why: string) => void;
}

export class Host {
  readonly name: string;
  readonly role: string;
  readonly kernel: Kernel;
  /** The machine's clock. */
  readonly clock: Clock;
  /** The exchange's time as a client measures it. */
  readonly venueClock: Clock;
  /** Ahead of the true time. Unit: milliseconds. */
  skewMs: number;
  readonly #options: HostOptions;
  #alive = true;
  #still = false;
  readonly #waiting: (() => void)[] = [];
  readonly #sleepers = new Map<AbortSignal, Set<() => void>>();
  readonly #listeners = new Map<AbortSignal, () => void>();
  /** When its latest change of the log arrives: one connection keeps the order. */
  #arrivesAt: EpochMillis = -Infinity;

  constructor(options: HostOptions) {
    const { name, role, kernel } = options;
    this.#options = options;
    this.name = name;
    this.role = role;
    this.kernel = kernel;
    this.skewMs = options.skewMs;
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> => this.#sleep(ms, signal);
    this.clock = { now: () => kernel.now + this.skewMs, sleep };
    this.venueClock = { now: () => kernel.now, sleep };
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get isStanding(): boolean {
    return this.#still;
  }

  /** SIM-12. */
  kill(why: string): void {
    if (!this.#alive) return;
    this.end();
    this.#options.onDeath(this, why);
  }

  /** It has ended by itself. Nothing of it runs any more. */
  end(): void {
    this.#alive = false;
    this.#waiting.length = 0;
    this.#forgetSignals(() => true);
  }

  /** SIM-12: stands still until `goOn`. */
  stand(): void {
    this.#still = true;
  }

  goOn(): void {
    this.#still = false;
    for (const run of this.#waiting.splice(0)) this.kernel.after(0, this.name, () => this.resume(run));
  }

  /** Runs something in the process: now, once it goes on, or never. */
  resume(run: () => void): void {
    if (!this.#alive) return;
    if (this.#still) this.#waiting.push(run);
    else run();
  }

  /** SIM-13. */
  call<T>(call: Call<T>): Promise<T> {
    const { kernel, faults } = this.#options;
    const point = `${this.role}:${call.operation}`;
    if (this.#alive && faults.strikes('killed_before', point) !== null) this.kill(`before ${call.operation}`);
    if (!this.#alive) return new Promise(() => {});
    const { fate = 'answered', slowMs = 0 } = call;
    return new Promise((resolve, reject) => {
      const answer = (give: () => void): void => this.resume(give);
      const there = this.#latency(call.port) + slowMs;
      let isOver = false;
      const giveUp = (): void => {
        if (isOver) return;
        isOver = true;
        answer(() => reject(call.unanswered()));
      };
      if (fate !== 'answered') kernel.after(call.timeoutMs, this.name, giveUp);
      if (fate === 'lost') return;
      const back = (give: () => void): void => {
        if (fate !== 'answered' || isOver) return;
        isOver = true;
        if (call.changes !== true) return answer(give);
        if (this.#alive && faults.strikes('killed_after', point) !== null) return this.kill(`after ${call.operation}`);
        kernel.after(this.#latency(call.port), this.name, () => answer(give));
      };
      const arrive = (): void => {
        let result: T | Promise<T>;
        try {
          result = call.effect();
        } catch (thrown) {
          return back(() => reject(thrown));
        }
        if (result instanceof Promise) {
          result.then(
            (value) => back(() => resolve(value)),
            (thrown: unknown) => back(() => reject(thrown)),
          );
        } else {
          const value = result;
          back(() => resolve(value));
        }
      };
      kernel.at(this.#arrival(call, there), this.name, arrive);
      if (call.changes === true && faults.strikes('killed_in_flight', point) !== null) {
        this.kill(`while ${call.operation} was on its way`);
      }
    });
  }

  #arrival({ port, changes, fate, timeoutMs }: Omit<Call<unknown>, 'effect'>, latency: number): EpochMillis {
    const at = this.kernel.now + latency;
    if (fate === 'late') return at + timeoutMs + this.#options.random.integer(...LATE_MS);
    if (port !== 'log' || changes !== true) return at;
    this.#arrivesAt = Math.max(at, this.#arrivesAt + 1);
    return this.#arrivesAt;
  }

  #latency(port: PortName): number {
    const [least, most] = LATENCY[port];
    return this.#options.random.integer(least, most);
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#alive) return new Promise(() => {});
    if (signal?.aborted === true) return Promise.resolve();
    const { kernel } = this;
    return new Promise((resolve) => {
      const sleepers = signal === undefined ? null : this.#sleepersOf(signal);
      const finish = (): void => {
        event.cancel();
        sleepers?.delete(finish);
        resolve();
      };
      const event = kernel.at(this.#wakesAt(ms), this.name, () => this.resume(finish));
      sleepers?.add(finish);
    });
  }

  /** What a signal wakes. One listener each: most signals never abort, and are slept on a hundred thousand times. */
  #sleepersOf(signal: AbortSignal): Set<() => void> {
    const known = this.#sleepers.get(signal);
    if (known !== undefined) return known;
    if (this.#sleepers.size >= SIGNALS_KEPT) this.#forgetSignals(({ size }) => size === 0);
    const sleepers = new Set<() => void>();
    const wake = (): void => sleepers.forEach((finish) => finish());
    signal.addEventListener('abort', wake, { once: true });
    this.#sleepers.set(signal, sleepers);
    this.#listeners.set(signal, wake);
    return sleepers;
  }

  /** Node keeps a signal that follows others, and all that its listeners hold, for as long as it has listeners. */
  #forgetSignals(which: (sleepers: ReadonlySet<() => void>) => boolean): void {
    for (const [signal, sleepers] of this.#sleepers) {
      if (!which(sleepers)) continue;
      const wake = this.#listeners.get(signal);
      if (wake !== undefined) signal.removeEventListener('abort', wake);
      this.#listeners.delete(signal);
      this.#sleepers.delete(signal);
    }
  }

  #wakesAt(ms: number): EpochMillis {
    const { grainMs } = this.#options;
    const at = this.kernel.now + Math.max(0, ms);
    return ms <= 0 ? at : Math.ceil(at / grainMs) * grainMs;
  }
}
