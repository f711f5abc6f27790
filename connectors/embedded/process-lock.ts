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

  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function openLockFile(dataDir: string, name: string): DatabaseSync {
  const folder = join(dataDir, 'locks');
  try {
    makeDataFolder(dataDir);
    makeDataFolder(folder);
    const path = join(folder, `${name}.lock`);
    closeToOthers(path);
    return new DatabaseSync(path, { timeout: 0 });
  } catch (cause) {
    throw new HarvestlineError('DATA_UNWRITABLE', `${dataDir}: ${messageOf(cause)}`, { at: { file: dataDir }, cause });
  }
}
