import type { SchemaRegistry } from './registry.ts';
import type { SchemaId } from './wire-format.ts';

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
 * WS1  "Not found" is no last word: replicas of a registry differ for a while. An unknown id is asked for again, after a back-off
 *      of its own that spares the registry whatever many records name it; other ids do not wait for it.
 * WS2  Of an id there is one question at a time, whoever asks.
 * WS3  No answer says nothing of an id: what the registry throws changes nothing here.
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

  /** Whether the registry is to be asked for it now (WS1). */
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
