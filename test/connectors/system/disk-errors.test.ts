import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskError, onDisk, onDiskAsync } from '../../../connectors/system/disk-errors.ts';
import { SqliteFile } from '../../../connectors/system/sqlite-file.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { thrownBy } from '../../fixtures/thrown-by.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: no`), { code, syscall: 'write' });
const sqliteError = (errcode: number, message = 'no'): Error =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });

describe('trouble of the disk', () => {
  it.each([
    [systemError('ENOSPC'), 'DISK_FULL'],
    [systemError('EDQUOT'), 'DISK_FULL'],
    [systemError('EACCES'), 'DATA_UNWRITABLE'],
    [systemError('EPERM'), 'DATA_UNWRITABLE'],
    [systemError('EROFS'), 'DATA_UNWRITABLE'],
    [systemError('ENOENT'), 'DATA_UNWRITABLE'],
    [systemError('EIO'), 'DISK_FAILED'],
    [sqliteError(5), 'LOG_BUSY'],
    // Extended codes: outdated snapshot, read-only folder, failed write.
    [sqliteError(517), 'LOG_BUSY'],
    [sqliteError(1544), 'DATA_UNWRITABLE'],
    [sqliteError(778), 'DISK_FAILED'],
    [sqliteError(11), 'DATA_DAMAGED'],
    [sqliteError(267), 'DATA_DAMAGED'],
    [sqliteError(13), 'DISK_FULL'],
    [sqliteError(14), 'DISK_FAILED'],
    [sqliteError(1, 'no such table: records'), 'LOG_UNREADABLE'],
  ])('%j is %s, of that file', (error, code) => {
    const file = join(folderForTest(), 'log.sqlite');
    expect(diskError(file, error)).toMatchObject({
      code,
      message: `${file}: ${error.message}`,
      at: { file },
      cause: error,
    });
  });

  it('is nothing else: not a bug, a network, or what has a code already', () => {
    const others = [
      new TypeError('bug'),
      systemError('ECONNREFUSED'),
      sqliteError(1, 'near "SELEC": syntax error'),
      sqliteError(19, 'UNIQUE constraint failed'),
      new HarvestlineError('USAGE', 'no'),
      'text',
    ];
    for (const other of others) expect(diskError('f', other)).toBe(other);
  });

  it('a file that is none of SQLite is damaged where it is whole pages, else of something else', () => {
    const file = join(folderForTest(), 'a.sqlite');
    for (const [bytes, code] of [
      [4096, 'DATA_DAMAGED'],
      [4000, 'LOG_UNREADABLE'],
    ] as const) {
      writeFileSync(file, 'x'.repeat(bytes));
      const database = new SqliteFile(file, {});
      expect(thrownBy(() => database.exec('PRAGMA user_version = 1'))).toMatchObject({ code });
      expect(thrownBy(() => database.prepare('SELECT * FROM sqlite_schema').all())).toMatchObject({ code });
      database.close();
    }
  });

  it('comes of work that waits, too', async () => {
    const missing = join(folderForTest(), 'none', 'file');
    expect(thrownBy(() => onDisk(missing, () => writeFileSync(missing, '')))).toMatchObject({
      code: 'DATA_UNWRITABLE',
    });
    await expect(onDiskAsync('f', () => Promise.reject(systemError('ENOSPC')))).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(onDisk('f', () => 7)).toBe(7);
    expect(await onDiskAsync('f', () => Promise.resolve(7))).toBe(7);
  });
});

describe('a SQLite file', () => {
  it('that is a folder, or lies in none, is refused by its name', () => {
    const folder = folderForTest();
    mkdirSync(join(folder, 'folder'));
    for (const path of [join(folder, 'folder'), join(folder, 'none', 'a.sqlite')]) {
      expect(thrownBy(() => new SqliteFile(path, {}))).toMatchObject({
        code: expect.stringMatching(/^(DATA_UNWRITABLE|DISK_FAILED)$/),
        at: { file: path },
      });
    }
  });

  it('that is opened for reading takes no record', () => {
    const file = join(folderForTest(), 'a.sqlite');
    const database = new SqliteFile(file, {});
    database.exec('CREATE TABLE t (a)');
    database.close();
    const reader = new SqliteFile(file, { readOnly: true });
    expect(thrownBy(() => reader.prepare('INSERT INTO t VALUES (1)').run())).toMatchObject({ code: 'DATA_UNWRITABLE' });
    expect(thrownBy(() => reader.exec('DROP TABLE t'))).toMatchObject({ code: 'DATA_UNWRITABLE' });
    reader.close();
  });

  it('that is full says so, and nothing of the transaction is in it; with room it goes on', () => {
    const database = new SqliteFile(':memory:', {});
    database.exec('CREATE TABLE t (a); PRAGMA max_page_count = 4');
    const insert = database.prepare('INSERT INTO t VALUES (?)');
    const fill = (): void => {
      for (let row = 0; row < 100; row++) insert.run(Buffer.alloc(1000));
    };
    expect(thrownBy(() => database.transaction(fill))).toMatchObject({ code: 'DISK_FULL' });
    expect(database.isTransaction).toBe(false);
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 });
    database.exec('PRAGMA max_page_count = 1000');
    database.transaction(fill);
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 100 });
    database.close();
  });

  it('that another process writes to is busy, which passes', () => {
    const file = join(folderForTest(), 'a.sqlite');
    const [one, other] = [new SqliteFile(file, { timeout: 0 }), new SqliteFile(file, { timeout: 0 })];
    one.transaction(() => {
      expect(thrownBy(() => other.transaction(() => {}))).toMatchObject({ code: 'LOG_BUSY', kind: 'transient' });
    });
    expect(other.transaction(() => 1)).toBe(1);
    for (const database of [one, other]) database.close();
  });
});
