import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { closeToOthers, makeDataFolder } from '../system/data-folder.ts';

/** Bumped when the tables change; a file of another version is refused, never guessed at. */
const FORMAT_VERSION = 1;

/** How long a writer waits for another process's transaction before it reports LOG_BUSY. Unit: milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * One row a record, in log order; key, value (wire format) and headers are BLOBs. `partition_floors` remembers where a
 * partition ended once retention or compaction has deleted its last record, so that no offset is ever given twice.
 */
const TABLES = `
  CREATE TABLE topics (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, cleanup TEXT NOT NULL, retention_ms INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE records (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    key BLOB, value BLOB, headers BLOB,
    PRIMARY KEY (topic, partition, offset)
  ) WITHOUT ROWID;
  CREATE TABLE partition_floors (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, end_offset INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE committed_offsets (
    consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE schemas (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
  CREATE TABLE schema_versions (
    subject TEXT NOT NULL, version INTEGER NOT NULL, schema_id INTEGER NOT NULL REFERENCES schemas (id),
    PRIMARY KEY (subject, version), UNIQUE (subject, schema_id)
  ) WITHOUT ROWID;
`;

/** The embedded log's file in a data folder. */
export function logFile(dataDir: string): string {
  return join(dataDir, 'log.sqlite');
}

/** Opens the log's file for reading and writing, creating it where there is none. */
export function openDatabase(dataDir: string): DatabaseSync {
  const path = logFile(dataDir);
  makeDataFolder(dataDir);
  return checked(path, () => {
    closeToOthers(path);
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // L1: with WAL, synchronous=FULL syncs the file at every commit: what was acknowledged survives a power cut.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    transaction(database, () => {
      if (versionOf(database) === 0) database.exec(`${TABLES} PRAGMA user_version = ${FORMAT_VERSION}`);
    });
    return database;
  });
}

/** Opens an existing file for reading only. Throws LOG_UNREADABLE where there is none. */
export function openDatabaseReadOnly(dataDir: string): DatabaseSync {
  const path = logFile(dataDir);
  if (!existsSync(path)) {
    throw new HarvestlineError(
      'LOG_UNREADABLE',
      `${path} does not exist: run \`npm start\` first, or name another folder with --data`,
      {
        at: { file: path },
      },
    );
  }
  return checked(path, () => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true }));
}

function checked(path: string, open: () => DatabaseSync): DatabaseSync {
  let database: DatabaseSync;
  try {
    database = open();
    if (versionOf(database) === FORMAT_VERSION) return database;
  } catch (cause) {
    throw new HarvestlineError('LOG_UNREADABLE', `${path}: ${messageOf(cause)}`, { at: { file: path }, cause });
  }
  const version = versionOf(database);
  database.close();
  throw new HarvestlineError(
    'LOG_UNREADABLE',
    `${path} has format version ${version}, this program reads ${FORMAT_VERSION}`,
    { at: { file: path } },
  );
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Runs `work` in one write transaction: all of it is durable on return, or none of it happened. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE');
  } catch (cause) {
    throw new HarvestlineError('LOG_BUSY', `no write lock within ${BUSY_TIMEOUT_MS} ms: ${messageOf(cause)}`, {
      cause,
    });
  }
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}
