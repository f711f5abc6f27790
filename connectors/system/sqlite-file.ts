import { DatabaseSync, type DatabaseSyncOptions, type StatementSync } from 'node:sqlite';
import { diskError } from './disk-errors.ts';

/** A SQLite database of this program. Errors of every statement are translated by `diskError`. */
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
      return this.#translated(super.prepare(sql));
    } catch (thrown) {
      throw diskError(this.path, thrown);
    }
  }

  /**
   * Runs `work` in one write transaction: all of it is durable on return, or none of it happened. Throws LOG_BUSY, without having done
   * anything, while other processes hold the write lock.
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

  /** The first error is the one to report. If rolling back fails as well, closing the file undoes the transaction. */
  #rollBack(): void {
    try {
      if (this.isTransaction) super.exec('ROLLBACK');
    } catch {
      // See above.
    }
  }

  /** The statement, with the errors of its calls translated. */
  #translated(statement: StatementSync): StatementSync {
    for (const name of ['run', 'get', 'all'] as const) {
      const call = statement[name].bind(statement) as (...parameters: unknown[]) => never;
      const translated = (...parameters: unknown[]): never => {
        try {
          return call(...parameters);
        } catch (thrown) {
          throw diskError(this.path, thrown);
        }
      };
      Object.defineProperty(statement, name, { value: translated });
    }
    return statement;
  }
}
