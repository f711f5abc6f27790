import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText } from '../../../ports/exchange.ts';
import type { BookedPosition } from '../../../ports/position-book.ts';
import type { ClientOrderId, OrderId, PositionId } from '../../../schemas/generated/records.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { PaperMarket } from './market-rules.ts';
import { SqliteFile } from '../../system/sqlite-file.ts';
import { dirname } from 'node:path';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { closeToOthers, makeDataFolder } from '../../system/data-folder.ts';
import { onDisk } from '../../system/disk-errors.ts';

/** A position of the book: `initialQuantity + grownQuantity - all fills = quantity` (PAP-6). */
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

/** An order as decided at its placement; fills may lie in the future. */
export interface PaperOrder {
  readonly clientOrderId: ClientOrderId;
  readonly orderId: OrderId;
  readonly positionId: PositionId;
  readonly symbol: string;
  readonly quantity: DecimalText;
  readonly positionBefore: DecimalText;
  readonly placedAt: EpochMillis;
  readonly doneAt: EpochMillis;
  /** Look-ups of this order are never answered. */
  readonly blackout: boolean;
  readonly fills: readonly PaperFill[];
}

type OrderRow = Omit<PaperOrder, 'blackout' | 'fills'> & { readonly blackout: number };

const POSITION = `position_id, account, symbol, side, opened_at, initial_quantity AS initialQuantity,
  grown_quantity AS grownQuantity, quantity, entry_price AS entryPrice`;

const ORDER = `client_order_id AS clientOrderId, order_id AS orderId, position_id AS positionId, symbol, quantity,
  position_before AS positionBefore, placed_at AS placedAt, done_at AS doneAt, blackout`;

/**
 * The tables of the paper exchange as typed rows. Decisions and transactions are PaperExchange's. The casts are safe because every statement
 * names its columns like the fields of its type, and only this class writes the rows.
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

  /** Adds a market, or replaces its rules. */
  setMarket(symbol: string, market: PaperMarket): void {
    const { tick, lotStep, minQuantity, minNotional } = market;
    this.#run('INSERT OR REPLACE INTO markets VALUES (?, ?, ?, ?, ?)', symbol, tick, lotStep, minQuantity, minNotional);
  }

  position(positionId: PositionId): PaperPosition | undefined {
    return this.#get(`SELECT ${POSITION} FROM positions WHERE position_id = ?`, positionId) as
      PaperPosition | undefined;
  }

  /** Every position ever known, flat ones included, ordered by position_id. */
  positions(): readonly PaperPosition[] {
    return this.#all(`SELECT ${POSITION} FROM positions ORDER BY position_id`) as PaperPosition[];
  }

  openPositions(): readonly PaperPosition[] {
    return this.#all(`SELECT ${POSITION} FROM positions WHERE quantity <> '0' ORDER BY position_id`) as PaperPosition[];
  }

  /** Does nothing for a position that is already known. */
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

  /** False if this growth was added before. */
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

  /** The quantity of that growth; undefined if it was not added. */
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

  /** Every order, oldest first. */
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

  /** Marks the order as done at that time, and removes later fills. */
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

/** Incremented when the tables change. A file of another version is rejected. */
const FORMAT_VERSION = 1;

/** How long to wait for another process's transaction, which takes a few milliseconds. Unit: milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** Quantities, prices and fees are plain decimal texts; the quantity of a flat position is '0'. */
const TABLES = `
  CREATE TABLE markets (
    symbol TEXT PRIMARY KEY, tick TEXT NOT NULL, lot_step TEXT NOT NULL, min_quantity TEXT NOT NULL, min_notional TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE positions (
    position_id TEXT PRIMARY KEY, account TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, opened_at INTEGER NOT NULL,
    initial_quantity TEXT NOT NULL, grown_quantity TEXT NOT NULL, quantity TEXT NOT NULL, entry_price TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE growths (
    position_id TEXT NOT NULL REFERENCES positions (position_id), growth_id TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (position_id, growth_id)
  ) WITHOUT ROWID;
  CREATE TABLE orders (
    client_order_id TEXT PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, position_id TEXT NOT NULL REFERENCES positions (position_id),
    symbol TEXT NOT NULL, quantity TEXT NOT NULL, position_before TEXT NOT NULL, placed_at INTEGER NOT NULL, done_at INTEGER NOT NULL,
    blackout INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE fills (
    client_order_id TEXT NOT NULL REFERENCES orders (client_order_id), number INTEGER NOT NULL, filled_at INTEGER NOT NULL,
    quantity TEXT NOT NULL, price TEXT NOT NULL, fee TEXT NOT NULL, position_after TEXT NOT NULL,
    PRIMARY KEY (client_order_id, number)
  ) WITHOUT ROWID;
`;

/** Opens the book's file, or creates it. Throws LOG_UNREADABLE for any other file. */
export function openPaperDatabase(path: string): SqliteFile {
  if (path !== ':memory:') {
    onDisk(path, () => {
      makeDataFolder(dirname(path));
      closeToOthers(path);
    });
  }
  const database = new SqliteFile(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // In WAL mode, synchronous=FULL syncs at every commit: an acknowledged order survives a power failure.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    const version = createTables(database);
    if (version === FORMAT_VERSION) return database;
    const why = `it has format version ${version}, this program reads ${FORMAT_VERSION}`;
    throw new HarvestlineError('LOG_UNREADABLE', `paper exchange ${path}: ${why}`, { at: { file: path } });
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

function createTables(database: SqliteFile): number {
  return inTransaction(database, () => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version !== 0) return version;
    database.exec(`${TABLES} PRAGMA user_version = ${FORMAT_VERSION}`);
    return FORMAT_VERSION;
  });
}

/**
 * Runs `work` in one write transaction: all of it is durable on return, or none of it happened. Throws EXCHANGE_AWAY, without having done
 * anything, while other processes hold the write lock.
 */
export function inTransaction<T>(database: SqliteFile, work: () => T): T {
  try {
    return database.transaction(work);
  } catch (cause) {
    if (!(cause instanceof HarvestlineError) || cause.code !== 'LOG_BUSY') throw cause;
    throw new HarvestlineError('EXCHANGE_AWAY', `paper exchange: ${cause.message}`, { cause });
  }
}
