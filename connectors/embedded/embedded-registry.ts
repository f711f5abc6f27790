import { HarvestlineError, formatProblems } from '../../errors/harvestline-error.ts';
import type { AvroRecord } from '../../schemas/avro-schema.ts';
import type { SchemaRegistry, SubjectVersion } from '../../schemas/registry.ts';
import { compareForFullTransitive } from '../../schemas/tooling/compatibility.ts';
import type { SchemaId } from '../../schemas/wire-format.ts';
import type { SqliteFile } from '../system/sqlite-file.ts';

/**
 * The schema registry of the embedded log, in two tables of its file. Schema texts that are equal as normalised JSON share an id. Every
 * subject is FULL_TRANSITIVE: a schema that is incompatible with any version is refused with SCHEMAS_INCOMPATIBLE.
 */
export class EmbeddedRegistry implements SchemaRegistry {
  readonly #database: SqliteFile;

  constructor(database: SqliteFile) {
    this.#database = database;
  }

  idOf(subject: string, schema: string): Promise<number | null> {
    return Promise.resolve(this.#find(subject, normalise(schema)));
  }

  schemaOf(id: SchemaId): Promise<string | null> {
    const row = this.#database.prepare('SELECT text FROM schemas WHERE id = ?').get(id);
    return Promise.resolve(row === undefined ? null : String(row['text']));
  }

  versions(subject: string): Promise<readonly SubjectVersion[]> {
    return Promise.resolve(this.#versions(subject));
  }

  async register(subject: string, schema: string): Promise<number> {
    const text = normalise(schema);
    return (
      this.#find(subject, text) ??
      this.#database.transaction(() => {
        this.#refuseIncompatible(subject, text);
        this.#database.prepare('INSERT INTO schemas (text) VALUES (?) ON CONFLICT (text) DO NOTHING').run(text);
        const id = Number(this.#database.prepare('SELECT id FROM schemas WHERE text = ?').get(text)?.['id']);
        this.#database
          .prepare(
            `INSERT INTO schema_versions (subject, version, schema_id)
             SELECT ?, coalesce(max(version), 0) + 1, ? FROM schema_versions WHERE subject = ?
             ON CONFLICT (subject, schema_id) DO NOTHING`,
          )
          .run(subject, id, subject);
        return id;
      })
    );
  }

  #refuseIncompatible(subject: string, text: string): void {
    const versions = this.#versions(subject).map(({ version, schema }) => ({
      version,
      schema: JSON.parse(schema) as AvroRecord,
    }));
    const problems = compareForFullTransitive(JSON.parse(text) as AvroRecord, versions);
    if (problems.length > 0) {
      throw new HarvestlineError('SCHEMAS_INCOMPATIBLE', `${subject}: ${formatProblems(problems)}`, { problems });
    }
  }

  #versions(subject: string): readonly SubjectVersion[] {
    return this.#database
      .prepare(
        'SELECT v.version, s.id, s.text FROM schema_versions v JOIN schemas s ON s.id = v.schema_id WHERE v.subject = ? ORDER BY v.version',
      )
      .all(subject)
      .map((row) => ({ version: Number(row['version']), id: Number(row['id']), schema: String(row['text']) }));
  }

  #find(subject: string, text: string): number | null {
    const row = this.#database
      .prepare(
        'SELECT s.id FROM schema_versions v JOIN schemas s ON s.id = v.schema_id WHERE v.subject = ? AND s.text = ?',
      )
      .get(subject, text);
    return row === undefined ? null : Number(row['id']);
  }
}

function normalise(schema: string): string {
  return JSON.stringify(JSON.parse(schema));
}
