import type { BinanceCode } from './binance-error.ts';
import type { Random } from '../../ports/random.ts';

/** What the client gets instead of the answer: none at all, a closed connection, half an answer, or an error. */
type FaultyAnswer =
  | 'none'
  | 'reset'
  | 'half'
  | { readonly status: number; readonly code: BinanceCode }
  /** The answer of Binance's gateway for a silent exchange: a message without a code. */
  | { readonly status: number; readonly words: string }
  /** An HTML error page of a proxy. */
  | { readonly status: number; readonly html: true };

type FaultPlace = 'order' | 'look-up' | 'positions' | 'any';

interface FaultEntry {
  /** The requests that the fault affects, unless it is configured for a path. */
  readonly on: FaultPlace;
  /** Whether the request is executed all the same. */
  readonly taken: boolean;
  /** The request is executed with delay. */
  readonly late?: true;
  /** Null: the proper answer. */
  readonly answer: FaultyAnswer | null;
}

const refused = (code: BinanceCode, status = 400): FaultEntry => ({
  on: 'order',
  taken: false,
  answer: { status, code },
});

const UNKNOWN_503 = { status: 503, words: 'Unknown error, please check your request or try again later.' };

/** The faults of requests. */
export const FAULTS = {
  'timeout-after-taken': { on: 'order', taken: true, answer: 'none' },
  'timeout-before': { on: 'any', taken: false, answer: 'none' },
  late: { on: 'order', taken: true, late: true, answer: 'none' },
  'reset-after-taken': { on: 'order', taken: true, answer: 'reset' },
  'reset-before': { on: 'any', taken: false, answer: 'reset' },
  'half-reply-taken': { on: 'any', taken: true, answer: 'half' },
  'half-reply-not-taken': { on: 'order', taken: false, answer: 'half' },
  '-1007-taken': { on: 'order', taken: true, answer: { status: 408, code: '-1007' } },
  '-1007-not-taken': { on: 'order', taken: false, answer: { status: 408, code: '-1007' } },
  '-1000-taken': { on: 'order', taken: true, answer: { status: 500, code: '-1000' } },
  /** The 503 for which Binance documents the execution status as unknown. */
  '503-unknown-taken': { on: 'order', taken: true, answer: UNKNOWN_503 },
  '503-unknown-not-taken': { on: 'order', taken: false, answer: UNKNOWN_503 },
  '500-taken': { on: 'order', taken: true, answer: { status: 500, html: true } },
  '500': { on: 'any', taken: false, answer: { status: 500, html: true } },
  '502-taken': { on: 'order', taken: true, answer: { status: 502, html: true } },
  '502': { on: 'any', taken: false, answer: { status: 502, html: true } },
  '503-taken': { on: 'order', taken: true, answer: { status: 503, html: true } },
  '503': { on: 'any', taken: false, answer: { status: 503, html: true } },
  '-1021': { on: 'any', taken: false, answer: { status: 400, code: '-1021' } },
  '429': { on: 'any', taken: false, answer: { status: 429, code: '-1003' } },
  '418': { on: 'any', taken: false, answer: { status: 418, code: '-1003' } },
  '-1008': refused('-1008', 503),
  '-2022': refused('-2022'),
  '-4116': refused('-4116'),
  '-4164': refused('-4164'),
  '-1111': refused('-1111'),
  '-1121': refused('-1121'),
  '-1122': refused('-1122'),
  '-4061': refused('-4061'),
  '-4118': refused('-4118'),
  '-4131': refused('-4131'),
  '-4411': refused('-4411'),
  /** A rejection of the caller's choice; -4131 by default. */
  refuse: refused('-4131'),
  /** The proper answer, with delay. */
  slow: { on: 'any', taken: true, answer: null },
  /** A look-up denies an order that exists. */
  '-2013': { on: 'look-up', taken: false, answer: { status: 400, code: '-2013' } },
  /** Half of the order fills, the rest expires. */
  'partial-fill': { on: 'order', taken: true, answer: null },
  /** A part of the position is closed by hand just before the order is matched. */
  'hand-change': { on: 'order', taken: true, answer: null },
  /** The order is taken, and requests about it are never answered. */
  unanswering: { on: 'order', taken: true, answer: 'none' },
  /** The list of positions comes empty. */
  'empty-positions': { on: 'positions', taken: true, answer: null },
} as const satisfies Record<string, FaultEntry>;

export type Fault = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[];

/** The code that the client received for a request with that fault; null without one. */
export function answeredCode(fault: Fault, refusal: BinanceCode | null): BinanceCode | null {
  const { answer } = FAULTS[fault];
  if (answer === null) return refusal;
  return typeof answer === 'object' && 'code' in answer ? answer.code : null;
}

/** A fault for the next matching requests. */
export interface OneShot {
  readonly fault: Fault;
  /** The number of requests; 1 by default, Infinity: all until the fault is removed. */
  readonly times?: number;
  readonly method?: string;
  readonly path?: string;
  readonly symbol?: string;
  /** The id of an order that is sent or looked up. */
  readonly clientOrderId?: string;
  /** How long an unanswered request is held before its connection is closed. Unit: milliseconds. */
  readonly holdMs?: number;
  /** Retry-After of 429 and 418; null: no such header. Unit: seconds. */
  readonly retryAfterS?: number | null;
  /** The delay of a late order or a slow answer. Unit: milliseconds. */
  readonly delayMs?: number;
  /** The answer of the fault `refuse`. */
  readonly reply?: { readonly status: number; readonly code: number; readonly msg: string };
}

/** A configured fault that has not happened as often as it should. */
export interface Waiting {
  readonly id: number;
  readonly given: OneShot;
  /** The number of requests that it will still affect. */
  readonly left: number;
}

/** The properties of a request by which faults are chosen. */
export interface Subject {
  readonly method: string;
  readonly path: string;
  readonly symbol: string | null;
  readonly clientOrderId: string | null;
}

/** Chooses the fault of each request: configured ones first, in their order, then random ones. The same seed gives the same faults to the same requests. */
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

  /** Adds faults and returns their ids. Throws for an unknown name. */
  add(...faults: readonly OneShot[]): readonly number[] {
    for (const { fault } of faults) mustBeFault(fault);
    const added = faults.map((given) => ({ id: this.#nextId(), given, left: given.times ?? 1 }));
    this.#queue.push(...added);
    return added.map(({ id }) => id);
  }

  /** False for an unknown id. */
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

  /** Replaces the probabilities of random faults. Those that can affect one request must add up to at most 1. */
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

  /** The number of configured faults that are left. */
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
