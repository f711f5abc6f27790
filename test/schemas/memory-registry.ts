import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { SchemaRegistry, SubjectVersion } from '../../schemas/registry.ts';
import { schemaText } from '../../schemas/load-schema.ts';
import { TOPICS, subjectOf } from '../../schemas/topics.ts';
import type { SchemaId } from '../../schemas/wire-format.ts';

/** A registry in memory that can be away, and counts how often it is asked for a schema. */
export class MemoryRegistry implements SchemaRegistry {
  away = false;
  schemaRequests = 0;
  /** GUID -> text. */
  readonly guids = new Map<string, string>();
  readonly #texts: string[] = [];
  readonly #subjects = new Map<string, Set<number>>();

  /** One that holds this program's schemas, as after an explicit registration. */
  static async withOwnSchemas(): Promise<MemoryRegistry> {
    const registry = new MemoryRegistry();
    for (const topic of Object.values(TOPICS)) {
      await registry.register(subjectOf(topic), schemaText(topic));
    }
    return registry;
  }

  get subjects(): readonly string[] {
    return [...this.#subjects.keys()];
  }

  async idOf(subject: string, schema: string): Promise<number | null> {
    this.#answer();
    const id = this.#texts.indexOf(schema) + 1;
    return this.#subjects.get(subject)?.has(id) ? id : null;
  }

  async schemaOf(id: SchemaId): Promise<string | null> {
    this.schemaRequests += 1;
    this.#answer();
    return typeof id === 'number' ? (this.#texts[id - 1] ?? null) : (this.guids.get(id) ?? null);
  }

  async versions(subject: string): Promise<readonly SubjectVersion[]> {
    this.#answer();
    return Array.from(this.#subjects.get(subject) ?? [], (id, index) => ({
      version: index + 1,
      id,
      schema: this.#texts[id - 1] ?? '',
    }));
  }

  async register(subject: string, schema: string): Promise<number> {
    this.#answer();
    if (!this.#texts.includes(schema)) this.#texts.push(schema);
    const id = this.#texts.indexOf(schema) + 1;
    this.#subjects.set(subject, (this.#subjects.get(subject) ?? new Set()).add(id));
    return id;
  }

  #answer(): void {
    if (this.away) throw new HarvestlineError('REGISTRY_AWAY', 'connection refused');
  }
}
