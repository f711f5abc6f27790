import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText } from '../../../ports/exchange.ts';
import type { BookedPosition } from '../../../ports/position-book.ts';
import type { ClientOrderId, OrderId, PositionId } from '../../../schemas/generated/records.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { PaperMarket } from './market-rules.ts';
import type { SqliteFile } from '../../system/sqlite-file.ts';

/** A position of the book. `initialQuantity + grownQuantity - all fills = quantity`, always (P3). */
export interface PaperPosition extends BookedPosition {
  readonly grownQuantity: DecimalText;
}

export interface PaperFill {
  readonly filledAt: EpochMillis;
  readonly quantity: DecimalText;
  readonly price: DecimalText;
  readonly fee: DecimalText;
  readonly positionAfter: DecimalText;
}

/** An order as it was decided at placement; fills may lie in the future. */
export interface PaperOrder {
  readonly clientOrderId: ClientOrderId;
  readonly orderId: OrderId;
  readonly positionId: PositionId;
  readonly symbol: string;
  readonly quantity: DecimalText;
  readonly positionBefore: DecimalText;
  readonly placedAt: EpochMillis;
  readonly doneAt: EpochMillis;
  /** No look-up of this order is ever answered. */
  readonly blackout: boolean;
  readonly fills: readonly PaperFill[];
}

type OrderRow = Omit<PaperOrder, 'blackout' | 'fills'> & { readonly blackout: number };

const POSITION = `position_id, account, symbol, side, opened_at, initial_quantity AS initialQuantity,
  grown_quantity AS grownQuantity, quantity, entry_price AS entryPrice`;

const ORDER = `client_order_id AS clientOrderId, order_id AS orderId, position_id AS positionId, symbol, quantity,
  position_before AS positionBefore, placed_at AS placedAt, done_at AS doneAt, blackout`;

/**
 * The tables of the paper venue as typed rows. It decides nothing; PaperExchange does, and opens the transactions. The
 * casts rest on this: every statement names its columns as the fields of its type, and only this class writes the rows.
 */
export class PaperBook {
  readonly #database: SqliteFile;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: SqliteFile) {
    this.#database = database;
  }

  market(symbol: string): PaperMarket | undefined {
    return this.#get(
      `SELECT tick, lot_step AS lotStep, min_quantity AS minQuantity, NULL AS maxQuantity,
         min_notional AS minNotional FROM markets WHERE symbol = ?`,
      symbol,
    ) as PaperMarket | undefined;
  }

  addMarket(symbol: string, market: PaperMarket): void {
    const { tick, lotStep, minQuantity, minNotional } = market;
    this.#run('INSERT INTO markets VALUES (?, ?, ?, ?, ?)', symbol, tick, lotStep, minQuantity, minNotional);
  }

  replaceMarket(symbol: string, market: PaperMarket): void {
    const { tick, lotStep, minQuantity, minNotional } = market;
    this.#run('INSERT OR REPLACE INTO markets VALUES (?, ?, ?, ?, ?)', symbol, tick, lotStep, minQuantity, minNotional);
  }

  position(positionId: PositionId): PaperPosition | undefined {
    return this.#get(`SELECT ${POSITION} FROM positions WHERE position_id = ?`, positionId) as
      PaperPosition | undefined;
  }

  /** Every position ever known, flat ones too, ordered by position_id. */
  positions(): readonly PaperPosition[] {
    return this.#all(`SELECT ${POSITION} FROM positions ORDER BY position_id`) as PaperPosition[];
  }

  openPositions(): readonly PaperPosition[] {
    return this.#all(`SELECT ${POSITION} FROM positions WHERE quantity <> '0' ORDER BY position_id`) as PaperPosition[];
  }

  /** Does nothing where `position_id` was ever known. */
  addPosition(position: Omit<BookedPosition, 'quantity'>): void {
    const quantity = toText(new Exact(position.initialQuantity));
    this.#run(
      `INSERT INTO positions VALUES (?, ?, ?, ?, ?, ?, '0', ?, ?) ON CONFLICT (position_id) DO NOTHING`,
      position.position_id,
      position.account,
      position.symbol,
      position.side,
      position.opened_at,
      quantity,
      quantity,
      toText(new Exact(position.entryPrice)),
    );
  }

  reduce(positionId: PositionId, quantity: DecimalText): void {
    this.#run('UPDATE positions SET quantity = ? WHERE position_id = ?', quantity, positionId);
  }

  /** False where this growth was done before. */
  addGrowth(positionId: PositionId, growthId: string, quantity: DecimalText, price: DecimalText): boolean {
    const { changes } = this.#run(
      'INSERT INTO growths VALUES (?, ?, ?, ?) ON CONFLICT (position_id, growth_id) DO NOTHING',
      positionId,
      growthId,
      quantity,
      price,
    );
    return changes === 1;
  }

  /** What that growth added; undefined where it was not done. */
  growth(positionId: PositionId, growthId: string): DecimalText | undefined {
    const row = this.#get(
      'SELECT quantity FROM growths WHERE position_id = ? AND growth_id = ?',
      positionId,
      growthId,
    ) as { quantity: DecimalText } | undefined;
    return row?.quantity;
  }

  grow(positionId: PositionId, grown: DecimalText, quantity: DecimalText, entryPrice: DecimalText): void {
    this.#run(
      'UPDATE positions SET grown_quantity = ?, quantity = ?, entry_price = ? WHERE position_id = ?',
      grown,
      quantity,
      entryPrice,
      positionId,
    );
  }

  order(clientOrderId: ClientOrderId): PaperOrder | undefined {
    const row = this.#get(`SELECT ${ORDER} FROM orders WHERE client_order_id = ?`, clientOrderId) as
      OrderRow | undefined;
    return row === undefined ? undefined : this.#withFills(row);
  }

  /** Every order, ordered by placement. */
  *orders(): IterableIterator<PaperOrder> {
    for (const row of this.#all(`SELECT ${ORDER} FROM orders ORDER BY placed_at, client_order_id`) as OrderRow[]) {
      yield this.#withFills(row);
    }
  }

  addOrder(order: PaperOrder): void {
    this.#run(
      'INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      order.clientOrderId,
      order.orderId,
      order.positionId,
      order.symbol,
      order.quantity,
      order.positionBefore,
      order.placedAt,
      order.doneAt,
      order.blackout ? 1 : 0,
    );
    for (const [number, fill] of order.fills.entries()) {
      const { filledAt, quantity, price, fee, positionAfter } = fill;
      this.#run(
        'INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?)',
        order.clientOrderId,
        number,
        filledAt,
        quantity,
        price,
        fee,
        positionAfter,
      );
    }
  }

  /** The order is done then: no fill comes after. */
  endOrder(clientOrderId: ClientOrderId, at: EpochMillis): void {
    this.#run('DELETE FROM fills WHERE client_order_id = ? AND filled_at > ?', clientOrderId, at);
    this.#run('UPDATE orders SET done_at = ? WHERE client_order_id = ?', at, clientOrderId);
  }

  #withFills(row: OrderRow): PaperOrder {
    const fills = this.#all(
      `SELECT filled_at AS filledAt, quantity, price, fee, position_after AS positionAfter
       FROM fills WHERE client_order_id = ? ORDER BY number`,
      row.clientOrderId,
    ) as PaperFill[];
    return { ...row, blackout: row.blackout === 1, fills };
  }

  #get(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#statement(sql).all(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]): { changes: number | bigint } {
    return this.#statement(sql).run(...values);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}
