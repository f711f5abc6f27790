import type avsc from 'avsc';
import { HarvestlineError, type Problem, formatProblems, messageOf } from '../errors/harvestline-error.ts';
import type { AvroRecord } from './avro-schema.ts';
import { avroTypeOf } from './avro-type.ts';
import { bufferOf } from './buffer-of.ts';
import { compileCheck } from './check-record.ts';
import type { RecordByTopic } from './generated/records.ts';
import { loadSchema } from './load-schema.ts';
import { RECORD_RULES, type RecordRule } from './record-rules.ts';
import type { SchemaRegistry } from './registry.ts';
import { type Topic, type TopicName, TOPICS, subjectOf } from './topics.ts';
import { MAGIC_BYTE, WIRE_HEADER_BYTES, schemaIdOf } from './wire-format.ts';

/** First size of the encoding buffer, larger than nearly every record. It grows when one does not fit. Unit: bytes. */
const SCRATCH_BYTES = 64 * 1024;

/**
 * The largest value that is written: with key, headers and the framing of a batch it stays below what a topic takes by default
 * (max.message.bytes, 1,048,588), so no record that passed here is refused for its size. Unit: bytes.
 */
export const MAX_VALUE_BYTES = 1_000_000;

export interface Examined<N extends TopicName> {
  readonly record: RecordByTopic[N];
  readonly problems: readonly Problem[];
}

type Resolver = ReturnType<avsc.Type['createResolver']>;

/** What the codec keeps for one topic. */
interface TopicCodec {
  readonly type: avsc.Type;
  readonly check: (value: unknown) => readonly Problem[];
  readonly rules: readonly RecordRule<never>[];
  /** The id of this program's own schema. */
  readonly schemaId: number;
  /** writer's schema id -> resolver to our schema; `null` for our own id, which needs none. Built once an id. */
  readonly resolvers: Map<number, Resolver | HarvestlineError | null>;
}

/**
 * The only way between records and bytes. What it writes and what it reads has passed the same check: structure, no
 * undeclared field, finite numbers, bounds, cross-field rules; a failure names every path at once.
 *
 * Invariants:
 * R1  Nothing is registered here: a schema the registry does not hold is refused at `open`.
 * R2  A resolver is built once for a writer's schema id, never for a record.
 * R3  A definite fault of the bytes is poison; a registry without an answer is transient and never dead-letters a record.
 */
export class RecordCodec {
  readonly #registry: SchemaRegistry;
  readonly #topics: ReadonlyMap<string, TopicCodec>;
  /** Ids that the registry definitely does not know. Asked again after `forgetUnknown`. */
  readonly #unknownIds = new Set<number>();
  #scratch = Buffer.allocUnsafe(SCRATCH_BYTES);

  private constructor(registry: SchemaRegistry, topics: ReadonlyMap<string, TopicCodec>) {
    this.#registry = registry;
    this.#topics = topics;
  }

  /** Looks up the ids of exactly this program's schemas. Throws SCHEMA_NOT_REGISTERED naming every absent subject. */
  static async open(registry: SchemaRegistry, topics: readonly Topic[] = Object.values(TOPICS)): Promise<RecordCodec> {
    const absent: string[] = [];
    const codecs = new Map<string, TopicCodec>();
    for (const topic of topics) {
      const schema = loadSchema(topic);
      const schemaId = await registry.idOf(subjectOf(topic), JSON.stringify(schema));
      if (schemaId === null) absent.push(registry.nameOf?.(subjectOf(topic)) ?? subjectOf(topic));
      else codecs.set(topic.name, topicCodec(topic.name, schema, schemaId));
    }
    if (absent.length > 0) {
      throw new HarvestlineError(
        'SCHEMA_NOT_REGISTERED',
        `the registry holds no version of ${absent.join(', ')} equal to this program's schema`,
      );
    }
    return new RecordCodec(registry, codecs);
  }

  /** The record in wire format. Throws RECORD_INVALID with every failing path. */
  encode<N extends TopicName>(topic: N, record: RecordByTopic[N]): Uint8Array {
    const codec = this.#codecOf(topic);
    const problems = problemsOf(codec, record);
    if (problems.length > 0) throw invalid(topic, problems);
    let end = codec.type.encode(record, this.#scratch, WIRE_HEADER_BYTES);
    if (end < 0) {
      // avsc answers minus the number of bytes that were missing.
      this.#scratch = Buffer.allocUnsafe(2 * (this.#scratch.length - end));
      end = codec.type.encode(record, this.#scratch, WIRE_HEADER_BYTES);
    }
    if (end > MAX_VALUE_BYTES) {
      const why = `must be at most ${MAX_VALUE_BYTES} bytes, found ${end}: a topic takes no more`;
      throw invalid(topic, [{ path: '(root)', why }]);
    }
    this.#scratch.writeUInt8(MAGIC_BYTE, 0);
    this.#scratch.writeInt32BE(codec.schemaId, 1);
    return Buffer.from(this.#scratch.subarray(0, end));
  }

  /** Fetches the writers' schemas that a batch names and that are not known yet, so that `decode` never waits. */
  async prepare(topic: TopicName, values: Iterable<Uint8Array | null>): Promise<void> {
    const codec = this.#codecOf(topic);
    for (const value of values) {
      const id = value === null ? undefined : schemaIdOf(value);
      if (id === undefined || codec.resolvers.has(id) || this.#unknownIds.has(id)) continue;
      const text = await this.#registry.schemaOf(id);
      if (text === null) this.#unknownIds.add(id);
      else codec.resolvers.set(id, resolverFor(codec.type, text));
    }
  }

  /** Asks the registry again about ids it did not know: for a retry of dead letters. */
  forgetUnknown(): void {
    this.#unknownIds.clear();
  }

  /** The record in those bytes, checked. Throws poison errors only; call `prepare` for the batch first. */
  decode<N extends TopicName>(topic: N, value: Uint8Array | null): RecordByTopic[N] {
    const { record, problems } = this.examine(topic, value);
    if (problems.length > 0) throw invalid(topic, problems);
    return record;
  }

  /**
   * The record in those bytes with everything that is wrong with it, for looking at what nobody may act on: its fields have their
   * types, and may break every bound and rule. Throws poison errors where the bytes are no record of the topic.
   */
  examine<N extends TopicName>(topic: N, value: Uint8Array | null): Examined<N> {
    const codec = this.#codecOf(topic);
    if (value === null || value.length === 0)
      throw new HarvestlineError('RECORD_EMPTY', `${topic}: the record has no value`);
    const id = schemaIdOf(value);
    if (id === undefined) {
      throw new HarvestlineError(
        'NOT_WIRE_FORMAT',
        `${topic}: ${value.length} bytes starting with 0x${Buffer.from(value.subarray(0, 5)).toString('hex')}`,
      );
    }
    const resolver = codec.resolvers.get(id);
    if (resolver === undefined)
      throw new HarvestlineError('SCHEMA_UNKNOWN', `${topic}: the registry does not know schema id ${id}`);
    if (resolver instanceof HarvestlineError) throw resolver;
    let record: unknown;
    try {
      record = recordIn(bufferOf(value), codec.type, resolver);
    } catch (cause) {
      throw new HarvestlineError('AVRO_CORRUPT', `${topic}: schema id ${id}: ${messageOf(cause)}`, { cause });
    }
    return { record: record as RecordByTopic[N], problems: problemsOf(codec, record) };
  }

  #codecOf(topic: TopicName): TopicCodec {
    const codec = this.#topics.get(topic);
    if (codec === undefined)
      throw new HarvestlineError('SCHEMA_NOT_REGISTERED', `${topic} was not opened by this codec`);
    return codec;
  }
}

/** As avsc's `fromBuffer` of what follows the header, without a view of its own for each record. */
function recordIn(bytes: Buffer, type: avsc.Type, resolver: Resolver | null): unknown {
  const read = type.decode(bytes, WIRE_HEADER_BYTES, resolver ?? undefined);
  if (read.offset < 0) throw new Error('truncated buffer');
  if (read.offset < bytes.length) throw new Error('trailing data');
  return read.value;
}

function topicCodec(topic: TopicName, schema: AvroRecord, schemaId: number): TopicCodec {
  return {
    type: avroTypeOf(schema),
    check: compileCheck(schema),
    rules: RECORD_RULES[topic],
    schemaId,
    resolvers: new Map([[schemaId, null]]),
  };
}

/** A resolver, or the error that every record of this writer's schema will be refused with. */
function resolverFor(reader: avsc.Type, writerText: string): Resolver | HarvestlineError {
  try {
    return reader.createResolver(avroTypeOf(JSON.parse(writerText)));
  } catch (cause) {
    return new HarvestlineError('SCHEMA_INCOMPATIBLE', messageOf(cause), { cause });
  }
}

function problemsOf(codec: TopicCodec, record: unknown): readonly Problem[] {
  return applyRules(codec.check(record), codec.rules, record);
}

function applyRules(
  structural: readonly Problem[],
  rules: readonly RecordRule<never>[],
  record: unknown,
): readonly Problem[] {
  if (typeof record !== 'object' || record === null) return structural;
  let problems: Problem[] | undefined;
  for (const rule of rules) {
    if (structural.length > 0 && rule.needs.some((field) => concerns(structural, field))) continue;
    const why = rule.violation(record as never);
    if (why !== null) (problems ??= [...structural]).push({ path: rule.path, why });
  }
  return problems ?? structural;
}

function concerns(problems: readonly Problem[], field: string): boolean {
  return problems.some(({ path }) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
}

function invalid(topic: string, problems: readonly Problem[]): HarvestlineError {
  return new HarvestlineError('RECORD_INVALID', `${topic}: ${formatProblems(problems)}`, { problems });
}

/**
 * The same check without a registry or bytes, for records that arrive as JSON. `topic`'s schema is read once; the
 * returned function gives every problem of a value, none for a good one.
 */
export function recordChecker<N extends TopicName>(
  topic: Topic & { readonly name: N },
): (value: unknown) => readonly Problem[] {
  const check = compileCheck(loadSchema(topic));
  const rules = RECORD_RULES[topic.name] as readonly RecordRule<never>[];
  return (value) => applyRules(check(value), rules, value);
}
