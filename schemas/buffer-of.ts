/** The same bytes, not copied, as the Buffer that avsc and kafkajs insist on. What kafkajs fetched is one already. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** One memory, seen by bytes and by numbers. */
export interface Memory {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function memoryOf(buffer: ArrayBufferLike): Memory {
  return { buffer, bytes: Buffer.from(buffer), view: new DataView(buffer) };
}

/** Its bytes are whatever was there. */
export function freshMemory(size: number): Memory {
  return memoryOf(Buffer.allocUnsafeSlow(size).buffer);
}
