import type { Gauge, Metrics } from '../../ports/metrics.ts';
import type { OpenPosition } from './watched-positions.ts';

/** More positions than a desk works, and few enough series for one scrape. */
const MOST_SERIES = 500;

interface Shown {
  readonly gauge: Gauge;
  readonly r: number;
}

/**
 * The open positions as gauges: how many, and the R of each. A series ends with its position, and there are MOST_SERIES at most: beyond that
 * the positions with the largest R, up or down, have one.
 */
export class PositionGauges {
  readonly #metrics: Metrics;
  readonly #count: Gauge;
  #open: readonly OpenPosition[] | null = null;
  /** By account, symbol and side. */
  #shown: ReadonlyMap<string, Shown> = new Map();
  readonly #keys = new WeakMap<OpenPosition, string>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#count = metrics.gauge('openPositions', {});
  }

  /** `open` are all that are open now. Of two of one account, symbol and side, which a venue does not have, the latest shows. */
  become(open: readonly OpenPosition[]): void {
    // Nearly always nothing changed since the last time.
    if (open.length === this.#open?.length && open.every((one, place) => one === this.#open?.[place])) return;
    this.#open = open;
    this.#count.set(open.length);
    const largest = open.toSorted((one, other) => Math.abs(other.r) - Math.abs(one.r)).slice(0, MOST_SERIES);
    const latest = largest.toSorted((one, other) => one.seenAt - other.seenAt);
    const shown = new Map<string, Shown>();
    for (const [key, { account, symbol, side, r }] of new Map(latest.map((one) => [this.#keyOf(one), one]))) {
      const before = this.#shown.get(key);
      const gauge = before?.gauge ?? this.#metrics.gauge('positionR', { account, symbol, side });
      if (before?.r !== r) gauge.set(r);
      shown.set(key, { gauge, r });
    }
    for (const [key, { gauge }] of this.#shown) if (!shown.has(key)) gauge.remove();
    this.#shown = shown;
  }

  #keyOf(position: OpenPosition): string {
    const known = this.#keys.get(position);
    if (known !== undefined) return known;
    const key = JSON.stringify([position.account, position.symbol, position.side]);
    this.#keys.set(position, key);
    return key;
  }
}
