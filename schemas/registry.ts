/**
 * The schema registry: the port to one, registering this program's schemas, and asking for those of writers by their ids.
 */
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
  /** The subject's name for messages, where a registry that desks share has it under another one. */
  nameOf?(subject: string): string;
  /** The id under which exactly this schema is a version of `subject`. */
  idOf(subject: string, schema: string): Promise<number | null>;
  /** The text of the schema with that id; null for every GUID, too, where the registry has none. */
  schemaOf(id: SchemaId): Promise<string | null>;
  /** Every version of the subject, oldest first; none for a subject the registry does not know. */
  versions(subject: string): Promise<readonly SubjectVersion[]>;
  /** Registers the schema as a version of the subject, and returns its id. */
  register(subject: string, schema: string): Promise<number>;
}

/** Registers this program's schemas: an explicit act, which producing relies on and never does itself. */
export async function registerSchemas(registry: SchemaRegistry): Promise<void> {
  for (const topic of Object.values(TOPICS)) await registry.register(subjectOf(topic), schemaText(topic));
}

/** How long an unknown id waits until it is asked for again: doubled each time, up to the longest wait. Unit: milliseconds. */
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
 * SCH-17  "Not found" may pass: replicas of a registry differ for a while. An unknown id is asked for again, after a back-off
 *         of its own that spares the registry whatever many records name it; other ids do not wait for it.
 * SCH-18  There is one question at a time about an id, whoever asks.
 * SCH-19  A registry without an answer says nothing about an id: what it throws changes nothing here.
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

  /** Whether the registry is to be asked for the id now (SCH-17). */
  isDue(id: SchemaId): boolean {
    const unknown = this.#unknown.get(id);
    if (unknown === undefined) return true;
    const left = unknown.askAgainAt - this.#now();
    // Longer than any wait: the clock was set back.
    return left <= 0 || left > LONGEST_WAIT_MS;
  }

  /** The text of the schema with that id; null where the registry does not know it. Asks, due or not. */
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
