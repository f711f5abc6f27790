import { describe, expect, it } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { ProcessLock } from '../../../connectors/embedded/process-lock.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { LogRecord, OutgoingRecord } from '../../../ports/event-log.ts';
import { eventLogContract } from '../../event-log.contract.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';

eventLogContract('embedded', () => {
  const folder = temporaryFolder();
  const log = EmbeddedLog.open(folder.path, new SystemClock());
  const other = EmbeddedLog.open(folder.path, new SystemClock());
  return Promise.resolve({
    log,
    other,
    close: async () => {
      await log.close();
      await other.close();
      folder.remove();
    },
  });
});

const TOPIC = 'kept';
const DESK = { topics: [TOPIC], accounts: ['desk'] };

async function openWith(cleanup: 'delete' | 'compact', retentionMs: number | null): Promise<EmbeddedLog> {
  const log = EmbeddedLog.open(folderForTest(), new SystemClock());
  await log.createTopics([{ name: TOPIC, key: 'as received', partitions: 2, cleanup, retentionMs }]);
  return log;
}

function record(key: string, value: string | null, timestamp: number, partition = 0): OutgoingRecord {
  return {
    topic: TOPIC,
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp,
    partition,
  };
}

async function all(log: EmbeddedLog): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const batch of log.read(TOPIC)) found.push(...batch.records);
  return found;
}

describe('retention', () => {
  it('removes records before the first one within retention, and uses no offset twice', async () => {
    const log = await openWith('delete', 100);
    await log.append([
      record('desk:k', 'old', 0),
      record('desk:k', 'older than its follower', 10),
      record('desk:k', 'young', 150),
      record('desk:k', 'late', 20),
    ]);
    expect(log.applyRetention(200, DESK)).toBe(2);
    expect((await all(log)).map(({ offset }) => offset)).toEqual([2, 3]);
    expect(log.applyRetention(1000, DESK)).toBe(2);
    expect(await log.offsets(TOPIC)).toEqual([
      { partition: 0, begin: 4, end: 4 },
      { partition: 1, begin: 0, end: 0 },
    ]);
    await log.append([record('desk:k', 'new', 1000)]);
    expect((await all(log)).map(({ offset }) => offset)).toEqual([4]);
    await log.close();
  });

  it('keeps everything where retention is forever', async () => {
    const log = await openWith('delete', null);
    await log.append([record('desk:k', 'old', 0)]);
    expect(log.applyRetention(Number.MAX_SAFE_INTEGER, DESK)).toBe(0);
    await log.close();
  });

  it('compacts to the last record of each key in each partition, and keeps the end', async () => {
    const log = await openWith('compact', null);
    await log.append([
      record('desk:a', '1', 0),
      record('desk:b', '1', 0),
      record('desk:a', '2', 0),
      record('desk:a', 'other', 0, 1),
      record('desk:b', '2', 0),
      record('desk:a', '3', 0),
    ]);
    expect(log.applyRetention(0, DESK)).toBe(3);
    expect(
      (await all(log)).map(({ partition, offset, value }) => [partition, offset, Buffer.from(value ?? []).toString()]),
    ).toEqual([
      [0, 3, '2'],
      [0, 4, '3'],
      [1, 0, 'other'],
    ]);
    expect((await log.offsets(TOPIC))[0]).toMatchObject({ end: 5 });
    await log.close();
  });

  it('keeps records of other accounts, whatever their time, and records without an account in their key', async () => {
    for (const cleanup of ['delete', 'compact'] as const) {
      const log = await openWith(cleanup, 100);
      const keys = ['desk:k', 'desk-2:k', 'des', 'other:desk:k', 'desk'];
      await log.append(keys.flatMap((key) => [record(key, 'old', 0), record(key, 'old too', 1)]));
      await log.append([{ ...record('', 'no key', 0), key: null }, record('desk:k', 'young', 1000)]);
      expect(log.applyRetention(1000, DESK)).toBe(2);
      expect((await all(log)).map(({ key }) => key && Buffer.from(key).toString())).toEqual([
        ...keys.slice(1).flatMap((key) => [key, key]),
        null,
        'desk:k',
      ]);
      await log.close();
    }
  });

  it('a consumer that stopped for longer than retention continues with the oldest retained record', async () => {
    const log = await openWith('delete', 100);
    await log.append([record('desk:k', 'one', 0), record('desk:k', 'two', 500)]);
    log.applyRetention(500, DESK);
    const seen: number[] = [];
    const consumer = log.consumer({ group: 'late', topics: [TOPIC], from: 'beginning' }, (batch) => {
      seen.push(...batch.records.map(({ offset }) => offset));
      return Promise.resolve([]);
    });
    expect(await consumer.join()).toBe(true);
    await consumer.pump();
    expect(seen).toEqual([1]);
    await log.close();
  });
});

describe('a round of a consumer', () => {
  async function failing() {
    const log = await openWith('delete', null);
    await log.append([record('desk:a', 'good', 0), record('desk:b', 'bad', 0, 1)]);
    const consumer = log.consumer({ group: 'g', topics: [TOPIC], from: 'beginning' }, ({ partition }) =>
      partition === 0 ? Promise.resolve([]) : Promise.reject(new Error('the handler failed')),
    );
    await consumer.join();
    return { log, consumer };
  }

  it('commits the batches before one that fails', async () => {
    const { log, consumer } = await failing();
    await expect(consumer.pump()).rejects.toThrow('the handler failed');
    expect(await log.committed('g', TOPIC)).toEqual(new Map([[0, 1]]));
    await log.close();
  });

  it('throws what failed first, where the log does not take those either', async () => {
    const { log, consumer } = await failing();
    log.appendAndCommit = () => {
      throw new Error('the disk is full');
    };
    await expect(consumer.pump()).rejects.toThrow('the handler failed');
    expect(await log.committed('g', TOPIC)).toEqual(new Map());
    await log.close();
  });
});

describe('one file, several users', () => {
  it('PORT-4: a second member waits until the first has left', async () => {
    const log = await openWith('delete', null);
    const options = { group: 'g', topics: [TOPIC], from: 'beginning' } as const;
    const first = log.consumer(options, () => Promise.resolve([]));
    const second = log.consumer(options, () => Promise.resolve([]));
    expect(await first.join()).toBe(true);
    expect(await second.join()).toBe(false);
    await first.stop();
    expect(await second.join()).toBe(true);
    await log.close();
  });

  it('a lock is exclusive by name and free again after release', () => {
    const folder = folderForTest();
    const held = ProcessLock.tryAcquire(folder, 'dev');
    expect(held).not.toBeNull();
    expect(ProcessLock.tryAcquire(folder, 'dev')).toBeNull();
    const another = ProcessLock.tryAcquire(folder, 'other');
    expect(another).not.toBeNull();
    held?.release();
    const again = ProcessLock.tryAcquire(folder, 'dev');
    expect(again).not.toBeNull();
    again?.release();
    another?.release();
  });

  it('refuses a folder without a log, a file of another format, and an unknown topic, each by its code', async () => {
    const folder = folderForTest();
    expect(() => EmbeddedLog.openReadOnly(folder, new SystemClock())).toThrow(
      expect.objectContaining({ code: 'LOG_UNREADABLE' }),
    );
    const log = EmbeddedLog.open(folder, new SystemClock());
    await expect(log.append([record('desk:k', 'v', 0)])).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    log.database.exec('PRAGMA user_version = 99');
    await log.close();
    expect(() => EmbeddedLog.open(folder, new SystemClock())).toThrow(/format version 99/);
  });

  it('a record that another program inserted into the file counts: the end follows it', async () => {
    const log = await openWith('delete', null);
    await log.append([record('desk:k', 'ours', 0)]);
    log.database
      .prepare(
        'INSERT INTO records (topic, partition, offset, timestamp, key, value, headers) VALUES (?, 0, 1, 0, NULL, ?, NULL)',
      )
      .run(TOPIC, Buffer.from('theirs'));
    await log.append([record('desk:k', 'ours again', 0)]);
    expect((await all(log)).map(({ offset }) => offset)).toEqual([0, 1, 2]);
    await log.close();
  });
});

describe('a record that no program of ours wrote', () => {
  it.each([
    ['a header of a length that goes back', "headers = x'FFFFFFFC'", 'a header has the length -4'],
    ['headers that are text', "headers = 'a'", 'its columns are not of the types that they were written with'],
    ['a key that is text', "key = 'a'", 'its columns are not of the types that they were written with'],
  ])('%s is damage, with its place', async (_, change, why) => {
    const log = await openWith('delete', null);
    await log.append([record('a', '1', 0), record('a', '2', 0)]);
    log.database.exec(`UPDATE records SET ${change} WHERE offset = 1`);
    await expect(all(log)).rejects.toMatchObject({
      code: 'DATA_DAMAGED',
      at: { topic: TOPIC, partition: 0, offset: 1 },
      message: expect.stringMatching(new RegExp(`log.sqlite: kept\\[0\\]@1: ${why}$`)),
    });
    await log.close();
  });
});
