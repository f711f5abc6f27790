/** The same bytes, not copied, as the Buffer that avsc and kafkajs insist on. What kafkajs fetched is one already. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
