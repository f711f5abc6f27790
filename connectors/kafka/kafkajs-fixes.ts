import { Encoder, RequestQueue } from './kafkajs-internals.ts';

/**
 * Stands for a header's null value on its way out. kafkajs 2.2.4 reads null header values but cannot write them: it asks
 * Buffer.byteLength(null) for their size. This buffer has the size that a null takes, and is written as null.
 */
export const NULL_HEADER = Buffer.alloc(0);

let applied = false;

/** Mends kafkajs in this process, once. */
export function fixKafkajs(): void {
  if (applied) return;
  applied = true;
  const { writeVarIntBytes } = Encoder.prototype;
  Encoder.prototype.writeVarIntBytes = function writeNullHeader(value) {
    return writeVarIntBytes.call(this, value === NULL_HEADER ? null : value);
  };
  // kafkajs#1751: after every request a timer with a negative delay, which Node warns about, though nothing waits.
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded() {
    if (this.pending.length > 0 || this.throttledUntil > 0) scheduleCheckPendingRequests.call(this);
  };
}
