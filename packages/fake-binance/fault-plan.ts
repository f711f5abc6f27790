import type { Random } from '../../ports/random.ts';
import { FAULTS, FAULT_NAMES, type Fault, type FaultPlace } from './faults.ts';

/** A fault that waits for the next request that fits, or for the next few. */
export interface OneShot {
  readonly fault: Fault;
  /** How many requests it befalls; 1 where left out, Infinity: all until it is removed. */
  readonly times?: number;
  readonly method?: string;
  readonly path?: string;
  readonly symbol?: string;
  /** Of an order, or of a look-up. */
  readonly clientOrderId?: string;
  /** How long an unanswered request is held before its connection is closed. Unit: milliseconds. */
  readonly holdMs?: number;
  /** What 429 and 418 ask to wait; null: the header is missing. Unit: seconds. */
  readonly retryAfterS?: number | null;
  /** After how long a late order is carried out, or a slow answer given. Unit: milliseconds. */
  readonly delayMs?: number;
  /** What `refuse` answers. */
  readonly reply?: { readonly status: number; readonly code: number; readonly msg: string };
}

/** A fault that waits, as it was asked for. */
export interface Waiting {
  readonly id: number;
  readonly given: OneShot;
  /** How many requests it will befall yet. */
  readonly left: number;
}

/** What a request is about, as far as faults are chosen by it. */
export interface Subject {
  readonly method: string;
  readonly path: string;
  readonly symbol: string | null;
  readonly clientOrderId: string | null;
}

/** When which fault happens: those asked for first, the oldest before the others, then by chance. The same seed gives the same faults to the same requests. */
export class FaultPlan {
  readonly #random: Random;
  #queue: Waiting[] = [];
  #chances: readonly (readonly [Fault, number])[] = [];
  #drawn = 0;
  readonly #nextId: () => number;

  constructor(random: Random, nextId = counter()) {
    this.#random = random;
    this.#nextId = nextId;
  }

  /** Their ids. Throws where there is no fault of that name: it would never happen. */
  add(...faults: readonly OneShot[]): readonly number[] {
    for (const { fault } of faults) mustBeFault(fault);
    const added = faults.map((given) => ({ id: this.#nextId(), given, left: given.times ?? 1 }));
    this.#queue.push(...added);
    return added.map(({ id }) => id);
  }

  /** Whether it waited. */
  remove(id: number): boolean {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter((one) => one.id !== id);
    return this.#queue.length < before;
  }

  get chances(): Readonly<Partial<Record<Fault, number>>> {
    return Object.fromEntries(this.#chances);
  }

  list(): readonly Waiting[] {
    return this.#queue;
  }

  /** Probabilities by name, in place of those before. Those that can befall one request are together at most 1. */
  byChance(chances: Readonly<Partial<Record<Fault, number>>>): void {
    for (const name of Object.keys(chances)) mustBeFault(name);
    this.#chances = FAULT_NAMES.flatMap((fault) => {
      const chance = chances[fault];
      return chance === undefined ? [] : [[fault, chance] as const];
    });
  }

  clear(): void {
    this.#queue = [];
    this.#chances = [];
  }

  /** How many that were asked for still wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  draw(subject: Subject): OneShot | null {
    const place = placeOf(subject);
    const index = this.#queue.findIndex(({ given }) => fits(given, subject, place));
    const waiting = this.#queue[index];
    if (waiting !== undefined) {
      if (waiting.left > 1) this.#queue[index] = { ...waiting, left: waiting.left - 1 };
      else this.#queue.splice(index, 1);
      return waiting.given;
    }
    if (this.#chances.length === 0) return null;
    let left = this.#random.stream('fault', this.#drawn++).uniform();
    for (const [fault, chance] of this.#chances) {
      const { on } = FAULTS[fault];
      if (on !== 'any' && on !== place) continue;
      if (left < chance) return { fault };
      left -= chance;
    }
    return null;
  }
}

export function counter(): () => number {
  let last = 0;
  return () => ++last;
}

function mustBeFault(name: string): void {
  if (Object.hasOwn(FAULTS, name)) return;
  throw new TypeError(`no such fault: ${name}; there are ${FAULT_NAMES.join(', ')}`);
}

function fits(one: OneShot, subject: Subject, place: FaultPlace): boolean {
  if (one.method !== undefined && one.method !== subject.method) return false;
  if (one.symbol !== undefined && one.symbol !== subject.symbol) return false;
  if (one.clientOrderId !== undefined && one.clientOrderId !== subject.clientOrderId) return false;
  if (one.path !== undefined) return one.path === subject.path;
  const { on } = FAULTS[one.fault];
  return on === 'any' || on === place;
}

const ORDER = '/fapi/v1/order';

function placeOf({ method, path }: Subject): FaultPlace {
  if (path === ORDER && method === 'POST') return 'order';
  if (path === ORDER && method === 'GET') return 'look-up';
  return path.endsWith('/positionRisk') ? 'positions' : 'any';
}
