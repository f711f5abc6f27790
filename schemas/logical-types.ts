/**
 * Compares what the logical types of a writer and a reader mean. Avro itself resolves by the type underneath alone: it
 * reads a writer's microseconds as the reader's milliseconds, and a decimal's digits as a text.
 *
 * SCH-7  A logical type of the writer that gives values a meaning must be the reader's as well, or the schemas are incompatible.
 * SCH-8  A bare type (`long`) is taken to mean what the reader's field means; so is a logical type without a meaning: `bounded`, or
 *        one of another program's.
 * SCH-9  A text is read as a text, whatever its logical type (`uuid`).
 *
 * The writer's schema may be any that Avro allows: fields that the reader does not have, types of kinds that are not used here.
 */
import type { Problem } from '../errors/harvestline-error.ts';
import { type AvroSchema, typeTextOf, type Attributes, isObject, logicalTypeOf } from './avro-schema.ts';

/** The logical types of the specification, and variants of them in other units. */
const MEANINGS = /^(?:(?:local-)?timestamp|time|date|datetime|(?:big-)?decimal|duration|interval|uuid)(?:-|$)/i;

function meaningOf(schema: unknown): string | undefined {
  const name = logicalTypeOf(schema);
  return typeof name === 'string' && MEANINGS.test(name) ? name : undefined;
}

/** Every field whose values mean one thing to the writer and another to the reader (SCH-7); none for schemas that go together. */
export function differentMeanings(reader: unknown, writer: unknown): readonly Problem[] {
  return new Comparison(namesIn(reader), namesIn(writer)).compare(reader, writer, '', undefined);
}

type Names = ReadonlyMap<string, unknown>;

class Comparison {
  readonly #readerNames: Names;
  readonly #writerNames: Names;

  constructor(readerNames: Names, writerNames: Names) {
    this.#readerNames = readerNames;
    this.#writerNames = writerNames;
  }

  /** `said`: the logical type that stands beside the type in the writer's field, not inside it; undefined: none. */
  compare(reader: unknown, writer: unknown, path: string, said: string | undefined): readonly Problem[] {
    const own = branchesOf(reader, this.#readerNames);
    return branchesOf(writer, this.#writerNames).flatMap((theirs) => {
      const found = own
        .filter((branch) => shapeOf(branch) === shapeOf(theirs))
        .map((branch) => this.#branch(branch, theirs, path, said));
      return found.some((problems) => problems.length === 0) ? [] : (found[0] ?? []);
    });
  }

  #branch(reader: unknown, writer: unknown, path: string, said: string | undefined): readonly Problem[] {
    switch (shapeOf(writer)) {
      case 'record':
        return fieldsOf(reader).flatMap((field) => {
          const theirs = fieldsOf(writer).find(({ name }) => name === field['name'] || aliasesOf(field).includes(name));
          const at = path === '' ? String(field['name']) : `${path}.${String(field['name'])}`;
          return theirs === undefined ? [] : this.compare(field['type'], theirs['type'], at, meaningOf(theirs));
        });
      case 'array':
        return this.compare(itemsOf(reader), itemsOf(writer), `${path}[]`, said);
      case 'scalar':
        return scalar(reader, writer, path, said);
      default:
        return [];
    }
  }
}

function scalar(reader: unknown, writer: unknown, path: string, said: string | undefined): readonly Problem[] {
  const theirs = meaningOf(writer) ?? said;
  if (theirs === undefined || theirs === meaningOf(reader)) return [];
  if (kindOf(reader) === 'string' && kindOf(writer) === 'string') return [];
  const written = typeTextOf({ type: kindOf(writer), logicalType: theirs } as AvroSchema);
  const read = typeTextOf(reader as AvroSchema);
  return [{ path: path === '' ? '(root)' : path, why: `the data holds ${written}, the reader takes ${read}` }];
}

/** Branches of two unions are compared where their shapes are equal. */
function shapeOf(schema: unknown): 'record' | 'array' | 'scalar' | 'other' {
  const kind = kindOf(schema);
  if (kind === 'record' || kind === 'array') return kind;
  return kind === 'enum' || kind === 'map' || kind === 'null' ? 'other' : 'scalar';
}

function kindOf(schema: unknown): unknown {
  return isObject(schema) ? schema['type'] : schema;
}

function branchesOf(schema: unknown, names: Names): readonly unknown[] {
  const branches: readonly unknown[] = Array.isArray(schema) ? schema : [schema];
  return branches.map((branch) => (typeof branch === 'string' ? (names.get(branch) ?? branch) : branch));
}

function fieldsOf(record: unknown): readonly Attributes[] {
  const fields = isObject(record) ? record['fields'] : undefined;
  return Array.isArray(fields) ? fields.filter(isObject) : [];
}

function aliasesOf({ aliases }: Attributes): readonly unknown[] {
  return Array.isArray(aliases) ? aliases : [];
}

function itemsOf(array: unknown): unknown {
  return isObject(array) ? array['items'] : undefined;
}

/** The types that a schema defines, by their names with and without namespace: it may use them again by name. */
function namesIn(schema: unknown): Names {
  const names = new Map<string, unknown>();
  const visit = (one: unknown, enclosing: string): void => {
    if (Array.isArray(one)) for (const branch of one) visit(branch, enclosing);
    if (!isObject(one)) return;
    let namespace = enclosing;
    if (typeof one['name'] === 'string') {
      const simple = one['name'].slice(one['name'].lastIndexOf('.') + 1);
      namespace = one['name'].includes('.')
        ? one['name'].slice(0, -simple.length - 1)
        : typeof one['namespace'] === 'string'
          ? one['namespace']
          : enclosing;
      names.set(simple, one);
      names.set(`${namespace}.${simple}`, one);
    }
    for (const field of fieldsOf(one)) visit(field['type'], namespace);
    visit(one['items'], namespace);
    visit(one['values'], namespace);
  };
  visit(schema, '');
  return names;
}
