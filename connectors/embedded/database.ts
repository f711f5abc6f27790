/** The embedded log's SQLite file: where it is, its tables, its integrity, and the form of a headers column. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { StatementSync } from 'node:sqlite';
import { programName } from '../../errors/program-name.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Headers } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';
import { closeToOthers, makeDataFolder } from '../system/data-folder.ts';
import { onDisk } from '../system/disk-errors.ts';
import { SqliteFile } from '../system/sqlite-file.ts';

/** Increased when the tables change. A file of another version is refused. */
const FORMAT_VERSION = 1;

/** How long a writer waits for the transaction of another process before LOG_BUSY. Unit: milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * One row for each record, in log order. Key, value (wire format) and headers are BLOBs. `partition_floors` keeps the end of a partition
 * whose last records were deleted by retention or compaction, so that no offset is used twice.
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

/** The path of the log's file in a data folder. */
export function logFile(dataDir: string): string {
  return join(dataDir, 'log.sqlite');
}

/** Small tables that are always checked: damage to them could look like an empty table. */
const BASIC_TABLES = ['topics', 'partition_floors', 'committed_offsets', 'schemas', 'schema_versions'];

/** A file up to this size is checked as a whole when it is opened, at about 10 ms a MiB. Of a larger one the basic tables are. Unit: bytes. */
const SMALL_FILE = 2 * 1024 * 1024;

/** Opens the log's file for reading and writing, creating it where there is none. Throws as `checked` does. */
export function openDatabase(dataDir: string): SqliteFile {
  const path = logFile(dataDir);
  onDisk(path, () => {
    makeDataFolder(dataDir);
    closeToOthers(path);
  });
  return checked(path, {}, (database) => {
    // PORT-1: with WAL, synchronous=FULL syncs the file at every commit, so that acknowledged records survive a power cut.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.transaction(() => {
      if (versionOf(database) === 0) database.exec(`${TABLES} PRAGMA user_version = ${FORMAT_VERSION}`);
    });
  });
}

/** Opens an existing file for reading only. Throws as `checked` does, LOG_UNREADABLE where there is none. */
export function openDatabaseReadOnly(dataDir: string): SqliteFile {
  const path = logFile(dataDir);
  if (!existsSync(path)) {
    throw new HarvestlineError(
      'LOG_UNREADABLE',
      `${path} does not exist: run \`${programName()} dev\` first, or name another folder with --data`,
      {
        at: { file: path },
      },
    );
  }
  return checked(path, { readOnly: true }, () => {});
}

/** Opens and checks the file. Throws LOG_UNREADABLE where it is no log of this version, DATA_DAMAGED where it is damaged. */
function checked(path: string, options: { readOnly?: boolean }, prepare: (database: SqliteFile) => void): SqliteFile {
  const database = new SqliteFile(path, { timeout: BUSY_TIMEOUT_MS, ...options });
  try {
    prepare(database);
    const version = versionOf(database);
    if (version !== FORMAT_VERSION) {
      throw new HarvestlineError(
        'LOG_UNREADABLE',
        `${path} has format version ${version}, this program reads ${FORMAT_VERSION}`,
        { at: { file: path } },
      );
    }
    if (statSync(path).size <= SMALL_FILE) checkIntegrity(database, '');
    else for (const table of BASIC_TABLES) checkIntegrity(database, `(${table})`);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** SQLite's integrity check, which compares rows with their index: reading alone would accept an overwritten page of text. */
function checkIntegrity(database: SqliteFile, part: string): void {
  const [found] = database.prepare(`PRAGMA integrity_check${part}`).all();
  const why = String(found?.['integrity_check']);
  if (why === 'ok') return;
  const { path } = database;
  throw new HarvestlineError('DATA_DAMAGED', `${path}: is damaged: ${why.replaceAll(/[\s*]+/g, ' ').trim()}`, {
    at: { file: path },
  });
}

function versionOf(database: SqliteFile): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/**
 * Headers as one BLOB: for each header its name and value, each preceded by its length as a big-endian 32-bit integer. The length of a null
 * value is -1. The empty BLOB has no headers.
 */
const NULL_LENGTH = -1;
const LENGTH_BYTES = 4;
const NONE: Headers = [];

export function encodeHeaders(headers: Headers): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of headers) {
    const nameBytes = Buffer.from(name);
    parts.push(lengthPrefix(nameBytes.length), nameBytes, lengthPrefix(value?.length ?? NULL_LENGTH));
    if (value !== null) parts.push(value);
  }
  return Buffer.concat(parts);
}

/** Throws a RangeError where the bytes are not an output of `encodeHeaders`. Ends for any bytes, because every iteration consumes some. */
export function decodeHeaders(blob: Uint8Array | null): Headers {
  if (blob === null || blob.length === 0) return NONE;
  const buffer = bufferOf(blob);
  const headers: [string, Uint8Array | null][] = [];
  let position = 0;
  const next = (): Buffer | null => {
    const length = buffer.readInt32BE(position);
    position += LENGTH_BYTES;
    if (length === NULL_LENGTH) return null;
    if (length < 0 || length > buffer.length - position) throw new RangeError(`a header has the length ${length}`);
    position += length;
    return buffer.subarray(position - length, position);
  };
  while (position < buffer.length) {
    const name = next();
    if (name === null) throw new RangeError('a header has no name');
    headers.push([name.toString('utf8'), next()]);
  }
  return headers;
}

function lengthPrefix(length: number): Buffer {
  const prefix = Buffer.alloc(LENGTH_BYTES);
  prefix.writeInt32BE(length);
  return prefix;
}

/** Offset, timestamp, key, value and headers: as an array, which is made in two thirds of the time that an object takes. */
export type Row = readonly [number, number, Uint8Array | null, Uint8Array | null, Uint8Array | null];

export type Statements = Record<
  | 'insert'
  | 'fetch'
  | 'beginOffset'
  | 'endOffset'
  | 'lastTimestamp'
  | 'offsetAt'
  | 'partitions'
  | 'committed'
  | 'commit'
  | 'count',
  StatementSync
>;

/** The statements of the log, prepared once. */
export function prepareStatements(database: SqliteFile): Statements {
  const statements: Statements = {
    insert: database.prepare(
      'INSERT INTO records (topic, partition, offset, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    fetch: database.prepare(
      `SELECT offset, timestamp, key, value, headers FROM records
       WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ? ORDER BY offset LIMIT ?`,
    ),
    beginOffset: database.prepare('SELECT min(offset) AS offset FROM records WHERE topic = ? AND partition = ?'),
    endOffset: database.prepare(
      `SELECT max(
         coalesce((SELECT max(offset) + 1 FROM records WHERE topic = ? AND partition = ?), 0),
         coalesce((SELECT end_offset FROM partition_floors WHERE topic = ? AND partition = ?), 0)
       ) AS end_offset`,
    ),
    offsetAt: database.prepare(
      'SELECT offset FROM records WHERE topic = ? AND partition = ? AND timestamp >= ? ORDER BY offset LIMIT 1',
    ),
    lastTimestamp: database.prepare(
      'SELECT timestamp FROM records WHERE topic = ? AND partition = ? ORDER BY offset DESC LIMIT 1',
    ),
    partitions: database.prepare('SELECT partitions FROM topics WHERE name = ?'),
    committed: database.prepare(
      'SELECT partition, offset FROM committed_offsets WHERE consumer_group = ? AND topic = ?',
    ),
    commit: database.prepare(
      `INSERT INTO committed_offsets (consumer_group, topic, partition, offset) VALUES (?, ?, ?, ?)
       ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET offset = excluded.offset`,
    ),
    count: database.prepare('SELECT count(*) AS n FROM records WHERE topic = ?'),
  };
  statements.fetch.setReturnArrays(true);
  return statements;
}
