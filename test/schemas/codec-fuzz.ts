import { inspect } from 'node:util';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { RandomStream } from '../../ports/random.ts';
import { type AvroField, type AvroRecord, type AvroSchema, isUnion } from '../../schemas/avro-schema.ts';
import { avroTypeOf } from '../../schemas/avro-type.ts';
import { compileCheck } from '../../schemas/check-record.ts';
import { recordChecker } from '../../schemas/record-rules.ts';
import { compileReader, StringTable } from '../../schemas/compile-reader.ts';
import { compileWriter } from '../../schemas/compile-writer.ts';
import { loadSchema, type Topic, TOPICS, subjectOf } from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { type WrittenRecord, inWireFormat } from '../../schemas/wire-format.ts';
import { ODD_VALUES } from './arbitrary-value.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';
import { OddBytes } from './odd-bytes.ts';
import type avsc from 'avsc';
import { HarvestlineError, type Problem, messageOf } from '../../errors/harvestline-error.ts';

/** How often each outcome came: without good records and bad ones of every kind nothing is shown. */
export type FuzzFigures = Readonly<Record<string, number>>;

/** The same value in a memory that it shares, as a batch that was fetched holds it. */
function amongOthers(value: Buffer): WrittenRecord {
  const before = value.length % 11;
  const within = Buffer.concat([Buffer.alloc(before + 3, 0xff), value, Buffer.alloc(16, 0xff)]).subarray(3);
  return { value, within, valueStart: before, valueEnd: before + value.length };
}

/** Bytes of one schema to be read as another, and what the oracle says of them. */
interface Subject {
  readonly topic: Topic;
  readonly schemaId: number;
  readonly writer: AvroRecord;
  readonly byAvsc: (bytes: Buffer) => Outcome;
}

/**
 * Invariant SCH-15 of the codec: for `records` pieces of bytes, and for as many records made of what was read, it does what avsc and the
 * check that explains do. Throws at the first difference, with what is needed to see it again.
 */
export async function fuzzCodec(records: number, seed: number): Promise<FuzzFigures> {
  const registry = await MemoryRegistry.withOwnSchemas();
  const random = new SeededRandom(seed).stream('codec');
  const subjects = await Promise.all(Object.values(TOPICS).flatMap((topic) => subjectsOf(topic, registry, random)));
  const codec = await RecordCodec.open(registry);
  for (const { topic, schemaId } of subjects)
    await codec.prepare(topic.name, [{ value: inWireFormat(schemaId, Buffer.alloc(0)) }]);
  const checks = new Map(Object.values(TOPICS).map((topic) => [topic, recordChecker(topic)]));
  const types = new Map(Object.values(TOPICS).map((topic) => [topic, avroTypeOf(loadSchema(topic))]));
  const odd = new OddBytes(random);
  const figures = new Figures();

  for (let i = 0; i < records; i++) {
    const { topic, schemaId, writer, byAvsc } = pick(random, subjects);
    const bytes = odd.next(writer, GOOD_RECORDS[topic.name]);
    const value = inWireFormat(schemaId, bytes);
    const read = outcomeOf(() => ({
      kind: 'record',
      ...codec.examine(topic.name, i % 2 === 0 ? { value } : amongOthers(value)),
    }));
    const expected = byAvsc(bytes);
    compare(expected, read, { seed, i, topic: topic.name, schemaId, bytes: bytes.toString('hex') });
    figures.add('read', read);
    if (read.kind !== 'record') continue;
    const type = types.get(topic);
    const check = checks.get(topic);
    if (type === undefined || check === undefined) throw new Error(`${topic.name} is not a topic`);
    const record = spoiled(random, read.record);
    const written = outcomeOf(() => ({ kind: 'bytes', bytes: codec.encode(topic.name, record as never).subarray(5) }));
    compare(writeByAvsc(type, check, record), written, { seed, i, topic: topic.name, record });
    figures.add('write', written);
  }
  return figures.counts();
}

/** SCH-1 and SCH-3 for one schema, which need not be a topic's. */
export function fuzzCompiled(schema: AvroRecord, good: unknown, records: number, seed: number): FuzzFigures {
  const random = new SeededRandom(seed).stream('compiled');
  const [read, write] = [compileReader(schema, schema, new StringTable()), compileWriter(schema)];
  if (read === undefined) throw new Error('the schema is not one that is compiled');
  const [type, explain] = [avroTypeOf(schema), compileCheck(schema)];
  const odd = new OddBytes(random);
  const figures = new Figures();
  const memory = Buffer.alloc(4096);
  const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  for (let i = 0; i < records; i++) {
    const bytes = odd.next(schema, good);
    // In the middle of a larger memory, with what is no record behind it.
    const start = random.integer(0, 8);
    bytes.copy(memory, start);
    const record = read(memory, view, start, start + bytes.length);
    const expected = readByAvsc(type, undefined, explain, bytes);
    if (record !== undefined)
      compare(expected, { kind: 'record', record, problems: [] }, { seed, i, bytes: bytes.toString('hex') });
    figures.add(record === undefined ? 'gave up' : 'read fast', expected);
    if (expected.kind !== 'record') continue;
    const changed = spoiled(random, expected.record);
    const end = write(changed, memory, view, start, memory.length);
    if (end < 0) continue;
    compare(
      writeByAvsc(type, explain, changed),
      { kind: 'bytes', bytes: memory.subarray(start, end) },
      { seed, i, changed },
    );
    figures.add('written fast', expected);
  }
  return figures.counts();
}

class Figures {
  readonly #counts = new Map<string, number>();

  add(what: string, outcome: Outcome): void {
    const faulty = outcome.kind === 'record' && outcome.problems.length > 0;
    const name = `${what}: ${outcome.kind === 'error' ? outcome.code : faulty ? 'faulty record' : 'good'}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  counts(): FuzzFigures {
    return Object.fromEntries([...this.#counts].toSorted(([one], [other]) => one.localeCompare(other)));
  }
}

function compare(expected: Outcome, found: Outcome, at: object): void {
  if (same(expected, found)) return;
  throw new Error(
    `not as avsc and the check have it: ${inspect({ expected, found, at }, { depth: 8, maxArrayLength: 50 })}`,
  );
}

/** Half of the time one field of it is another value, is gone, or is one that nobody declared. */
function spoiled(random: RandomStream, record: unknown): unknown {
  if (random.uniform() < 0.5 || typeof record !== 'object' || record === null) return record;
  const names = [...Object.keys(record), 'undeclared', '__proto__'];
  const name = pick(random, names);
  const { [name]: before, ...others } = record as Record<string, unknown>;
  if (random.uniform() < 0.1) return others;
  const value =
    random.uniform() < 0.5 && typeof before === 'object' && before !== null
      ? spoiledInside(random, before)
      : pick(random, ODD_VALUES);
  return Object.defineProperty({ ...record }, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The same inside a list or an inner record. */
function spoiledInside(random: RandomStream, value: object): unknown {
  if (!Array.isArray(value)) return spoiled(random, value);
  const items: readonly unknown[] = value;
  const at = random.integer(0, items.length);
  return items.toSpliced(at, 1, spoiled(random, items[at]));
}

/** A topic's own schema and some that others may write it with. */
function subjectsOf(topic: Topic, registry: MemoryRegistry, random: RandomStream): readonly Promise<Subject>[] {
  const schema = loadSchema(topic);
  const type = avroTypeOf(schema);
  const check = recordChecker(topic);
  return [schema, schema, ...othersOf(schema, random)].map(async (writer): Promise<Subject> => {
    const text = JSON.stringify(writer);
    const resolver = text === JSON.stringify(schema) ? undefined : type.createResolver(avroTypeOf(writer));
    return {
      topic,
      writer,
      schemaId: await registry.register(subjectOf(topic), text),
      byAvsc: (bytes) => readByAvsc(type, resolver, check, bytes),
    };
  });
}

/** Older, newer, in another order, without bounds, with other symbols, with narrower and other types. */
function othersOf(schema: AvroRecord, random: RandomStream): readonly AvroRecord[] {
  const { fields } = schema;
  const some = (): boolean => random.uniform() < 0.5;
  const added: readonly AvroField[] = [
    { name: 'added_number', type: ['null', 'double'], default: null },
    { name: 'added_texts', type: { type: 'array', items: 'string' } },
    { name: 'added_record', type: { type: 'record', name: 'Added', fields: [{ name: 'flag', type: 'boolean' }] } },
  ];
  const changed = (change: (type: AvroSchema) => AvroSchema): AvroRecord => ({
    ...schema,
    fields: fields.map((field) => ({ ...field, type: change(field.type) })),
  });
  return [
    { ...schema, fields: fields.filter((field) => field.default !== null || some()) },
    { ...schema, fields: [...fields.slice(0, 2), ...added, ...fields.slice(2)] },
    { ...schema, fields: [...added.filter(some), ...fields.toReversed()] },
    changed((type) => withoutBounds(type)),
    changed((type) => mapped(type, (inner) => (inner === 'double' ? 'float' : inner === 'long' ? 'int' : inner))),
    { ...schema, fields: fields.map((field) => (isUnion(field.type) && some() ? reversedUnion(field) : field)) },
    changed((type) => withOtherSymbols(type)),
  ];
}

/** Its default would not be of the first branch any more. */
function reversedUnion({ name, type }: AvroField): AvroField {
  return { name, type: isUnion(type) ? type.toReversed() : type };
}

function withoutBounds(schema: AvroSchema): AvroSchema {
  return mapped(schema, (type) => type);
}

/** Every scalar without what is said of it, through `change`. */
function mapped(schema: AvroSchema, change: (type: AvroSchema) => AvroSchema): AvroSchema {
  if (isUnion(schema)) return schema.map((branch) => mapped(branch, change));
  if (typeof schema === 'string') return change(schema);
  switch (schema.type) {
    case 'record':
      return { ...schema, fields: schema.fields.map((field) => ({ ...field, type: mapped(field.type, change) })) };
    case 'enum':
      return schema;
    case 'array':
      return { type: 'array', items: mapped(schema.items, change) };
    default:
      return change(schema.type);
  }
}

function withOtherSymbols(schema: AvroSchema): AvroSchema {
  if (isUnion(schema)) return schema.map(withOtherSymbols);
  if (typeof schema === 'string' || schema.type !== 'enum') return schema;
  return { ...schema, symbols: ['NEWER', ...schema.symbols.toReversed()] };
}

function pick<T>(random: RandomStream, values: readonly T[]): T {
  return values[random.integer(0, values.length - 1)] as T;
}

/** What became of bytes or of a record, in a form that can be compared. */
type Outcome =
  | { readonly kind: 'record'; readonly record: unknown; readonly problems: readonly Problem[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly problems: readonly Problem[] };

/** The oracle: avsc, and the check that explains, with nothing compiled. */
function readByAvsc(
  type: avsc.Type,
  resolver: ReturnType<avsc.Type['createResolver']> | undefined,
  check: (value: unknown) => readonly Problem[],
  bytes: Buffer,
): Outcome {
  let record: unknown;
  try {
    record = type.fromBuffer(bytes, resolver);
  } catch (cause) {
    return { kind: 'error', code: 'AVRO_CORRUPT', message: messageOf(cause), problems: [] };
  }
  return { kind: 'record', record, problems: check(record) };
}

/** The same, of a record that is written. */
function writeByAvsc(type: avsc.Type, check: (value: unknown) => readonly Problem[], record: unknown): Outcome {
  const problems = check(record);
  if (problems.length > 0) return { kind: 'error', code: 'RECORD_INVALID', message: '', problems };
  return { kind: 'bytes', bytes: type.toBuffer(record) };
}

/** What the codec makes of it. An AVRO_CORRUPT says avsc's words, which are its cause. */
function outcomeOf(act: () => Outcome): Outcome {
  try {
    return act();
  } catch (thrown) {
    if (!(thrown instanceof HarvestlineError)) throw thrown;
    const { code, cause, problems } = thrown;
    return { kind: 'error', code, message: cause === undefined ? '' : messageOf(cause), problems };
  }
}

/** Equal in every byte, number (-0 is not 0), name and order of names; not in the class of objects, which avsc makes itself. */
function same(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  const others = Object.keys(other);
  return (
    names.length === others.length &&
    names.every(
      (name, index) =>
        name === others[index] &&
        same((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
    )
  );
}
