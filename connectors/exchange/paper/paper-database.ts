import { dirname } from 'node:path';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { closeToOthers, makeDataFolder } from '../../system/data-folder.ts';
import { onDisk } from '../../system/disk-errors.ts';
import { SqliteFile } from '../../system/sqlite-file.ts';

/** Bumped when the tables change; a file of another version is refused, never guessed at. */
const FORMAT_VERSION = 1;

/** How long one process waits for another's transaction, each of which takes a few milliseconds. Unit: milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** Quantities, prices and fees are decimal texts in plain notation; a flat position has the quantity '0'. */
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

/** Opens the venue's file, creating it where there is none. Throws LOG_UNREADABLE for a file of something else. */
export function openPaperDatabase(path: string): SqliteFile {
  if (path !== ':memory:') {
    onDisk(path, () => {
      makeDataFolder(dirname(path));
      closeToOthers(path);
    });
  }
  const database = new SqliteFile(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // With WAL, synchronous=FULL syncs the file at every commit: an order that was acknowledged survives a power cut.
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
 * Runs `work` in one write transaction: all of it is durable on return, or none of it happened. Throws EXCHANGE_AWAY
 * when other processes keep the write lock: then nothing was done.
 */
export function inTransaction<T>(database: SqliteFile, work: () => T): T {
  try {
    return database.transaction(work);
  } catch (cause) {
    if (!(cause instanceof HarvestlineError) || cause.code !== 'LOG_BUSY') throw cause;
    throw new HarvestlineError('EXCHANGE_AWAY', `paper exchange: ${cause.message}`, { cause });
  }
}
