import type { BoardPosition } from '../../ports/board.ts';

type Order = (one: BoardPosition, other: BoardPosition) => number;

/** What people sort by: the first is what to look at first. Unknown confidence comes last. */
export const ORDERS = {
  r: (one, other) => other.r - one.r,
  age: (one, other) => other.age_minutes - one.age_minutes,
  symbol: (one, other) => compare(one.symbol, other.symbol) || compare(one.account, other.account),
  confidence: (one, other) => (other.confidence ?? -1) - (one.confidence ?? -1),
  exit: (one, other) => other.exit_score - one.exit_score,
} as const satisfies Record<string, Order>;

export type OrderName = keyof typeof ORDERS;

export interface PositionChoice {
  readonly sort: OrderName;
  /** Null: all. */
  readonly symbols: ReadonlySet<string> | null;
  readonly accounts: ReadonlySet<string> | null;
}

/** Equal ones by id, so that rows keep their places. */
export function chosenPositions(
  positions: readonly BoardPosition[],
  { sort, symbols, accounts }: PositionChoice,
): readonly BoardPosition[] {
  const order = ORDERS[sort];
  return positions
    .filter(({ symbol, account }) => (symbols?.has(symbol) ?? true) && (accounts?.has(account) ?? true))
    .toSorted((one, other) => order(one, other) || compare(one.position_id, other.position_id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
