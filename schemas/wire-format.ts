import { bufferOf } from './buffer-of.ts';

/** Confluent's wire format: one magic byte 0, the schema id as a big-endian 32-bit integer, then the Avro binary. */
export const MAGIC_BYTE = 0;
export const WIRE_HEADER_BYTES = 5;

/** The schema id in those bytes; undefined where they are not in the wire format. */
export function schemaIdOf(value: Uint8Array): number | undefined {
  if (value.length < WIRE_HEADER_BYTES || value[0] !== MAGIC_BYTE) return undefined;
  return bufferOf(value).readInt32BE(1);
}
