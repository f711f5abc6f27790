import { SystemClock } from '../system/system-clock.ts';
import { decodeFetchResponse } from './fetch-response.ts';
import { Prefetcher } from './prefetcher.ts';
import {
  Broker,
  type CommitRequest,
  Connection,
  ConnectionError,
  ConsumerGroup,
  Encoder,
  FetchResponseV11,
  OffsetManager,
  RequestQueue,
  errorOfCode,
  BrokerPool,
  SaslAuthenticator,
} from './kafkajs-internals.ts';
import { isDenied, noteDenials } from './broker-errors.ts';

/** What kafkajs asks on a new connection; it has a short time of its own for the answer, and does not use it. */
const FIRST_QUESTION = 'ApiVersions';

/** Kafka's error by which a consumer joins its group anew. */
const REBALANCE_IN_PROGRESS = 27;

/** Its error where another look may find the coordinator. */
const NOT_COORDINATOR = 16;

const clock = new SystemClock();

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
  // A broker that takes a connection and is silent is as good as none: without this, six times 30 s at the first of the list.
  const { createSocketRequest } = RequestQueue.prototype;
  RequestQueue.prototype.createSocketRequest = function withOwnTimeout(pushed) {
    const request = createSocketRequest.call(this, pushed);
    if (pushed.entry.apiName === FIRST_QUESTION) request.requestTimeout = pushed.requestTimeout;
    return request;
  };
  const { apiVersions } = Broker.prototype;
  Broker.prototype.apiVersions = async function orElsewhere() {
    try {
      return await apiVersions.call(this);
    } catch (thrown) {
      if (!(thrown instanceof Error) || thrown.name !== 'KafkaJSRequestTimeoutError') throw thrown;
      // By this name kafkajs goes on to the next broker.
      throw new ConnectionError(`${thrown.message}: the broker is silent`, { broker: this.brokerAddress });
    }
  };
  // What the answer leaves out is not committed: it stays pending, and goes with the next (assignment.ts).
  const { offsetCommit } = Broker.prototype;
  Broker.prototype.offsetCommit = async function wholly(request) {
    const answer = await offsetCommit.call(this, request);
    const committed = new Set(placesOf(answer.responses));
    if (!placesOf(request.topics).every((place) => committed.has(place))) throw errorOfCode(NOT_COORDINATOR);
    return answer;
  };
  const { fetch } = Broker.prototype;
  const ahead = new WeakMap<Broker, Prefetcher>();
  Broker.prototype.fetch = function fetchAhead(request) {
    // Of members alone: they have a client each (kafka-client.ts), and with it brokers of their own. topic-reader.ts fetches ahead itself.
    if (!('rackId' in request)) return fetch.call(this, request);
    let member = ahead.get(this);
    if (member === undefined) ahead.set(this, (member = new Prefetcher((one) => fetch.call(this, one))));
    return member.fetch(request);
  };
  // Where all its partitions are paused a member sleeps as long as an idle fetch lasts, even if some are resumed meanwhile.
  const { fetch: fetchNext, resume } = ConsumerGroup.prototype;
  const resumed = new WeakMap<ConsumerGroup, AbortController>();
  ConsumerGroup.prototype.fetch = async function onceResumed(nodeId) {
    if (isAllPaused(this)) {
      const waiting = resumed.get(this) ?? new AbortController();
      resumed.set(this, waiting);
      await clock.sleep(this.maxWaitTime, waiting.signal);
    }
    return fetchNext.call(this, nodeId);
  };
  ConsumerGroup.prototype.resume = function andWake(topics) {
    resume.call(this, topics);
    resumed.get(this)?.abort();
    resumed.delete(this);
  };
  // kafkajs takes the next power of two, and fills it with zeros, two times for each request.
  Encoder.prototype.ensureAvailable = function growAsNeeded(bytes) {
    const needed = this.offset + bytes;
    if (needed <= this.buf.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.buf.length));
    this.buf.copy(grown, 0, 0, this.offset);
    this.buf = grown;
  };
  // It puts header and length in front of a request by copying all of it, two times. Where there is room in front, they go there.
  const { writeEncoder } = Encoder.prototype;
  Encoder.prototype.writeEncoder = function inFront(written) {
    const { front, buf } = written;
    const start = (front?.length ?? 0) - this.offset;
    if (front === undefined || start < 0 || !liesBehind(front, buf)) return writeEncoder.call(this, written);
    this.buf.copy(front, start, 0, this.offset);
    this.front = front.subarray(0, start);
    this.offset += written.offset;
    this.buf = Buffer.from(front.buffer, front.byteOffset + start, this.offset);
    return this;
  };
  // It copies an answer that came whole (broker-socket.ts) to put it behind the nothing that the one before has left.
  const { processData } = Connection.prototype;
  Connection.prototype.processData = function behindNothing(bytes) {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, bytes);
  };
  // kafkajs#1751: after every request a timer with a negative delay, which Node warns about, though nothing waits.
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded() {
    if (this.pending.length > 0 || this.throttledUntil > 0) scheduleCheckPendingRequests.call(this);
  };
  // kafkajs would commit -2 and go on at the oldest record without a word. Joining anew, the member looks where it starts (assignment.ts).
  OffsetManager.prototype.setDefaultOffset = () => Promise.reject(errorOfCode(REBALANCE_IN_PROGRESS));
  fixSecurity();
}

function isAllPaused(group: ConsumerGroup): boolean {
  const assigned = group
    .assigned()
    .flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
  return assigned.length > 0 && assigned.every(({ topic, partition }) => group.isPaused(topic, partition));
}

/** False where what was written needed more memory, and lies elsewhere. */
function liesBehind(front: Buffer, buf: Buffer): boolean {
  return buf.buffer === front.buffer && buf.byteOffset === front.byteOffset + front.length;
}

function placesOf(topics: CommitRequest['topics']): readonly string[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => `${topic}/${partition}`));
}

/**
 * How long a broker may be silent in a SASL exchange, and longer than a command for a token may take in between. kafkajs has no limit but
 * that of any request, and keeps such a connection. Unit: milliseconds.
 */
const SASL_TIMEOUT_MS = 12_000;

/** Mends what kafkajs makes of brokers that are silent, or that deny something. */
function fixSecurity(): void {
  const { authenticate } = SaslAuthenticator.prototype;
  SaslAuthenticator.prototype.authenticate = async function authenticateInTime() {
    const { connection } = this;
    const { socket } = connection;
    let silent = false;
    const onTimeout = (): void => void (silent = true);
    socket.once('timeout', onTimeout);
    // kafkajs itself ends a connection whose socket times out, and what waits for answers on it.
    socket.setTimeout(SASL_TIMEOUT_MS);
    try {
      await authenticate.call(this);
    } catch (thrown) {
      // The broker takes nothing more on it, and the next try would go on in the middle of the exchange.
      void connection.disconnect();
      // Its own tries would take a minute until the outage is said.
      throw silent && thrown instanceof Error ? Object.assign(thrown, { retriable: false }) : thrown;
    } finally {
      socket.off('timeout', onTimeout);
      socket.setTimeout(0);
    }
  };
  const { send } = Connection.prototype;
  Connection.prototype.send = function sendAndNameWhatIsDenied(call) {
    return send.call(this, noteDenials(call));
  };

  // kafkajs asks each broker and drops whatever they say: a group that may not be used would seem to have no coordinator yet.
  const { withBroker } = BrokerPool.prototype;
  BrokerPool.prototype.withBroker = async function withBrokerUnlessDenied(work) {
    let denied: unknown = null;
    const found = await withBroker.call(this, async (one) => {
      try {
        return await work(one);
      } catch (thrown) {
        if (isDenied(thrown)) denied = thrown;
        throw thrown;
      }
    });
    if (found === null && denied !== null) throw denied;
    return found as Awaited<ReturnType<typeof work>> | null;
  };
}
