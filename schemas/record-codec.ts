import type avsc from 'avsc';
import {
  type ErrorOptions,
  HarvestlineError,
  type Problem,
  formatProblems,
  messageOf,
} from '../errors/harvestline-error.ts';
import type { AvroRecord, AvroSchema } from './avro-schema.ts';
import { avroTypeOf } from './avro-type.ts';
import { type Memory, bufferOf, freshMemory, memoryOf } from './buffer-of.ts';
import { type RecordRule, compileCheck, compileRules, withRules } from './check-record.ts';
import { type FastReader, compileReader, StringTable } from './compile-reader.ts';
import { type FastWriter, GAVE_UP, NO_ROOM, compileWriter } from './compile-writer.ts';
import type { RecordByTopic } from './generated/records.ts';
import { loadSchema, type Topic, type TopicName, TOPICS, subjectOf } from './topics.ts';
import { differentMeanings } from './logical-types.ts';
import { RECORD_RULES } from './record-rules.ts';
import { type SchemaRegistry, WriterSchemas } from './registry.ts';
import {
  type SchemaId,
  type WrittenRecord,
  MAGIC_BYTE,
  WIRE_HEADER_BYTES,
  describeReference,
  hasSchemaHeader,
  inWireFormat,
  othersOf,
  prefixOf,
  schemaIdOf,
  schemaReferenceOf,
  unknownSchema,
  wasPutBack,
} from './wire-format.ts';

/** Size of the memory that encoded records are cut from: room for some dozens, so that a record that is kept holds little memory. Unit: bytes. */
const SLAB_BYTES = 32 * 1024;

const NO_PROBLEMS: readonly Problem[] = [];

/**
 * The largest value that is written: with key, headers and the framing of a batch it stays below what a topic takes by default
 * (max.message.bytes, 1,048,588), so no record that passed here is refused for its size. Unit: bytes.
 */
const MAX_VALUE_BYTES = 1_000_000;

/** A record that needs more is too large, whatever its texts are encoded to: three bytes a character at most. Unit: bytes. */
const MOST_SLAB_BYTES = 4 * MAX_VALUE_BYTES;

export interface Examined<N extends TopicName> {
  readonly record: RecordByTopic[N];
  readonly problems: readonly Problem[];
}

interface CodecOptions {
  /** The topics whose records it reads and writes; all where left out. */
  readonly topics?: readonly Topic[];
  /**
   * The clock, in milliseconds, by which unknown ids are asked for again. Left out where the codec is short-lived: then each is asked for
   * once.
   */
  readonly now?: () => number;
}

type Resolver = ReturnType<avsc.Type['createResolver']>;

/** This program's own schema of a topic, and its id. */
interface OwnSchema {
  readonly schema: AvroRecord;
  readonly schemaId: number;
}

/** What the codec keeps for one topic. */
interface TopicCodec extends OwnSchema {
  readonly type: avsc.Type;
  readonly write: FastWriter;
  readonly check: (value: unknown) => readonly Problem[];
  readonly rules: readonly RecordRule<never>[];
  readonly keepsRules: (record: object) => boolean;
  /** By the id of the writer's schema. Built once an id. */
  readonly readers: Map<SchemaId, Reader | HarvestlineError>;
}

/** How the records of one writer's schema are read. */
interface Reader {
  /** Undefined where the two schemas differ too much for it. */
  readonly fast: FastReader | undefined;
  /** Resolves the writer's schema to ours; null where they are the same. */
  readonly resolver: Resolver | null;
}

/**
 * The only way between records and bytes. What it writes and what it reads has passed the same check: structure, no
 * undeclared field, finite numbers, bounds, cross-field rules; a failure names every path at once.
 *
 * A good record takes the fast way: functions compiled from its schema check and convert it in one pass. Any other takes the slow way:
 * avsc converts it, and check-record.ts names every problem.
 *
 * Invariants:
 * SCH-12  Nothing is registered here: a schema the registry does not hold is refused at `open`.
 * SCH-13  A reader is built once for a writer's schema id, never for a record.
 * SCH-14  A definite fault of the bytes is poison; a registry without an answer is transient and never dead-letters a record.
 * SCH-15  Which way a record takes shows in nothing but time: the same fields, the same bytes, the same error.
 * SCH-16  An id that the registry does not know is asked for again, at once for a letter that was put back (registry.ts).
 */
export class RecordCodec {
  readonly #writers: WriterSchemas;
  readonly #own: ReadonlyMap<string, OwnSchema>;
  /** By topic, made at first use: a processor reads and writes few topics, and each takes some milliseconds to compile. */
  readonly #codecs = new Map<string, TopicCodec>();
  readonly #strings = new StringTable();
  /** The memory that was read last: the records of a batch share one. */
  #source: Memory = memoryOf(new ArrayBuffer(0));
  /** What encoded records are cut from, and how much of it is used. */
  #slab: Memory = freshMemory(SLAB_BYTES);
  #used = 0;

  private constructor(writers: WriterSchemas, own: ReadonlyMap<string, OwnSchema>) {
    this.#writers = writers;
    this.#own = own;
  }

  /** Looks up the ids of exactly this program's schemas. Throws SCHEMA_NOT_REGISTERED naming every absent subject. */
  static async open(
    registry: SchemaRegistry,
    { topics = Object.values(TOPICS), now = () => 0 }: CodecOptions = {},
  ): Promise<RecordCodec> {
    const absent: string[] = [];
    const own = new Map<string, OwnSchema>();
    const found = topics.map(async (topic) => {
      const schema = loadSchema(topic);
      return { topic, schema, schemaId: await registry.idOf(subjectOf(topic), JSON.stringify(schema)) };
    });
    for (const { topic, schema, schemaId } of await Promise.all(found)) {
      if (schemaId === null) absent.push(registry.nameOf?.(subjectOf(topic)) ?? subjectOf(topic));
      else own.set(topic.name, { schema, schemaId });
    }
    if (absent.length > 0) {
      throw new HarvestlineError(
        'SCHEMA_NOT_REGISTERED',
        `the registry holds no version of ${absent.join(', ')} equal to this program's schema`,
      );
    }
    return new RecordCodec(new WriterSchemas(registry, now), own);
  }

  /** The record in wire format. Throws RECORD_INVALID with every failing path. */
  encode<N extends TopicName>(topic: N, record: RecordByTopic[N]): Uint8Array {
    const codec = this.#codecOf(topic);
    return this.#write(codec, record) ?? encodeSlowly(topic, codec, record);
  }

  /** Fetches the writers' schemas that a batch names and that are not known yet, so that `decode` never waits. */
  async prepare(topic: TopicName, records: readonly WrittenRecord[]): Promise<void> {
    const codec = this.#codecOf(topic);
    const asked = new Set<SchemaId>();
    for (const record of othersOf(records)) {
      const id = schemaIdOf(record);
      if (id === undefined || codec.readers.has(id) || asked.has(id)) continue;
      // SCH-16. The retry that put the letter back had found its schema. One question a batch is enough.
      if (!this.#writers.isDue(id) && !wasPutBack(record)) continue;
      asked.add(id);
      const text = await this.#writers.textOf(id);
      if (text !== null) codec.readers.set(id, readerFor(topic, codec, id, text, this.#strings));
    }
  }

  /** The record on that log, checked. Throws poison errors only; call `prepare` for the batch first. */
  decode<N extends TopicName>(topic: N, record: WrittenRecord): RecordByTopic[N] {
    return this.#decode(topic, this.#codecOf(topic), record);
  }

  /** `decode` for many records of one topic. */
  decoderOf<N extends TopicName>(topic: N): (record: WrittenRecord) => RecordByTopic[N] {
    const codec = this.#codecOf(topic);
    return (record) => this.#decode(topic, codec, record);
  }

  /**
   * The record on that log with everything that is wrong with it, for looking at what nobody may act on: its fields have their
   * types, and may break every bound and rule. Throws poison errors where the bytes are no record of the topic.
   */
  examine<N extends TopicName>(topic: N, record: WrittenRecord): Examined<N> {
    const codec = this.#codecOf(topic);
    const good = this.#read(codec, record);
    return good === undefined
      ? examineSlowly(topic, codec, record)
      : { record: good as RecordByTopic[N], problems: NO_PROBLEMS };
  }

  #decode<N extends TopicName>(topic: N, codec: TopicCodec, record: WrittenRecord): RecordByTopic[N] {
    const good = this.#read(codec, record);
    if (good !== undefined) return good as RecordByTopic[N];
    const examined = examineSlowly(topic, codec, record);
    if (examined.problems.length > 0) throw invalid(topic, examined.problems);
    return examined.record;
  }

  /** A good record; undefined for any other, and where the fast way gave up. */
  #read({ readers, keepsRules }: TopicCodec, written: WrittenRecord): object | undefined {
    let id: SchemaId | undefined;
    let start = WIRE_HEADER_BYTES;
    if (hasSchemaHeader(written.headers)) {
      const reference = schemaReferenceOf(written);
      if (reference instanceof HarvestlineError) return undefined;
      ({ id, start } = reference);
    } else {
      id = prefixOf(written);
    }
    const reader = id === undefined ? undefined : readers.get(id);
    if (reader === undefined || reader instanceof HarvestlineError || reader.fast === undefined) return undefined;
    let { within, valueStart = 0, valueEnd = 0 } = written;
    if (within === undefined) {
      const { value } = written;
      if (value === null) return undefined;
      [within, valueStart, valueEnd] = [value, 0, value.length];
    }
    if (within.buffer !== this.#source.buffer) this.#source = memoryOf(within.buffer);
    const { bytes, view } = this.#source;
    const at = within.byteOffset + valueStart;
    const record = reader.fast(bytes, view, at + start, within.byteOffset + valueEnd);
    return record !== undefined && keepsRules(record) ? record : undefined;
  }

  /** The bytes of a good record; undefined as for `#read`. */
  #write(codec: TopicCodec, record: object): Buffer | undefined {
    const start = this.#used;
    const { bytes, view } = this.#slab;
    const end = codec.write(record, bytes, view, start + WIRE_HEADER_BYTES, bytes.length);
    if (end === NO_ROOM) {
      if (bytes.length > MOST_SLAB_BYTES) return undefined;
      // A record that does not fit into an empty slab needs a larger one.
      this.#slab = freshMemory(start === 0 ? 2 * bytes.length : SLAB_BYTES);
      this.#used = 0;
      return this.#write(codec, record);
    }
    if (end === GAVE_UP || end - start > MAX_VALUE_BYTES || !codec.keepsRules(record)) return undefined;
    view.setUint8(start, MAGIC_BYTE);
    view.setUint32(start + 1, codec.schemaId);
    this.#used = end;
    return bytes.subarray(start, end);
  }

  #codecOf(topic: TopicName): TopicCodec {
    const known = this.#codecs.get(topic);
    if (known !== undefined) return known;
    const own = this.#own.get(topic);
    if (own === undefined) throw new HarvestlineError('SCHEMA_NOT_REGISTERED', `${topic} was not opened by this codec`);
    const codec = topicCodec(topic, own, this.#strings);
    this.#codecs.set(topic, codec);
    return codec;
  }
}

function encodeSlowly(topic: string, codec: TopicCodec, record: object): Buffer {
  const problems = withRules(codec.check(record), codec.rules, record);
  if (problems.length > 0) throw invalid(topic, problems);
  const value = inWireFormat(codec.schemaId, codec.type.toBuffer(record));
  if (value.length <= MAX_VALUE_BYTES) return value;
  const why = `must be at most ${MAX_VALUE_BYTES} bytes, found ${value.length}: a topic takes no more`;
  throw invalid(topic, [{ path: '(root)', why }]);
}

function examineSlowly<N extends TopicName>(topic: N, codec: TopicCodec, written: WrittenRecord): Examined<N> {
  const reference = schemaReferenceOf(written);
  if (reference instanceof HarvestlineError)
    throw new HarvestlineError(reference.code, `${topic}: ${reference.message}`);
  const { id, start } = reference;
  const reader = codec.readers.get(id);
  if (reader === undefined) throw unknownSchema(topic, reference);
  if (reader instanceof HarvestlineError) throw reader;
  let record: unknown;
  try {
    record = recordIn(bufferOf(written.value ?? new Uint8Array()), start, codec.type, reader.resolver);
  } catch (cause) {
    throw new HarvestlineError('AVRO_CORRUPT', `${topic}: ${describeReference(reference)}: ${messageOf(cause)}`, {
      cause,
    });
  }
  return { record: record as RecordByTopic[N], problems: withRules(codec.check(record), codec.rules, record) };
}

/** As avsc's `fromBuffer` of what follows the schema's id, without a view of its own for each record. */
function recordIn(bytes: Buffer, start: number, type: avsc.Type, resolver: Resolver | null): unknown {
  const read = type.decode(bytes, start, resolver ?? undefined);
  if (read.offset < 0) throw new Error('truncated buffer');
  if (read.offset < bytes.length) throw new Error('trailing data');
  return read.value;
}

function topicCodec(topic: TopicName, { schema, schemaId }: OwnSchema, strings: StringTable): TopicCodec {
  const own: Reader = { fast: compileReader(schema, schema, strings), resolver: null };
  return {
    schema,
    type: avroTypeOf(schema),
    write: compileWriter(schema),
    check: compileCheck(schema),
    rules: RECORD_RULES[topic],
    keepsRules: compileRules(RECORD_RULES[topic]),
    schemaId,
    readers: new Map([[schemaId, own]]),
  };
}

/** How the records of this writer's schema are read, or the error that every one of them is refused with. */
function readerFor(
  topic: TopicName,
  { schema, type }: TopicCodec,
  id: SchemaId,
  writerText: string,
  strings: StringTable,
): Reader | HarvestlineError {
  const incompatible = (why: string, options: ErrorOptions): HarvestlineError =>
    new HarvestlineError('SCHEMA_INCOMPATIBLE', `${topic}: schema ${id}: ${why}`, options);
  try {
    const writer = JSON.parse(writerText) as AvroSchema;
    const problems = differentMeanings(schema, writer);
    if (problems.length > 0) return incompatible(formatProblems(problems), { problems });
    const resolver = type.createResolver(avroTypeOf(writer));
    return { fast: compileReader(schema, writer, strings), resolver };
  } catch (cause) {
    return incompatible(messageOf(cause), { cause });
  }
}

function invalid(topic: string, problems: readonly Problem[]): HarvestlineError {
  return new HarvestlineError('RECORD_INVALID', `${topic}: ${formatProblems(problems)}`, { problems });
}
