import type { Consumer } from 'kafkajs';
import { SystemClock } from '../system/system-clock.ts';
import { isDenied, noteDenials } from './broker-errors.ts';
import { decodeFetchResponse } from './fetch-response.ts';
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
import { Prefetcher } from './prefetcher.ts';

/** kafkajs's first request on a new connection. */
const FIRST_REQUEST = 'ApiVersions';

/** Kafka's error at which a consumer rejoins its group. */
const REBALANCE_IN_PROGRESS = 27;

/** Kafka's error at which the coordinator is looked up again. */
const NOT_COORDINATOR = 16;

const clock = new SystemClock();

let applied = false;

/**
 * Replaces methods of kafkajs that have faults, once in a process. Each patch says what kafkajs does without it. The faults are pinned by
 * tests, and the version of kafkajs by package.json.
 */
export function fixKafkajs({ saslTimeoutMs = SASL_TIMEOUT_MS } = {}): void {
  if (applied) return;
  applied = true;
  FetchResponseV11.decode = (bytes) => {
    try {
      return Promise.resolve(decodeFetchResponse(bytes));
    } catch (thrown) {
      return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  };
  // A broker that accepts a connection and does not answer counts as down. kafkajs has a short timeout for the first request, does not apply
  // it, and would wait for six times 30 s.
  const { createSocketRequest } = RequestQueue.prototype;
  RequestQueue.prototype.createSocketRequest = function withOwnTimeout(pushed) {
    const request = createSocketRequest.call(this, pushed);
    if (pushed.entry.apiName === FIRST_REQUEST) request.requestTimeout = pushed.requestTimeout;
    return request;
  };
  const { apiVersions } = Broker.prototype;
  Broker.prototype.apiVersions = async function orElsewhere() {
    try {
      return await apiVersions.call(this);
    } catch (thrown) {
      if (!(thrown instanceof Error) || thrown.name !== 'KafkaJSRequestTimeoutError') throw thrown;
      // At an error of this name kafkajs tries the next broker.
      throw new ConnectionError(`${thrown.message}: the broker is silent`, { broker: this.brokerAddress });
    }
  };
  // A partition that the answer leaves out is not committed. As an error, it stays pending for the next commit (assignment.ts).
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
    // Only for members, whose requests have a rack id. Each has a client, and so brokers, of its own. topic-reader.ts prefetches itself.
    if (!('rackId' in request)) return fetch.call(this, request);
    let member = ahead.get(this);
    if (member === undefined) ahead.set(this, (member = new Prefetcher((one) => fetch.call(this, one))));
    return member.fetch(request);
  };
  // While all its partitions are paused, a member sleeps for the time of an idle fetch, and would not notice that some are resumed.
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
  // Where the clock was set back, kafkajs sends no heartbeat until it is there again.
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = function alsoAfterASetBack(options) {
    if (this.lastRequest > clock.now()) this.lastRequest = -Infinity;
    return heartbeat.call(this, options);
  };
  // The group refuses the commits of before a join, so what is not committed then is repeated. kafkajs waits for no listener, and where partitions
  // were added or a leader has moved, it joins again without an event.
  const { joinAndSync } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.joinAndSync = async function onceCommitted() {
    const awaited: Promise<void>[] = [];
    const rejoin: Rejoin = { waitFor: (work) => void awaited.push(work) };
    if (this.memberId !== null) this.instrumentationEmitter.emit(REBALANCING, rejoin);
    await Promise.all(awaited);
    return joinAndSync.call(this);
  };
  // kafkajs grows buffers to the next power of two and zeroes them, twice for each request.
  Encoder.prototype.ensureAvailable = function growAsNeeded(bytes) {
    const needed = this.offset + bytes;
    if (needed <= this.buf.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.buf.length));
    this.buf.copy(grown, 0, 0, this.offset);
    this.buf = grown;
  };
  // kafkajs puts header and length in front of a request by copying all of it, twice. Where the buffer has room in front, they are written there.
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
  // kafkajs copies a whole response (broker-socket.ts) to append it to an empty buffer.
  const { processData } = Connection.prototype;
  Connection.prototype.processData = function behindNothing(bytes) {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, bytes);
  };
  // kafkajs#1751: after every request kafkajs starts a timer with a negative delay, which Node warns about, although nothing is pending.
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded() {
    if (this.pending.length > 0 || this.throttledUntil > 0) scheduleCheckPendingRequests.call(this);
  };
  // kafkajs would commit -2 and continue at the oldest record without a report. After a rejoin the member decides where to start (assignment.ts).
  OffsetManager.prototype.setDefaultOffset = () => Promise.reject(errorOfCode(REBALANCE_IN_PROGRESS));
  fixSecurity(saslTimeoutMs);
}

/** kafkajs's event before it joins again, where the group tells it to. */
const REBALANCING = 'consumer.rebalancing';

/** What that event carries besides, before every join but the first. */
interface Rejoin {
  readonly waitFor: (work: Promise<void>) => void;
}

/** Has `work` done before a consumer joins its group again. It must not reject. */
export function beforeRejoin(consumer: Consumer, work: () => Promise<void>): void {
  consumer.on(consumer.events.REBALANCING, ({ payload }: { readonly payload: object | Rejoin }) => {
    if ('waitFor' in payload) payload.waitFor(work());
  });
}

function isAllPaused(group: ConsumerGroup): boolean {
  const assigned = group
    .assigned()
    .flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
  return assigned.length > 0 && assigned.every(({ topic, partition }) => group.isPaused(topic, partition));
}

/** False where the encoder has grown, and so moved to another buffer. */
function liesBehind(front: Buffer, buf: Buffer): boolean {
  return buf.buffer === front.buffer && buf.byteOffset === front.byteOffset + front.length;
}

function placesOf(topics: CommitRequest['topics']): readonly string[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => `${topic}/${partition}`));
}

/**
 * How long a broker may be silent in a SASL exchange. Longer than a token command may take in between. kafkajs only has the limit of any
 * request, and keeps such a connection. Unit: milliseconds.
 */
const SASL_TIMEOUT_MS = 12_000;

/** The patches for silent brokers and denied rights. */
function fixSecurity(saslTimeoutMs: number): void {
  const { authenticate } = SaslAuthenticator.prototype;
  SaslAuthenticator.prototype.authenticate = async function authenticateInTime() {
    const { connection } = this;
    const { socket } = connection;
    let silent = false;
    const onTimeout = (): void => void (silent = true);
    socket.once('timeout', onTimeout);
    // At a timeout of the socket kafkajs ends the connection and rejects its pending requests.
    socket.setTimeout(saslTimeoutMs);
    try {
      await authenticate.call(this);
    } catch (thrown) {
      // The next attempt needs a new connection: on this one it would continue in the middle of the exchange.
      void connection.disconnect();
      // Not retriable: kafkajs's own retries would delay the report of the outage by a minute.
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
  // kafkajs asks each broker and drops their errors, so a group that is denied would seem to have no coordinator yet.
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
