/** Confluent's wire format: one magic byte 0, the schema id as a big-endian 32-bit integer, then the Avro binary. */
export const MAGIC_BYTE = 0;
export const WIRE_HEADER_BYTES = 5;

/** The schema id in those bytes; undefined where they are not in the wire format. */
export function schemaIdOf(value: Uint8Array): number | undefined {
  if (value.length < WIRE_HEADER_BYTES || value[0] !== MAGIC_BYTE) return undefined;
  return ((value[1] ?? 0) << 24) | ((value[2] ?? 0) << 16) | ((value[3] ?? 0) << 8) | (value[4] ?? 0);
}

/** Whether both name their schema by the same bytes, or are too short to name one. */
export function isOfSameSchema(one: Uint8Array, other: Uint8Array): boolean {
  return (
    one[0] === other[0] && one[1] === other[1] && one[2] === other[2] && one[3] === other[3] && one[4] === other[4]
  );
}

/** A record's bytes with that header in front. */
export function inWireFormat(schemaId: number, avro: Buffer): Buffer {
  const value = Buffer.allocUnsafe(WIRE_HEADER_BYTES + avro.length);
  value.writeUInt8(MAGIC_BYTE, 0);
  value.writeInt32BE(schemaId, 1);
  avro.copy(value, WIRE_HEADER_BYTES);
  return value;
}
