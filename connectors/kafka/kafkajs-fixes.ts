import { decodeFetchResponse } from './fetch-response.ts';
import { FetchAhead } from './fetch-ahead.ts';
import { Broker, FetchResponseV11, OffsetManager, RequestQueue, errorOfCode } from './kafkajs-internals.ts';

/** Kafka's error by which a consumer joins its group anew. */
const REBALANCE_IN_PROGRESS = 27;

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
  const { fetch } = Broker.prototype;
  const ahead = new WeakMap<Broker, FetchAhead>();
  Broker.prototype.fetch = function fetchAhead(request) {
    // Of members alone: they have a client each (kafka-client.ts), and with it brokers of their own. topic-reader.ts fetches ahead itself.
    if (!('rackId' in request)) return fetch.call(this, request);
    let member = ahead.get(this);
    if (member === undefined) ahead.set(this, (member = new FetchAhead((one) => fetch.call(this, one))));
    return member.fetch(request);
  };
  // kafkajs#1751: after every request a timer with a negative delay, which Node warns about, though nothing waits.
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded() {
    if (this.pending.length > 0 || this.throttledUntil > 0) scheduleCheckPendingRequests.call(this);
  };
  // kafkajs would commit -2 and go on at the oldest record without a word. Joining anew, the member looks where it starts (group-start.ts).
  OffsetManager.prototype.setDefaultOffset = () => Promise.reject(errorOfCode(REBALANCE_IN_PROGRESS));
}
