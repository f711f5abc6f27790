import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../errors/harvestline-error.ts';

/**
 * A named lock in a data folder that dies with its holder: SQLite's own file lock, which the operating system releases
 * however the process ends, so that no stale lock file ever has to be judged.
 */
export class ProcessLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Null when another process, or another part of this one, holds it. */
  static tryAcquire(dataDir: string, name: string): ProcessLock | null {
    const folder = join(dataDir, 'locks');
    mkdirSync(folder, { recursive: true });
    const database = new DatabaseSync(join(folder, `${name}.lock`), { timeout: 0 });
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
