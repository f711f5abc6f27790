/**
 * Virtual time. Everything that happens in a simulation is an event here: it runs at its time, and whatever it set going with promises has
 * come to rest before the next one runs. There is no other clock, timer or thread, so a seed decides everything.
 *
 * SIM-10  Events run in the order of their times. Those at one time run in an order that seed, entity and the entity's own count decide: no
 *         entity changes the order among others by doing more or less itself.
 * SIM-11  The trace hash is over every event that ran, every record that was written and every line that was told, in their order: equal hashes
 *         are equal runs.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import { runMicrotasks } from './microtasks.ts';

/** An event that is still to run. */
export interface Scheduled {
  cancel(): void;
}

interface Entry extends Scheduled {
  readonly at: EpochMillis;
  readonly rank: number;
  readonly order: number;
  run: (() => void) | null;
}

/** What was told about the run, for people. */
export interface TraceLine {
  readonly at: EpochMillis;
  readonly who: string;
  readonly what: string;
}

/** Taken before a simulation takes timers away. */
const turn = setImmediate;

/** The process must hear of its parent now and then. */
const EVENTS_A_TURN = 10_000;

export class Kernel {
  readonly seed: number;
  #now: EpochMillis;
  #order = 0;
  #hash = 0x811c9dc5;
  #events = 0;
  #failure: unknown = null;
  readonly #heap: Entry[] = [];
  readonly #counts = new Map<string, { readonly salt: number; count: number }>();
  readonly #onTrace: ((line: TraceLine) => void) | null;

  constructor(seed: number, start: EpochMillis, onTrace: ((line: TraceLine) => void) | null = null) {
    this.seed = seed;
    this.#now = start;
    this.#onTrace = onTrace;
  }

  /** The true time, which no process can read. */
  get now(): EpochMillis {
    return this.#now;
  }

  /** Events that ran. */
  get events(): number {
    return this.#events;
  }

  /** SIM-11, as eight hexadecimal digits. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Runs `run` at a time; one that has passed counts as now. */
  at(time: EpochMillis, entity: string, run: () => void): Scheduled {
    let counted = this.#counts.get(entity);
    if (counted === undefined)
      this.#counts.set(entity, (counted = { salt: hashText(this.seed | 0, entity), count: 0 }));
    const rank = mix(counted.salt, ++counted.count);
    const entry: Entry = {
      at: Math.max(time, this.#now),
      rank,
      order: ++this.#order,
      run,
      cancel: () => (entry.run = null),
    };
    push(this.#heap, entry);
    return entry;
  }

  after(ms: number, entity: string, run: () => void): Scheduled {
    return this.at(this.#now + Math.max(0, ms), entity, run);
  }

  /** A line for the story of the run. */
  tell(who: string, what: string): void {
    this.#hash = hashText(hashText(this.#hash, who), what);
    this.#onTrace?.({ at: this.#now, who, what });
  }

  /** A line that follows from what the hash covers already: made only where somebody reads it. None for null. */
  explain(who: string, what: () => string | null): void {
    if (this.#onTrace === null) return;
    const told = what();
    if (told !== null) this.#onTrace({ at: this.#now, who, what: told });
  }

  /** Takes bytes that were made into the hash. */
  cover(bytes: Uint8Array): void {
    let hash = this.#hash;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME);
    this.#hash = hash;
  }

  /** Ends the run with an error that is none of the system under test's own. */
  fail(thrown: unknown): void {
    this.#failure ??= thrown;
  }

  /** Runs everything up to and including `until`. */
  run(until: EpochMillis): Promise<void> {
    return new Promise((resolve, reject) => {
      const work = (): void => {
        try {
          if (this.#runSome(until)) resolve();
          else turn(work);
        } catch (thrown) {
          reject(thrown);
        }
      };
      turn(work);
    });
  }

  /** Runs as much as it may in one turn of the event loop. True: there is no more until then. */
  #runSome(until: EpochMillis): boolean {
    for (let count = 0; count < EVENTS_A_TURN; count++) {
      runMicrotasks();
      if (this.#failure !== null) throw this.#failure;
      const next = this.#heap[0];
      if (next === undefined || next.at > until) {
        this.#now = Math.max(this.#now, until);
        return true;
      }
      pop(this.#heap);
      if (next.run === null) continue;
      this.#now = next.at;
      this.#hash = mix(this.#hash ^ next.rank, next.at | 0);
      this.#events += 1;
      next.run();
    }
    return false;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  if (one.at !== other.at) return one.at < other.at;
  return one.rank === other.rank ? one.order < other.order : one.rank < other.rank;
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    const [left, right] = [heap[below], heap[below + 1]];
    if (left === undefined) break;
    let child = left;
    if (right !== undefined && isBefore(right, left)) {
      child = right;
      below += 1;
    }
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
}

/** The prime of the 32-bit FNV hash (Fowler, Noll, Vo). */
const PRIME = 0x01000193;

/** FNV-1a over UTF-16 code units. */
function hashText(start: number, text: string): number {
  let hash = start;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), PRIME);
  return hash;
}

/** MurmurHash3's finaliser over two words. */
function mix(one: number, other: number): number {
  let hash = one ^ Math.imul(other, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
