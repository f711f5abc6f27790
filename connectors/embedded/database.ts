import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { closeToOthers, makeDataFolder } from '../system/data-folder.ts';
import { onDisk } from '../system/disk-errors.ts';
import { SqliteFile } from '../system/sqlite-file.ts';
import type { Headers } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';

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

/** Tables on which everything else rests, and whose damage could pass for their being empty. They are small. */
const BASIC_TABLES = ['topics', 'partition_floors', 'committed_offsets', 'schemas', 'schema_versions'];

/** Up to this a file is checked whole when it is opened, which takes some 10 ms a MiB; of a larger one the basic tables. Unit: bytes. */
const SMALL_FILE = 2 * 1024 * 1024;

/** Opens the log's file for reading and writing, creating it where there is none. Throws as `checked` does. */
export function openDatabase(dataDir: string): SqliteFile {
  const path = logFile(dataDir);
  onDisk(path, () => {
    makeDataFolder(dataDir);
    closeToOthers(path);
  });
  return checked(path, {}, (database) => {
    // PORT-1: with WAL, synchronous=FULL syncs the file at every commit: what was acknowledged survives a power cut.
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
      `${path} does not exist: run \`npm start\` first, or name another folder with --data`,
      {
        at: { file: path },
      },
    );
  }
  return checked(path, { readOnly: true }, () => {});
}

/** Throws LOG_UNREADABLE for a file that is no log of this version, DATA_DAMAGED for one that is not what was written. */
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

/** A page of text that was overwritten is text to SQLite, until it is held against its index and its neighbours. */
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
 * Headers as one BLOB: for each header its name and value, each preceded by its length as a big-endian 32-bit integer;
 * length -1 is a null value. No headers at all are the empty BLOB.
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

/** Throws a RangeError where the bytes are not what `encodeHeaders` gives. Every turn takes bytes: it ends for any. */
export function decodeHeaders(blob: Uint8Array): Headers {
  if (blob.length === 0) return NONE;
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
