import type { AvroEnum, AvroRecord } from './avro-schema.ts';

/** The kinds of schema that Avro knows by name. */
export type NamedSchema = AvroRecord | AvroEnum;

/** `harvestline.Side`. A name with a dot is complete; another one is in its own namespace, else in the enclosing one. */
export function fullNameOf(schema: NamedSchema, enclosing: string): string {
  return qualify(schema.name, namespaceAttribute(schema) ?? enclosing);
}

/** The namespace that the types inside `schema` are in unless they say otherwise. */
export function namespaceOf(schema: NamedSchema, enclosing: string): string {
  const name = fullNameOf(schema, enclosing);
  const dot = name.lastIndexOf('.');
  return dot === -1 ? '' : name.slice(0, dot);
}

/** The full names of written types that a reader's type stands for: its own and its aliases. */
export function readableNamesOf(reader: NamedSchema, enclosing: string): readonly string[] {
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
