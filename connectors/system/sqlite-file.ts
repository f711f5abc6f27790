import { DatabaseSync, type DatabaseSyncOptions, type StatementSync } from 'node:sqlite';
import { diskError } from './disk-errors.ts';

/** A SQLite file of this program: whatever goes wrong with it is told as `diskError` does, by every statement. */
export class SqliteFile extends DatabaseSync {
  readonly path: string;

  constructor(path: string, options: DatabaseSyncOptions) {
    try {
      super(path, options);
    } catch (thrown) {
      throw diskError(path, thrown);
    }
    this.path = path;
  }

  override exec(sql: string): void {
    try {
      super.exec(sql);
    } catch (thrown) {
      throw diskError(this.path, thrown);
    }
  }

  override prepare(sql: string): StatementSync {
    try {
      return this.#told(super.prepare(sql));
    } catch (thrown) {
      throw diskError(this.path, thrown);
    }
  }

  /**
   * Runs `work` in one write transaction: all of it is durable on return, or none of it happened. Throws LOG_BUSY when other
   * processes keep the write lock: then nothing was done.
   */
  transaction<T>(work: () => T): T {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (thrown) {
      this.#rollBack();
      throw thrown;
    }
  }

  /** What failed says why; where rolling back fails as well, closing the file undoes what was begun. */
  #rollBack(): void {
    try {
      if (this.isTransaction) super.exec('ROLLBACK');
    } catch {
      // See above.
    }
  }

  /** The same statement, whose calls tell of trouble as `diskError` does. */
  #told(statement: StatementSync): StatementSync {
    for (const name of ['run', 'get', 'all'] as const) {
      const call = statement[name].bind(statement) as (...parameters: unknown[]) => never;
      const told = (...parameters: unknown[]): never => {
        try {
          return call(...parameters);
        } catch (thrown) {
          throw diskError(this.path, thrown);
        }
      };
      Object.defineProperty(statement, name, { value: told });
    }
    return statement;
  }
}
