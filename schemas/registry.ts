import type { SchemaId } from './wire-format.ts';
import { schemaText, TOPICS, subjectOf } from './topics.ts';

/** One version of a subject. */
export interface SubjectVersion {
  /** 1, 2, 3 …; a deleted version leaves a gap. */
  readonly version: number;
  /** The registry's id of the schema text. */
  readonly id: number;
  /** The schema as the registry words it: equal in meaning to what was registered, not always in text. */
  readonly schema: string;
}

/**
 * A schema registry as the codec needs it. Ids are Confluent's: one id a schema text, unique in the registry.
 * Every method throws REGISTRY_AWAY (transient) when there is no answer; `null` is a definite no.
 */
export interface SchemaRegistry {
  /** What messages call the subject, where the registry that desks share has it under another name. */
  nameOf?(subject: string): string;
  /** The id under which exactly this schema is a version of `subject`. */
  idOf(subject: string, schema: string): Promise<number | null>;
  /** The text of the schema with that id; null for every GUID, too, where the registry has none. */
  schemaOf(id: SchemaId): Promise<string | null>;
  /** Every version of the subject, oldest first; none for a subject the registry does not know. */
  versions(subject: string): Promise<readonly SubjectVersion[]>;
  /** Makes the schema a version of the subject; an explicit act, never part of producing. Returns its id. */
  register(subject: string, schema: string): Promise<number>;
}

/** Makes this program's schemas versions of their subjects: the explicit act that producing relies on. */
export async function registerSchemas(registry: SchemaRegistry): Promise<void> {
  for (const topic of Object.values(TOPICS)) await registry.register(subjectOf(topic), schemaText(topic));
}

/** How long an id that the registry does not know is not asked for again: doubled each time, up to the longest. Unit: milliseconds. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** A producer of made-up ids must not fill the memory: the oldest are forgotten, and asked for again. Unit: ids. */
const MOST_UNKNOWN = 10_000;

interface Unknown {
  readonly wait: number;
  readonly askAgainAt: number;
}

/**
 * The schemas of writers, asked of the registry by their id. Invariants:
 *
 * SCH-17  "Not found" is no last word: replicas of a registry differ for a while. An unknown id is asked for again, after a back-off
 *         of its own that spares the registry whatever many records name it; other ids do not wait for it.
 * SCH-18  Of an id there is one question at a time, whoever asks.
 * SCH-19  No answer says nothing of an id: what the registry throws changes nothing here.
 */
export class WriterSchemas {
  readonly #registry: SchemaRegistry;
  readonly #now: () => number;
  readonly #unknown = new Map<SchemaId, Unknown>();
  readonly #asking = new Map<SchemaId, Promise<string | null>>();

  /** `now` in milliseconds; where time stands still, an unknown id is asked for once. */
  constructor(registry: SchemaRegistry, now: () => number) {
    this.#registry = registry;
    this.#now = now;
  }

  /** Whether the registry is to be asked for it now (SCH-17). */
  isDue(id: SchemaId): boolean {
    const unknown = this.#unknown.get(id);
    if (unknown === undefined) return true;
    const left = unknown.askAgainAt - this.#now();
    // Longer than any wait: the clock was set back.
    return left <= 0 || left > LONGEST_WAIT_MS;
  }

  /** Its text; null where the registry does not know it. Asks, due or not. */
  textOf(id: SchemaId): Promise<string | null> {
    const under = this.#asking.get(id);
    if (under !== undefined) return under;
    const asking = this.#ask(id).finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return asking;
  }

  async #ask(id: SchemaId): Promise<string | null> {
    const text = await this.#registry.schemaOf(id);
    const before = this.#unknown.get(id);
    this.#unknown.delete(id);
    if (text !== null) return text;
    const wait = before === undefined ? FIRST_WAIT_MS : Math.min(2 * before.wait, LONGEST_WAIT_MS);
    this.#unknown.set(id, { wait, askAgainAt: this.#now() + wait });
    if (this.#unknown.size > MOST_UNKNOWN) {
      for (const oldest of this.#unknown.keys()) {
        this.#unknown.delete(oldest);
        break;
      }
    }
    return null;
  }
}
