import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './database.ts';

/** Named texts kept beside the log, such as the options a data folder was begun with. */
export class Properties {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM properties WHERE name = ?').get(name);
    return row === undefined ? undefined : String(row['value']);
  }

  /** Keeps `value` unless the name has one already; returns what is kept. */
  keepFirst(name: string, value: string): string {
    return transaction(this.#database, () => {
      this.#database
        .prepare('INSERT INTO properties (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING')
        .run(name, value);
      return this.get(name) ?? value;
    });
  }
}
