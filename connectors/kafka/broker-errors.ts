import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';

/** Errors by which kafkajs says that it got no answer, whatever their own `retriable` says. */
const AWAY_NAMES: ReadonlySet<unknown> = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSTimeout',
  'KafkaJSLockTimeout',
  'KafkaJSNumberOfRetriesExceeded',
]);

/** kafkajs's plain error for a request on a connection that was given up, for instance because the broker hangs. */
const NOT_CONNECTED = 'Broker not connected';

/** What a fault inside the client throws. */
const INSIDE_NAMES: ReadonlySet<unknown> = new Set(['TypeError', 'RangeError']);

/** Answers that another try will not change, though kafkajs gives up on them with an error that looks like an absence. */
const DEFINITE_NAMES: ReadonlySet<unknown> = new Set([
  'KafkaJSSASLAuthenticationError',
  'KafkaJSNotImplemented',
  'KafkaJSServerDoesNotSupportApiKey',
]);

/** Answers about one record, by Kafka's names. */
const REFUSALS: ReadonlyMap<string | null, 'RECORD_TOO_LARGE' | 'TIMESTAMP_REFUSED'> = new Map([
  ['MESSAGE_TOO_LARGE', 'RECORD_TOO_LARGE'],
  ['RECORD_LIST_TOO_LARGE', 'RECORD_TOO_LARGE'],
  ['INVALID_TIMESTAMP', 'TIMESTAMP_REFUSED'],
]);

const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The fields that kafkajs and Node put on their errors. */
type Details = Error & { readonly type?: unknown; readonly retriable?: unknown; readonly code?: unknown };

/** Kafka's own name of the error, for example REBALANCE_IN_PROGRESS; null where the broker gave none. */
export function protocolType(thrown: unknown): string | null {
  for (const error of chainOf(thrown)) if (typeof error.type === 'string') return error.type;
  return null;
}

/** True where the broker is away or asks for another try; false for its definite no. */
export function isAway(thrown: unknown): boolean {
  const chain = [...chainOf(thrown)];
  // What our own code inside kafkajs has thrown, for instance at a batch that does not decode: kafkajs tries it again, and then gives up.
  const own = chain.find((error) => error instanceof HarvestlineError);
  if (own !== undefined) return own.kind === 'transient';
  if (chain.some(({ name }) => DEFINITE_NAMES.has(name))) return false;
  const answer = chain.find(({ type }) => typeof type === 'string');
  if (answer !== undefined) return answer.retriable === true;
  // A fault of the client's own inside is no word of the broker's: it may be gone with the next connection.
  return chain.some(
    ({ name, code, message }) =>
      AWAY_NAMES.has(name) || NETWORK_CODES.has(code) || INSIDE_NAMES.has(name) || message === NOT_CONNECTED,
  );
}

/** What kafkajs threw as an error of ours: BROKER_AWAY, TOPIC_MISSING, RECORD_TOO_LARGE, TIMESTAMP_REFUSED or LOG_REFUSED. `what` is what was tried. */
export function logError(thrown: unknown, what: string, topic?: string): HarvestlineError {
  // kafkajs wraps what our own code inside it has thrown.
  for (const error of chainOf(thrown)) if (error instanceof HarvestlineError) return error;
  const at = topic === undefined ? {} : { at: { topic } };
  if (topic !== undefined && protocolType(thrown) === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new HarvestlineError('TOPIC_MISSING', `topic ${topic} does not exist on the broker`, {
      ...at,
      cause: thrown,
    });
  }
  const code = isAway(thrown) ? 'BROKER_AWAY' : (REFUSALS.get(protocolType(thrown)) ?? 'LOG_REFUSED');
  return new HarvestlineError(code, `${what}: ${messageOf(thrown)}`, { ...at, cause: thrown });
}

function* chainOf(thrown: unknown): Iterable<Details> {
  let error = thrown;
  // kafkajs wraps an error in itself now and then; no chain is longer than a few.
  for (let depth = 0; depth < 8 && error instanceof Error; depth++) {
    yield error;
    error = error.cause;
  }
}
