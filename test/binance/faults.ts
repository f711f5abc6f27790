import type { Random } from '../../ports/random.ts';
import type { BinanceCode } from './binance-error.ts';

/** What the client gets: no answer at all, a closed connection, half an answer, or an error. */
export type FaultyAnswer =
  | 'none'
  | 'reset'
  | 'half'
  | { readonly status: number; readonly code: BinanceCode }
  /** An error page of something in front of the exchange. */
  | { readonly status: number; readonly html: true };

export type Endpoint = 'order' | 'look-up' | 'positions' | 'any';

interface FaultEntry {
  /** Where it happens at random; a fault that is asked for by path happens there. */
  readonly on: Endpoint;
  /** Whether the request was carried out all the same. */
  readonly taken: boolean;
  /** Null: the answer is as it should be. */
  readonly answer: FaultyAnswer | null;
}

const refused = (code: BinanceCode, status = 400): FaultEntry => ({
  on: 'order',
  taken: false,
  answer: { status, code },
});

/** Everything that can go wrong on purpose, as data. */
export const FAULTS = {
  'timeout-after-taken': { on: 'order', taken: true, answer: 'none' },
  'timeout-before': { on: 'any', taken: false, answer: 'none' },
  'reset-after-taken': { on: 'order', taken: true, answer: 'reset' },
  'reset-before': { on: 'any', taken: false, answer: 'reset' },
  'half-reply-taken': { on: 'any', taken: true, answer: 'half' },
  'half-reply-not-taken': { on: 'order', taken: false, answer: 'half' },
  '-1007-taken': { on: 'order', taken: true, answer: { status: 408, code: '-1007' } },
  '-1007-not-taken': { on: 'order', taken: false, answer: { status: 408, code: '-1007' } },
  '-1000-taken': { on: 'order', taken: true, answer: { status: 500, code: '-1000' } },
  '500-taken': { on: 'order', taken: true, answer: { status: 500, html: true } },
  '500': { on: 'any', taken: false, answer: { status: 500, html: true } },
  '502-taken': { on: 'order', taken: true, answer: { status: 502, html: true } },
  '502': { on: 'any', taken: false, answer: { status: 502, html: true } },
  '503-taken': { on: 'order', taken: true, answer: { status: 503, html: true } },
  '503': { on: 'any', taken: false, answer: { status: 503, html: true } },
  '-1021': { on: 'any', taken: false, answer: { status: 400, code: '-1021' } },
  '429': { on: 'any', taken: false, answer: { status: 429, code: '-1003' } },
  '418': { on: 'any', taken: false, answer: { status: 418, code: '-1003' } },
  '-2022': refused('-2022'),
  '-4116': refused('-4116'),
  '-4164': refused('-4164'),
  '-1111': refused('-1111'),
  /** A single look-up that denies an order which is there. */
  '-2013': { on: 'look-up', taken: false, answer: { status: 400, code: '-2013' } },
  /** Half of the order fills, the rest expires. */
  'partial-fill': { on: 'order', taken: true, answer: null },
  /** Somebody closes a part of the position by hand, just before the order is matched. */
  'hand-change': { on: 'order', taken: true, answer: null },
  /** The order is taken, and nothing that asks for it is ever answered. */
  unanswering: { on: 'order', taken: true, answer: 'none' },
  /** The list of positions comes empty. */
  'empty-positions': { on: 'positions', taken: true, answer: null },
} as const satisfies Record<string, FaultEntry>;

export type Fault = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[];

/** A fault that happens once, to the next request that fits. */
export interface OneShot {
  readonly fault: Fault;
  readonly method?: string;
  readonly path?: string;
}

/** When which fault happens: those asked for first, then by chance. The same seed gives the same faults to the same requests. */
export class FaultPlan {
  readonly #random: Random;
  #queue: OneShot[] = [];
  #chances: readonly (readonly [Fault, number])[] = [];
  #drawn = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  add(...faults: readonly OneShot[]): void {
    this.#queue.push(...faults);
  }

  /** Probabilities by name; together at most 1. */
  byChance(chances: Readonly<Partial<Record<Fault, number>>>): void {
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

  draw(method: string, path: string): Fault | null {
    const endpoint = endpointOf(method, path);
    const index = this.#queue.findIndex((one) => fits(one, method, path, endpoint));
    if (index >= 0) return this.#queue.splice(index, 1)[0]?.fault ?? null;
    if (this.#chances.length === 0) return null;
    let left = this.#random.stream('fault', this.#drawn++).uniform();
    for (const [fault, chance] of this.#chances) {
      const { on } = FAULTS[fault];
      if (on !== 'any' && on !== endpoint) continue;
      if (left < chance) return fault;
      left -= chance;
    }
    return null;
  }
}

function fits({ fault, method, path }: OneShot, asked: string, at: string, endpoint: Endpoint): boolean {
  if (method !== undefined && method !== asked) return false;
  if (path !== undefined) return path === at;
  const { on } = FAULTS[fault];
  return on === 'any' || on === endpoint;
}

const ORDER = '/fapi/v1/order';

function endpointOf(method: string, path: string): Endpoint {
  if (path === ORDER) return method === 'POST' ? 'order' : 'look-up';
  return path.endsWith('/positionRisk') ? 'positions' : 'any';
}
