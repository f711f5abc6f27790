/**
 * Finds the schema that a record was written with, and where its Avro binary begins. Both of Confluent's forms are read, in
 * the order of its own readers: the header `__value_schema_id` if it has a value, then the prefix of the value.
 *
 *     header   00 and the id in 4 bytes, or 01 and the GUID in 16; all of the value is Avro
 *     prefix   00 and the id in 4 bytes, then Avro. This program writes so.
 *
 * SCH-28  A record that names its schema in a header of another form is refused with that header's name. Its value is plain Avro then, and what
 *         its first bytes would be as an id is chance.
 * SCH-29  Ids are unsigned. No registry assigns 0: such bytes begin an id of 8 bytes, which Apicurio writes.
 */
import { HarvestlineError } from '../errors/harvestline-error.ts';

/** The registry's number of a schema, or its GUID as text (`89791762-2336-4186-9674-299b90a802e2`). */
export type SchemaId = number | string;

/** As ports/event-log.ts has them. */
type Headers = readonly (readonly [name: string, value: Uint8Array | null])[];

/** The parts of a record on a log that are read here. */
export interface WrittenRecord extends Partial<ValuePlace> {
  readonly value: Uint8Array | null;
  readonly headers?: Headers;
}

/** Where the value lies in a buffer that it shares with other records. Reading it there needs no view of its own, which would cost as much again. */
export interface ValuePlace {
  readonly within: Uint8Array;
  /** Negative for null. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

interface SchemaReference {
  readonly id: SchemaId;
  /** Where the Avro binary begins in the value. */
  readonly start: number;
  readonly isIn: 'header' | 'prefix';
}

export const MAGIC_BYTE = 0;
export const WIRE_HEADER_BYTES = 5;

const GUID_MAGIC_BYTE = 1;
const GUID_HEADER_BYTES = 17;

export const LARGEST_SCHEMA_ID = 2 ** 32 - 1;

export const SCHEMA_ID_HEADER = '__value_schema_id';

/** On a record that `dlq retry` put back: the letter that it was. */
export const RETRY_OF_HEADER = 'harvestline.retry.of';

/** What Apicurio's serializers write when they keep the id out of the value, whichever of its ids it is. */
const APICURIO_HEADERS: ReadonlySet<string> = new Set(
  ['globalId', 'contentId', 'contentHash', 'artifactId'].map((id) => `apicurio.value.${id}`),
);

/** The schema id in front of the record's value; undefined where there is none. */
export function prefixOf(record: WrittenRecord): number | undefined {
  const { within, valueStart = 0, valueEnd = 0 } = record;
  if (within !== undefined) return idAt(within, valueStart, valueEnd);
  const { value } = record;
  return value === null ? undefined : idAt(value, 0, value.length);
}

function idAt(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (start < 0 || end - start < WIRE_HEADER_BYTES || bytes[start] !== MAGIC_BYTE) return undefined;
  return fourBytes(bytes, start + 1);
}

/** Whether a header may name the schema. */
export function hasSchemaHeader(headers: Headers | undefined): boolean {
  if (headers === undefined || headers.length === 0) return false;
  return headers.some(([name]) => name === SCHEMA_ID_HEADER || APICURIO_HEADERS.has(name));
}

export function wasPutBack({ headers }: WrittenRecord): boolean {
  return headers?.some(([name]) => name === RETRY_OF_HEADER) === true;
}

/** The schema that the record names, or why it names none: RECORD_EMPTY, NOT_WIRE_FORMAT or SCHEMA_ID_IN_HEADER. */
export function schemaReferenceOf({ value, headers = [] }: WrittenRecord): SchemaReference | HarvestlineError {
  if (value === null || value.length === 0) return new HarvestlineError('RECORD_EMPTY', 'the record has no value');
  const header = headers.findLast(([name]) => name === SCHEMA_ID_HEADER)?.[1] ?? null;
  if (header !== null) return inHeader(header);
  const foreign = headers.find(([name]) => APICURIO_HEADERS.has(name));
  if (foreign !== undefined) {
    const [name, id] = foreign;
    return refusedHeader(`the header ${name} (${hexOf(id ?? new Uint8Array(), 8)}) names the schema`);
  }
  const id = idAt(value, 0, value.length);
  if (id === undefined) {
    return new HarvestlineError('NOT_WIRE_FORMAT', `${value.length} bytes starting with 0x${hexOf(value, 5)}`);
  }
  if (id === 0) {
    return new HarvestlineError(
      'NOT_WIRE_FORMAT',
      `${value.length} bytes starting with 0x${hexOf(value, 9)}: byte 0 and a schema id of 8 bytes, as Apicurio writes it; an id of 4 bytes is read`,
    );
  }
  return { id, start: WIRE_HEADER_BYTES, isIn: 'prefix' };
}

function inHeader(header: Uint8Array): SchemaReference | HarvestlineError {
  const [magic] = header;
  if (magic === MAGIC_BYTE && header.length === WIRE_HEADER_BYTES)
    return { id: fourBytes(header, 1), start: 0, isIn: 'header' };
  if (magic === GUID_MAGIC_BYTE && header.length === GUID_HEADER_BYTES)
    return { id: guidOf(header.subarray(1)), start: 0, isIn: 'header' };
  return refusedHeader(`the header ${SCHEMA_ID_HEADER} holds ${header.length} bytes, 0x${hexOf(header, 20)}`);
}

/** SCH-28. */
function refusedHeader(why: string): HarvestlineError {
  return new HarvestlineError(
    'SCHEMA_ID_IN_HEADER',
    `${why}; read are ${SCHEMA_ID_HEADER} with 00 and an id of 4 bytes or 01 and a GUID that the registry knows, or 00 and the id in front of the value`,
  );
}

/** The records that may name another schema than the one before: most of a batch have one writer. */
export function othersOf(records: readonly WrittenRecord[]): readonly WrittenRecord[] {
  const others: WrittenRecord[] = [];
  let last: number | undefined;
  for (const record of records) {
    const { headers } = record;
    if (headers === undefined || headers.length === 0) {
      const prefix = prefixOf(record);
      if (prefix === undefined || prefix === last) continue;
      last = prefix;
    }
    others.push(record);
  }
  return others;
}

/** The id of a record's schema; undefined where it names none that is read. */
export function schemaIdOf(record: WrittenRecord): SchemaId | undefined {
  const reference = schemaReferenceOf(record);
  return reference instanceof HarvestlineError ? undefined : reference.id;
}

/** `schema id 17`, `schema GUID 8979… (header __value_schema_id)`. */
export function describeReference({ id, isIn }: SchemaReference): string {
  const name = `schema ${typeof id === 'number' ? 'id' : 'GUID'} ${id}`;
  return isIn === 'header' ? `${name} (header ${SCHEMA_ID_HEADER})` : name;
}

/** The error of a record whose schema the registry does not know. Registries before Confluent's 8.0 have no GUIDs, so a GUID is refused as a header of another form. */
export function unknownSchema(topic: string, reference: SchemaReference): HarvestlineError {
  const why = `the registry does not know ${describeReference(reference)}`;
  if (typeof reference.id === 'number') return new HarvestlineError('SCHEMA_UNKNOWN', `${topic}: ${why}`);
  return refusedHeader(`${topic}: ${why}`);
}

function fourBytes(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

function guidOf(bytes: Uint8Array): string {
  return hexOf(bytes, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function hexOf(bytes: Uint8Array, most: number): string {
  return Buffer.from(bytes.subarray(0, most)).toString('hex');
}

/** A record's bytes with the id in front. */
export function inWireFormat(schemaId: number, avro: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(WIRE_HEADER_BYTES + avro.length);
  value.writeUInt8(MAGIC_BYTE, 0);
  value.writeUInt32BE(schemaId, 1);
  value.set(avro, WIRE_HEADER_BYTES);
  return value;
}
