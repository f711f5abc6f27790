import { decodeFetchResponse } from './fetch-response.ts';
import { FetchResponseV11, RequestQueue } from './kafkajs-internals.ts';

let applied = false;

/** Mends kafkajs in this process, once. */
export function fixKafkajs(): void {
  if (applied) return;
  applied = true;
  FetchResponseV11.decode = (bytes) => {
    try {
      return Promise.resolve(decodeFetchResponse(bytes));
    } catch (thrown) {
      return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  };
  // kafkajs#1751: after every request a timer with a negative delay, which Node warns about, though nothing waits.
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded() {
    if (this.pending.length > 0 || this.throttledUntil > 0) scheduleCheckPendingRequests.call(this);
  };
}
