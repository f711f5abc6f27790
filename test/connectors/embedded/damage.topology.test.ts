import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logFile } from '../../../connectors/embedded/database.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { ProcessLock } from '../../../connectors/embedded/process-lock.ts';
import { openPaperDatabase } from '../../../connectors/exchange/paper/paper-book.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const PAGE_BYTES = 4096;
const TOPIC = TOPICS.positionSnapshot.name;
const RECORDS = 300;

/** A log with schemas and records; some longer than a page. */
async function aLog(): Promise<string> {
  const folder = folderForTest();
  const log = EmbeddedLog.open(folder, new SystemClock());
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const codec = await RecordCodec.open(log.registry);
  const records = Array.from({ length: RECORDS }, (_, at) => {
    const r_history = Array.from({ length: at % 50 === 0 ? 1000 : 3 }, () => 1.5);
    const value = codec.encode(TOPIC, { ...aSnapshot(), r_history });
    return { topic: TOPIC, key: Buffer.from(`k${at}`), value, timestamp: at };
  });
  await log.append(records);
  await log.close();
  return folder;
}

/** What a reader gets: the whole log as text, or the code of its error. */
async function read(folder: string): Promise<string> {
  let log: EmbeddedLog | undefined;
  try {
    log = EmbeddedLog.open(folder, new SystemClock());
    await RecordCodec.open(log.registry);
    const found: string[] = [];
    for await (const { records } of log.read(TOPIC))
      found.push(...records.map(({ offset, value }) => `${offset} ${Buffer.from(value ?? []).toString('base64')}`));
    return found.join('\n');
  } catch (thrown) {
    if (!(thrown instanceof HarvestlineError)) throw thrown;
    expect(thrown.message).toContain(logFile(folder));
    return thrown.code;
  } finally {
    await log?.close();
  }
}

describe('a damaged log', () => {
  it('any overwritten page is DATA_DAMAGED, and never read as something else', async () => {
    const whole = await aLog();
    const intact = await read(whole);
    const pages = statSync(logFile(whole)).size / PAGE_BYTES;
    expect(pages).toBeGreaterThan(60);
    const codes = new Map<string, number>();
    for (let page = 0; page < pages; page++) {
      const folder = folderForTest();
      copyFileSync(logFile(whole), logFile(folder));
      const bytes = readFileSync(logFile(folder));
      bytes.fill(0xff, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      writeFileSync(logFile(folder), bytes);
      const found = await read(folder);
      codes.set(found === intact ? 'intact' : found, (codes.get(found === intact ? 'intact' : found) ?? 0) + 1);
    }
    expect(Object.fromEntries(codes)).toEqual({ DATA_DAMAGED: pages });
  });

  it('a missing end is DATA_DAMAGED, too', async () => {
    const folder = await aLog();
    truncateSync(logFile(folder), 20 * PAGE_BYTES);
    expect(await read(folder)).toBe('DATA_DAMAGED');
  });
});

describe('a full disk', () => {
  it('an append that does not fit leaves nothing on the log, and acknowledged records stay', async () => {
    const folder = await aLog();
    const log = EmbeddedLog.open(folder, new SystemClock());
    const pages = statSync(logFile(folder)).size / PAGE_BYTES;
    log.database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const record = { topic: TOPIC, key: null, value: Buffer.alloc(1000), timestamp: 0 };
    const batch = Array.from({ length: 100 }, () => record);
    const commits = [{ group: 'g', topic: TOPIC, partition: 0, offset: 7 }];
    expect(() => log.appendAndCommit(batch, commits)).toThrow(
      expect.objectContaining({ code: 'DISK_FULL', kind: 'invariant', at: { file: logFile(folder) } }),
    );
    expect(log.count(TOPIC)).toBe(RECORDS);
    expect(await log.committed('g', TOPIC)).toEqual(new Map());
    await log.append([record]);
    expect(log.count(TOPIC)).toBe(RECORDS + 1);
    await log.close();
  });
});

describe('other files of ours', () => {
  it('a damaged book of the paper exchange and a damaged lock are reported', () => {
    const folder = folderForTest();
    const book = join(folder, 'paper-exchange.sqlite');
    openPaperDatabase(book).close();
    const bytes = readFileSync(book);
    writeFileSync(book, bytes.fill(0xff, PAGE_BYTES));
    expect(() => {
      const database = openPaperDatabase(book);
      database.prepare('SELECT * FROM orders').all();
    }).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED', at: { file: book } }));

    ProcessLock.tryAcquire(folder, 'dev')?.release();
    const lock = join(folder, 'locks', 'dev.lock');
    writeFileSync(lock, Buffer.alloc(PAGE_BYTES, 0xff));
    expect(() => ProcessLock.tryAcquire(folder, 'dev')).toThrow(
      expect.objectContaining({ code: 'DATA_DAMAGED', at: { file: lock } }),
    );
    expect(() => ProcessLock.isHeld(folder, 'dev')).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED' }));
  });

  it('a folder that is a file can hold no log', () => {
    const file = join(folderForTest(), 'file');
    writeFileSync(file, '');
    expect(() => EmbeddedLog.open(file, new SystemClock())).toThrow(
      expect.objectContaining({ code: 'DATA_UNWRITABLE', at: { file: logFile(file) } }),
    );
  });
});
