import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { closeToOthers, makeDataFolder } from '../system/data-folder.ts';

/**
 * A named lock in a data folder that dies with its holder: SQLite's own file lock, which the operating system releases
 * however the process ends, so that no stale lock file ever has to be judged.
 */
export class ProcessLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Null when another process, or another part of this one, holds it. Throws DATA_UNWRITABLE where there can be no folder. */
  static tryAcquire(dataDir: string, name: string): ProcessLock | null {
    const database = openLockFile(dataDir, name);
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
      return new ProcessLock(database);
    } catch (cause) {
      database.close();
      if (messageOf(cause).includes('locked')) return null;
      throw cause;
    }
  }

  /** Whether somebody holds it now. Takes nothing, and makes no file. */
  static isHeld(dataDir: string, name: string): boolean {
    const path = lockFile(dataDir, name);
    if (!existsSync(path)) return false;
    const database = new DatabaseSync(path, { timeout: 0, readOnly: true });
    try {
      database.exec('SELECT count(*) FROM sqlite_schema');
      return false;
    } catch (cause) {
      if (messageOf(cause).includes('locked')) return true;
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

function openLockFile(dataDir: string, name: string): DatabaseSync {
  try {
    makeDataFolder(dataDir);
    makeDataFolder(join(dataDir, FOLDER));
    const path = lockFile(dataDir, name);
    closeToOthers(path);
    return new DatabaseSync(path, { timeout: 0 });
  } catch (cause) {
    throw new HarvestlineError('DATA_UNWRITABLE', `${dataDir}: ${messageOf(cause)}`, { at: { file: dataDir }, cause });
  }
}
