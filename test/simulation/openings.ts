/**
 * The positions that come to be in a world: in every flat symbol now and then, and on a hedged account on its other side as well, while the
 * first one is open.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { Random, RandomStream } from '../../ports/random.ts';
import type { Side } from '../../schemas/generated/records.ts';
import type { SimulatedMarket } from './exchange/simulated-market.ts';
import type { VenueAccount } from './exchange/venue-account.ts';
import type { Kernel } from './kernel.ts';

/** How often somebody looks whether a position has ended, and opens another. Unit: milliseconds. */
const OPEN_EVERY_MS = 7 * 60_000;

/** How likely a flat symbol is opened again at each look. */
const OPENS_AGAIN = 0.5;

/** How likely the other side of a symbol is opened at each look, where the account lets both be open. */
const OPENS_OTHER_SIDE = 0.1;

/** What a position is worth at its opening, at the least and at the most. Unit: quote currency. */
const WORTH = [500, 20_000] as const;

/** Where a stop and a target rest, for those positions that have them. Unit: fraction of the entry. */
const STOP_DISTANCE = [0.02, 0.08] as const;
const TARGET_DISTANCE = [0.05, 0.15] as const;

/** Before the end nothing is opened any more, so that all can be on record. Unit: milliseconds. */
const LAST_OPENING_MS = 30 * 60_000;

interface OpeningsOptions {
  readonly kernel: Kernel;
  readonly account: VenueAccount;
  readonly markets: readonly SimulatedMarket[];
  readonly random: Random;
  readonly startsAt: EpochMillis;
  readonly endsAt: EpochMillis;
}

/** What decides of one symbol, each from a stream of its own: a second side shifts nothing for the first. */
interface Draws {
  readonly market: SimulatedMarket;
  readonly flat: RandomStream;
  readonly other: RandomStream;
}

export class Openings {
  readonly #options: OpeningsOptions;
  readonly #draws: readonly Draws[];
  #openMs = 0;

  constructor(options: OpeningsOptions) {
    this.#options = options;
    const { markets, random } = options;
    this.#draws = markets.map((market) => ({
      market,
      flat: random.stream('open', market.symbol),
      other: random.stream('open the other side', market.symbol),
    }));
  }

  /** Open positions times how long they were open. Unit: milliseconds. */
  get openMs(): number {
    return this.#openMs;
  }

  /** Looks at every symbol, and goes on looking. */
  look(): void {
    const { kernel, account } = this.#options;
    const open = account.openPositions();
    this.#openMs += open.length * OPEN_EVERY_MS;
    const sides = Map.groupBy(open, ({ symbol }) => symbol);
    for (const { market, flat, other } of this.#draws) {
      const held = sides.get(market.symbol) ?? [];
      this.#openFlat(market, flat, held.length === 0);
      const [first, second] = held;
      if (account.isHedged && first !== undefined) this.#openOther(market, other, first.side, second === undefined);
    }
    kernel.after(OPEN_EVERY_MS, 'world', () => this.look());
  }

  #openFlat(market: SimulatedMarket, draw: RandomStream, isFlat: boolean): void {
    const isFirst = this.#options.kernel.now === this.#options.startsAt;
    const opens = draw.uniform() < OPENS_AGAIN || isFirst;
    if (opens && isFlat && !this.#isOver) this.#open(market, draw.uniform() < 0.5 ? 'LONG' : 'SHORT', draw);
  }

  #openOther(market: SimulatedMarket, draw: RandomStream, held: Side, isFlat: boolean): void {
    const opens = draw.uniform() < OPENS_OTHER_SIDE;
    if (opens && isFlat && !this.#isOver) this.#open(market, held === 'LONG' ? 'SHORT' : 'LONG', draw);
  }

  #open({ symbol, startPrice }: SimulatedMarket, side: Side, draw: RandomStream): void {
    const between = ([least, most]: readonly [number, number]): number => least + draw.uniform() * (most - least);
    const stop = { kind: 'STOP', distance: between(STOP_DISTANCE), share: null } as const;
    const target = { kind: 'TAKE_PROFIT', distance: between(TARGET_DISTANCE), share: null } as const;
    const guarded = draw.uniform();
    const resting = guarded < 0.3 ? [] : guarded < 0.7 ? [stop] : [stop, target];
    this.#options.account.open(symbol, side, between(WORTH) / startPrice, resting);
    this.#options.kernel.tell(symbol, `a ${side} position is opened`);
  }

  get #isOver(): boolean {
    return this.#options.kernel.now > this.#options.endsAt - LAST_OPENING_MS;
  }
}
