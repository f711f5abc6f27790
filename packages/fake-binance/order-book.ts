import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Direction } from './account.ts';

/** A book that is made up around the mark. What is left out has a default of MADE_UP. */
export interface MadeUpBook {
  /** Between the best bid and the best ask. Unit: ticks. */
  readonly spreadTicks?: number | undefined;
  /** Of each side. Unit: levels. */
  readonly depth?: number | undefined;
  /** Between two levels. Unit: ticks. */
  readonly stepTicks?: number | undefined;
  /** Of a level on average: from half of it to one and a half. Unit: contracts. */
  readonly size: string;
  /** After how long what was taken of a level is offered again. Unit: milliseconds. */
  readonly refillMs?: number | undefined;
  /** Of the sizes. */
  readonly seed?: number | undefined;
}

const MADE_UP = { spreadTicks: 2, depth: 20, stepTicks: 1, refillMs: 1000, seed: 1 };

/** Levels as they are given, the best first: price and contracts. What is taken stays taken. */
export interface GivenBook {
  readonly bids: readonly (readonly [price: string, quantity: string])[];
  readonly asks: readonly (readonly [price: string, quantity: string])[];
}

export type BookSpec = MadeUpBook | GivenBook;

export interface Level {
  /** From the best on, 0. */
  readonly index: number;
  readonly price: Exact;
  readonly quantity: Exact;
}

interface Taken {
  readonly quantity: Exact;
  readonly at: number;
}

/** What others offer and ask for in one market. A made-up book moves with the mark, with what was taken of its levels. */
export class OrderBook {
  readonly #spec: BookSpec;
  readonly #market: { readonly symbol: string; readonly tick: string; readonly lotStep: string };
  readonly #taken = new Map<string, Taken[]>();

  constructor(spec: BookSpec, market: { readonly symbol: string; readonly tick: string; readonly lotStep: string }) {
    this.#spec = spec;
    this.#market = market;
  }

  /** What an order of that direction meets, the best first. */
  against(direction: Direction, mark: Exact, now: number): readonly Level[] {
    const levels = 'bids' in this.#spec ? given(this.#spec, direction) : this.#madeUp(this.#spec, direction, mark);
    return levels.flatMap(({ index, price, quantity }) => {
      const left = quantity.sub(this.#takenOf(direction, index, now));
      return left.gt(0) ? [{ index, price, quantity: left }] : [];
    });
  }

  take(direction: Direction, index: number, quantity: Exact, now: number): void {
    const key = `${direction} ${index}`;
    this.#taken.set(key, [...(this.#taken.get(key) ?? []), { quantity, at: now }]);
  }

  #takenOf(direction: Direction, index: number, now: number): Exact {
    const since = 'bids' in this.#spec ? -Infinity : now - (this.#spec.refillMs ?? MADE_UP.refillMs);
    const taken = (this.#taken.get(`${direction} ${index}`) ?? []).filter(({ at }) => at > since);
    return Exact.sum(0, ...taken.map(({ quantity }) => quantity));
  }

  #madeUp(spec: MadeUpBook, direction: Direction, mark: Exact): readonly Level[] {
    const { spreadTicks, depth, stepTicks, seed } = withDefaults(spec);
    const { symbol, tick, lotStep } = this.#market;
    const buys = direction === 'BUY';
    const half = new Exact(tick).mul(spreadTicks).div(2);
    const ticks = (buys ? mark.add(half) : mark.sub(half)).div(tick);
    const best = buys ? ticks.ceil() : ticks.floor();
    const sizes = new SeededRandom(seed).stream('book', symbol, direction);
    return Array.from({ length: depth }, (_, index): Level => {
      const size = new Exact(spec.size)
        .mul(0.5 + sizes.uniform())
        .div(lotStep)
        .floor();
      const price = best.add(index * stepTicks * (buys ? 1 : -1)).mul(tick);
      return { index, price, quantity: Exact.max(1, size).mul(lotStep) };
    }).filter(({ price }) => price.gt(0));
  }
}

function given({ bids, asks }: GivenBook, direction: Direction): readonly Level[] {
  const side = direction === 'BUY' ? asks : bids;
  return side.map(([price, quantity], index) => ({ index, price: new Exact(price), quantity: new Exact(quantity) }));
}

function withDefaults(spec: MadeUpBook) {
  const { spreadTicks = MADE_UP.spreadTicks, depth = MADE_UP.depth, stepTicks = MADE_UP.stepTicks } = spec;
  return { spreadTicks, depth, stepTicks, seed: spec.seed ?? MADE_UP.seed };
}
