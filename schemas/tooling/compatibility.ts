import type { Problem } from '../../errors/harvestline-error.ts';
import { type AvroField, type AvroRecord, type AvroSchema, isUnion, type AvroEnum } from '../avro-schema.ts';
import { type Direction, compareChecks } from './compare-checks.ts';
import { differentMeanings } from '../logical-types.ts';

/** A schema that was released as a version: records written with it are in the topic for as long as the topic keeps them. */
export interface ReleasedSchema {
  /** 1, 2, 3 … */
  readonly version: number;
  readonly schema: AvroRecord;
}

/** A problem between the current schema and one released version. */
export interface Incompatibility extends Problem {
  readonly version: number;
  readonly direction: Direction;
}

/**
 * Every problem of `current` with every released version, both ways (FULL_TRANSITIVE): what Avro cannot resolve, and what
 * the strict check of records would refuse although Avro resolves it. The order is that of `released`.
 */
export function compareForFullTransitive(
  current: AvroRecord,
  released: readonly ReleasedSchema[],
): readonly Incompatibility[] {
  return released.flatMap(({ version, schema }) => {
    const within = (direction: Direction) => (problem: Problem) => ({ ...problem, version, direction });
    return [
      ...readerCanRead(current, schema).map(within('new reader, old data')),
      ...readerCanRead(schema, current).map(within('old reader, new data')),
      ...compareChecks(current, schema).map((problem) => ({ ...problem, version })),
    ];
  });
}

/**
 * Why data written with `writer` cannot be read as `reader`; none when all of it can. After "Schema Resolution" of the
 * Avro specification 1.12 (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution), with these readings of it:
 *
 * TOL-4  An error that depends on the data (a union's branch, an enum's symbol) is a problem here: some record would meet it.
 * TOL-5  Names are compared with their namespace, as avsc and the Java client do; the specification would let the last part do.
 * TOL-6  Values that would be read but mean something else are a problem, too (logical-types.ts).
 */
export function readerCanRead(reader: AvroSchema, writer: AvroSchema): readonly Problem[] {
  const problems: Problem[] = [];
  resolve(reader, writer, { path: '', readerNamespace: '', writerNamespace: '', problems });
  return [...problems, ...differentMeanings(reader, writer)];
}

/** Where a comparison stands. A named type without a namespace of its own is in that of the type around it. */
interface Place {
  readonly path: string;
  readonly readerNamespace: string;
  readonly writerNamespace: string;
  readonly problems: Problem[];
}

/** Writer's type -> the reader's types it may be promoted to. */
const PROMOTIONS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    int: ['long', 'float', 'double'],
    long: ['float', 'double'],
    float: ['double'],
    string: ['bytes'],
    bytes: ['string'],
  }),
);

function resolve(reader: AvroSchema, writer: AvroSchema, place: Place): void {
  if (isUnion(writer)) {
    for (const branch of writer) resolve(reader, branch, place);
    return;
  }
  if (isUnion(reader)) {
    // The first branch that matches is taken, even where a later one would fit better.
    const branch = reader.find((candidate) => matches(candidate, writer, place));
    if (branch === undefined) mismatch(reader, writer, place);
    else resolve(branch, writer, place);
    return;
  }
  if (typeof reader !== 'string' && typeof writer !== 'string') {
    if (reader.type === 'array' && writer.type === 'array') {
      resolve(reader.items, writer.items, { ...place, path: `${place.path}[]` });
      return;
    }
    if (isNamed(reader) && isNamed(writer) && reader.type === writer.type) {
      resolveNamed(reader, writer, place);
      return;
    }
  }
  if (!matches(reader, writer, place)) mismatch(reader, writer, place);
}

function resolveNamed(reader: NamedSchema, writer: NamedSchema, place: Place): void {
  if (!namesMatch(reader, writer, place)) {
    const written = fullNameOf(writer, place.writerNamespace);
    report(place, `the reader's ${reader.type} is ${fullNameOf(reader, place.readerNamespace)}, the data's ${written}`);
    return;
  }
  if (reader.type === 'record' && writer.type === 'record') {
    resolveFields(reader, writer, {
      ...place,
      readerNamespace: namespaceOf(reader, place.readerNamespace),
      writerNamespace: namespaceOf(writer, place.writerNamespace),
    });
  } else if (reader.type === 'enum' && writer.type === 'enum' && reader.default === undefined) {
    const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
    if (unknown.length > 0)
      report(place, `the data may hold ${unknown.join(', ')}, unknown to the reader, whose enum has no default`);
  }
}

function resolveFields(reader: AvroRecord, writer: AvroRecord, place: Place): void {
  for (const field of reader.fields) {
    const at = { ...place, path: place.path === '' ? field.name : `${place.path}.${field.name}` };
    const written = writer.fields.filter((candidate) => isReadAs(candidate, field));
    const [first, second] = written;
    if (first === undefined) {
      if (field.default === undefined) report(at, 'the data does not hold it, and the reader has no default for it');
    } else if (second === undefined) {
      resolve(field.type, first.type, at);
    } else {
      report(at, `by its aliases it is several fields of the data: ${written.map(({ name }) => name).join(', ')}`);
    }
  }
}

function isReadAs(written: AvroField, field: AvroField): boolean {
  return written.name === field.name || (field.aliases?.includes(written.name) ?? false);
}

/** Whether the reader's branch is the one for that data, by kinds and names alone. */
function matches(reader: AvroSchema, writer: AvroSchema, place: Place): boolean {
  if (isUnion(reader) || isUnion(writer)) return true;
  const [readerKind, writerKind] = [kindOf(reader), kindOf(writer)];
  if (readerKind !== writerKind) return PROMOTIONS.get(writerKind)?.includes(readerKind) ?? false;
  if (typeof reader === 'string' || typeof writer === 'string') return true;
  if (reader.type === 'array' && writer.type === 'array') return matches(reader.items, writer.items, place);
  return !isNamed(reader) || !isNamed(writer) || namesMatch(reader, writer, place);
}

function namesMatch(reader: NamedSchema, writer: NamedSchema, place: Place): boolean {
  return readableNamesOf(reader, place.readerNamespace).includes(fullNameOf(writer, place.writerNamespace));
}

function isNamed(schema: Exclude<AvroSchema, string | readonly AvroSchema[]>): schema is NamedSchema {
  return schema.type === 'record' || schema.type === 'enum';
}

function kindOf(schema: Exclude<AvroSchema, readonly AvroSchema[]>): string {
  return typeof schema === 'string' ? schema : schema.type;
}

function mismatch(reader: AvroSchema, writer: AvroSchema, place: Place): void {
  report(place, `the data may hold ${describe(writer)}, the reader takes ${describe(reader)}`);
}

function describe(schema: AvroSchema): string {
  if (isUnion(schema)) return schema.map(describe).join(' or ');
  if (typeof schema === 'string') return schema;
  if (schema.type === 'array') return `an array of ${describe(schema.items)}`;
  return isNamed(schema) ? `the ${schema.type} ${schema.name}` : schema.type;
}

/** One fault is named once, however many branches of the data's union lead to it. */
function report(place: Place, why: string): void {
  const path = place.path === '' ? '(root)' : place.path;
  if (place.problems.some((problem) => problem.path === path && problem.why === why)) return;
  place.problems.push({ path, why });
}

/** The kinds of schema that Avro knows by name. */
type NamedSchema = AvroRecord | AvroEnum;

/** `harvestline.Side`. A name with a dot is complete; another one is in its own namespace, else in the enclosing one. */
function fullNameOf(schema: NamedSchema, enclosing: string): string {
  return qualify(schema.name, namespaceAttribute(schema) ?? enclosing);
}

/** The namespace that the types inside `schema` are in unless they say otherwise. */
function namespaceOf(schema: NamedSchema, enclosing: string): string {
  const name = fullNameOf(schema, enclosing);
  const dot = name.lastIndexOf('.');
  return dot === -1 ? '' : name.slice(0, dot);
}

/** The full names of written types that a reader's type stands for: its own and its aliases. */
function readableNamesOf(reader: NamedSchema, enclosing: string): readonly string[] {
  const aliases = reader.type === 'record' ? (reader.aliases ?? []) : [];
  const namespace = namespaceOf(reader, enclosing);
  return [fullNameOf(reader, enclosing), ...aliases.map((alias) => qualify(alias, namespace))];
}

function namespaceAttribute(schema: NamedSchema): string | undefined {
  return schema.type === 'record' ? schema.namespace : undefined;
}

function qualify(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}
