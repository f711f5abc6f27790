import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { closeToOthers, makeDataFolder, originOf } from '../../../connectors/system/data-folder.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { ProcessLock } from '../../../connectors/embedded/process-lock.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

function folderWith(mode: number, ...files: readonly string[]): string {
  const path = join(folderForTest(), 'data');
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), '', { mode: 0o644 });
  chmodSync(path, mode);
  return path;
}

describe.runIf(process.platform !== 'win32')('the data folder', () => {
  it('is made for its owner alone, with the folders above it', () => {
    const path = join(folderForTest(), 'above', 'data');
    makeDataFolder(path);
    expect([modeOf(path), modeOf(join(path, '..'))]).toEqual(['700', '700']);
  });

  it("is tightened where it is empty or this program has worked in it, not where it is somebody else's or everybody's", () => {
    const modes = [
      folderWith(0o755),
      folderWith(0o755, 'log.sqlite'),
      folderWith(0o755, 'thesis.doc'),
      folderWith(0o1777),
    ].map((path) => {
      makeDataFolder(path);
      return modeOf(path);
    });
    expect(modes).toEqual(['700', '700', '755', '1777']);
  });

  it('holds files of its owner alone, whatever the umask; wider ones are tightened, with what SQLite keeps beside them', () => {
    const earlier = process.umask(0);
    try {
      const data = folderWith(0o755);
      const log = EmbeddedLog.open(data, new SystemClock());
      const lock = ProcessLock.tryAcquire(data, 'a');
      const files = readdirSync(data, { recursive: true, encoding: 'utf8' });
      expect(files).toEqual(expect.arrayContaining(['log.sqlite', 'log.sqlite-wal', join('locks', 'a.lock')]));
      const wide = files.filter((file) => (statSync(join(data, file)).mode & 0o077) !== 0);
      expect(wide).toEqual([]);
      lock?.release();
      void log.close();
    } finally {
      process.umask(earlier);
    }
    const old = folderWith(0o755, 'log.sqlite', 'log.sqlite-wal');
    closeToOthers(join(old, 'log.sqlite'));
    expect([modeOf(join(old, 'log.sqlite')), modeOf(join(old, 'log.sqlite-wal'))]).toEqual(['600', '600']);
    expect(existsSync(join(old, 'log.sqlite-shm'))).toBe(false);
  });
});

const ORIGIN = 1_770_000_000_000;

describe('when the market of a desk began', () => {
  it('is when the desk was first started, however often it is started', () => {
    const folder = join(folderForTest(), 'data');
    expect(originOf(folder, 'desk', ORIGIN)).toBe(ORIGIN);
    expect(originOf(folder, 'desk', ORIGIN + 5000)).toBe(ORIGIN);
    expect(originOf(folder, 'another', ORIGIN + 5000)).toBe(ORIGIN + 5000);
  });

  it('refuses a file that says no such time', () => {
    const folder = folderForTest();
    writeFileSync(join(folder, 'desk.json'), '{"origin": "yesterday"}');
    expect(() => originOf(folder, 'desk', ORIGIN)).toThrow(expect.objectContaining({ code: 'LOG_UNREADABLE' }));
  });
});
