import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isKind } from '../../errors/harvestline-error.ts';
import { closeToOthers, makeDataFolder } from '../system/data-folder.ts';
import { onDisk } from '../system/disk-errors.ts';
import { SqliteFile } from '../system/sqlite-file.ts';

/**
 * A named lock in a data folder. It is SQLite's own file lock, which the operating system releases however the process ends, so that there are
 * no stale lock files.
 */
export class ProcessLock {
  readonly #database: SqliteFile;

  private constructor(database: SqliteFile) {
    this.#database = database;
  }

  /** Null where another process, or another part of this one, holds the lock. Throws DATA_UNWRITABLE where the folder cannot be made. */
  static tryAcquire(dataDir: string, name: string): ProcessLock | null {
    const database = openLockFile(dataDir, name);
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
      return new ProcessLock(database);
    } catch (cause) {
      database.close();
      if (isKind(cause, 'transient')) return null;
      throw cause;
    }
  }

  /** True where somebody holds the lock. Takes no lock, and makes no file. */
  static isHeld(dataDir: string, name: string): boolean {
    const path = lockFile(dataDir, name);
    if (!existsSync(path)) return false;
    const database = new SqliteFile(path, { timeout: 0, readOnly: true });
    try {
      database.exec('SELECT count(*) FROM sqlite_schema');
      return false;
    } catch (cause) {
      if (isKind(cause, 'transient')) return true;
      throw cause;
    } finally {
      database.close();
    }
  }

  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

const FOLDER = 'locks';

function lockFile(dataDir: string, name: string): string {
  return join(dataDir, FOLDER, `${name}.lock`);
}

function openLockFile(dataDir: string, name: string): SqliteFile {
  const path = lockFile(dataDir, name);
  onDisk(path, () => {
    makeDataFolder(dataDir);
    makeDataFolder(join(dataDir, FOLDER));
    closeToOthers(path);
  });
  return new SqliteFile(path, { timeout: 0 });
}
