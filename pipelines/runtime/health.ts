import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { ProbeAnswer } from '../../ports/probe.ts';
import type { RetryObserver } from './part-retry.ts';

/** A processor waits for partitions, restores its state, works, or has failed. */
type State = 'unassigned' | 'restoring' | 'assigned' | 'failed';

interface ProcessorHealth {
  state: State;
  /** Of its first input, while it is assigned. */
  partitions: readonly number[];
  /** What is retried -> the code of the error that it waits out. */
  readonly backOff: Map<string, string>;
}

/** What a part of a process does. `partitions` is empty for a source. */
export interface PartHealth {
  readonly name: string;
  readonly state: State;
  readonly partitions: readonly number[];
}

/** A request that the log has not answered for so long counts as failed. Longer than a rebalance or an election takes. Unit: milliseconds. */
const LOOK_BOUND_MS = 10_000;

/**
 * The state of a process, for its liveness and readiness probes.
 * RUN-11  Live until a processor has failed. The process then drains and exits by itself.
 * RUN-12  Ready when the log answers, every processor has its partitions, and none waits out a back-off.
 */
export class Health {
  readonly #clock: Clock;
  readonly #processors: ReadonlyMap<string, ProcessorHealth>;
  #connecting = new Map<string, string>();
  #draining = false;
  #lookingSince: EpochMillis | null = null;
  #logAway: string | null = null;

  constructor(processors: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#processors = new Map(
      processors.map((name) => [name, { state: 'unassigned', partitions: [], backOff: new Map() }]),
    );
  }

  /** For what is retried before any part could start. */
  readonly connecting: RetryObserver = {
    backedOff: (what, code) => void this.#connecting.set(what, code),
    recovered: (what) => void this.#connecting.delete(what),
  };

  /** For the retries of one part. */
  retriesOf(processor: string): RetryObserver {
    return {
      backedOff: (what, code) => this.backedOff(processor, what, code),
      recovered: (what) => this.recovered(processor, what),
    };
  }

  is(processor: string, state: State): void {
    this.#of(processor).state = state;
  }

  /** The partitions of its first input that are assigned to it. */
  works(processor: string, partitions: readonly number[]): void {
    this.#of(processor).partitions = partitions.toSorted((one, other) => one - other);
  }

  /** What each part of the process does now. */
  parts(): readonly PartHealth[] {
    return [...this.#processors].map(([name, { state, partitions }]) => ({ name, state, partitions }));
  }

  backedOff(processor: string, what: string, code: string): void {
    this.#of(processor).backOff.set(what, code);
  }

  recovered(processor: string, what: string): void {
    this.#of(processor).backOff.delete(what);
  }

  /** How many retries of a processor wait. */
  waits(processor: string): number {
    return this.#of(processor).backOff.size;
  }

  /** A request is sent to the log; `logAnswered` or `logFailed` follows, or neither while the log hangs. */
  looking(): void {
    this.#lookingSince = this.#clock.now();
  }

  logAnswered(): void {
    this.#lookingSince = null;
    this.#logAway = null;
  }

  logFailed(why: string): void {
    this.#lookingSince = null;
    this.#logAway = why;
  }

  drains(): void {
    this.#draining = true;
  }

  /** RUN-11. */
  live(): ProbeAnswer {
    const failed = [...this.#processors].filter(([, { state }]) => state === 'failed').map(([name]) => name);
    return { ok: failed.length === 0, detail: failed.length === 0 ? {} : { failed } };
  }

  /** RUN-12. */
  ready(): ProbeAnswer {
    const why = [...this.#connecting].map(([what, code]) => `${what}: ${code}`);
    if (this.#draining) why.push('draining');
    if (this.#lookingSince !== null && this.#clock.now() - this.#lookingSince > LOOK_BOUND_MS) {
      why.push(`the log has not answered for ${this.#clock.now() - this.#lookingSince} ms`);
    } else if (this.#logAway !== null) why.push(`the log does not answer: ${this.#logAway}`);
    for (const [name, { state, backOff }] of this.#processors) {
      if (state !== 'assigned') why.push(`${name} is ${state}`);
      for (const [what, code] of backOff) why.push(`${name} waits: ${what}: ${code}`);
    }
    const processors = Object.fromEntries([...this.#processors].map(([name, { state }]) => [name, state]));
    return { ok: why.length === 0, detail: why.length === 0 ? { processors } : { processors, why } };
  }

  #of(processor: string): ProcessorHealth {
    const found = this.#processors.get(processor);
    if (found === undefined) throw new TypeError(`${processor} is not among the processors of this process`);
    return found;
  }
}
