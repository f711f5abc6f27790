import type { ExecutionReport, OrderStyle } from '../../schemas/generated/records.ts';

/** What orders of one style have filled, and what that cost against the mark at their decisions. */
export interface OrderCost {
  /** Intents of which something was filled. */
  readonly fills: number;
  /** Unit: quote currency. */
  readonly filled_quote: number;
  /** Positive is what was lost. Unit: quote currency. */
  readonly slippage_quote: number;
  /** The same over all that was filled, at its marks. Unit: basis points. */
  readonly slippage_bps: number;
}

interface Sums {
  fills: number;
  filled: number;
  atMarks: number;
  slippage: number;
}

/** Adds up what reports tell of slippage, by the style of their last order. Older ones tell nothing of it. */
export class OrderCosts {
  readonly #sums = new Map<OrderStyle, Sums>();

  add({
    status,
    order_style: style,
    filled_quantity,
    average_price,
    mark_price,
    slippage_quote,
  }: ExecutionReport): void {
    if (status !== 'FILLED' || style === null || average_price === null) return;
    if (mark_price === null || slippage_quote === null) return;
    const sums = this.#sums.get(style) ?? { fills: 0, filled: 0, atMarks: 0, slippage: 0 };
    this.#sums.set(style, sums);
    sums.fills += 1;
    sums.filled += filled_quantity * average_price;
    sums.atMarks += filled_quantity * mark_price;
    sums.slippage += slippage_quote;
  }

  /** Styles without a fill are absent. */
  byStyle(): Readonly<Partial<Record<OrderStyle, OrderCost>>> {
    return Object.fromEntries(
      [...this.#sums]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([style, { fills, filled, atMarks, slippage }]) => [
          style,
          {
            fills,
            filled_quote: filled,
            slippage_quote: slippage,
            slippage_bps: (slippage / atMarks) * BASIS_POINTS,
          },
        ]),
    );
  }
}

const BASIS_POINTS = 10_000;

/** One line a style, for people. */
export function orderCostLines(costs: Readonly<Partial<Record<OrderStyle, OrderCost>>>): readonly string[] {
  return Object.entries(costs).map(([style, { fills, filled_quote, slippage_quote, slippage_bps }]) => {
    const worse = `${slippage_bps.toFixed(1)} bps (${slippage_quote.toFixed(2)}) against the mark`;
    return `${style}: ${fills} fills of ${Math.round(filled_quote).toLocaleString('en')}, ${worse}`;
  });
}
