import type { ErrorCode } from '../../errors/codes.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { SubscribeOptions } from '../../ports/event-log.ts';
import type { ProtocolCall } from './kafkajs-internals.ts';

/** kafkajs's errors for a broker that did not answer. Their `retriable` is not reliable. */
const UNAVAILABLE_NAMES: ReadonlySet<unknown> = new Set([
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

/** kafkajs's plain error for a request on a connection that it has given up, for instance because the broker hangs. */
const NOT_CONNECTED = 'Broker not connected';

/** Errors of a fault inside the client. */
const INSIDE_NAMES: ReadonlySet<unknown> = new Set(['TypeError', 'RangeError']);

/** kafkajs's error for a mechanism that it does not support, or a broker that does not know the password. */
const SASL_ERROR = 'KafkaJSSASLAuthenticationError';

/** Final answers, although the error with which kafkajs gives up looks like an outage. */
const DEFINITE_NAMES: ReadonlySet<unknown> = new Set([
  SASL_ERROR,
  'KafkaJSNotImplemented',
  'KafkaJSServerDoesNotSupportApiKey',
]);

/** Codes that our own sockets give their errors (broker-socket.ts). kafkajs keeps nothing else of such an error. */
const SOCKET_CODES = ['BROKER_CERTIFICATE', 'BROKER_LISTENER', 'BROKER_AWAY'] as const;

/** A broker's answers about credentials and mechanism. kafkajs calls some of them retriable. */
const AUTH_TYPES: ReadonlySet<unknown> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);

/** Answers about a single record, by Kafka's names. */
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

/** True where the broker is unavailable or asks for a retry, false for a final answer. */
export function isUnavailable(thrown: unknown): boolean {
  const chain = [...chainOf(thrown)];
  // Our own code inside kafkajs throws too, for instance at a batch that does not decode. kafkajs retries, and wraps the error in the end.
  const own = chain.find((error) => error instanceof HarvestlineError);
  if (own !== undefined) return own.kind === 'transient';
  const socket = socketCode(chain);
  if (socket !== null) return socket === 'BROKER_AWAY';
  if (chain.some(({ name, type }) => DEFINITE_NAMES.has(name) || AUTH_TYPES.has(type))) return false;
  const answer = chain.find(({ type }) => typeof type === 'string');
  if (answer !== undefined) return answer.retriable === true;
  // A fault inside the client is not the broker's answer. The next connection may not have it.
  return chain.some(
    ({ name, code, message }) =>
      UNAVAILABLE_NAMES.has(name) || NETWORK_CODES.has(code) || INSIDE_NAMES.has(name) || message === NOT_CONNECTED,
  );
}

/** Translates what kafkajs threw: BROKER_AWAY, or the code of the final answer. `what` names the attempt, for the message. */
export function logError(thrown: unknown, what: string, topic?: string, group?: string): HarvestlineError {
  const chain = [...chainOf(thrown)];
  // kafkajs wraps errors that our own code has thrown inside it.
  for (const error of chain) if (error instanceof HarvestlineError) return error;
  const at = topic === undefined ? {} : { at: { topic } };
  const error = (code: ErrorCode, why: string): HarvestlineError =>
    new HarvestlineError(code, why, { ...at, cause: thrown });
  const type = protocolType(thrown);
  if (topic !== undefined && type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return error('TOPIC_MISSING', `topic ${topic} does not exist on the broker`);
  }
  const says = `${what}: ${messageOf(thrown)}`;
  for (const one of chain) {
    const denial = denialOf(one);
    if (denial?.resource === 'mechanism') {
      return error('BROKER_AUTH_REFUSED', `${says}: the mechanisms of this listener are ${denial.names.join(', ')}`);
    }
    if (denial !== null) return error('ACCESS_DENIED', `${what}: ${deniedText(denial, topic, group)}`);
  }
  if (type?.endsWith('_AUTHORIZATION_FAILED') === true) return error('ACCESS_DENIED', says);
  const socket = socketCode(chain);
  if (socket !== null) return error(socket, says);
  if (chain.some(({ name, type: ofIt }) => name === SASL_ERROR || AUTH_TYPES.has(ofIt))) {
    return error('BROKER_AUTH_REFUSED', type === 'ILLEGAL_SASL_STATE' ? `${says} (a listener without SASL)` : says);
  }
  return error(isUnavailable(thrown) ? 'BROKER_AWAY' : (REFUSALS.get(type) ?? 'LOG_REFUSED'), says);
}

/** Rights that are included in greater ones. */
const INCLUDED: Readonly<Record<string, string>> = {
  'topic DESCRIBE': 'READ and WRITE include it',
  'group DESCRIBE': 'READ includes it',
};

/** `no right READ on topic harvest.intent`. */
export function deniedText({ resource, right, names }: Denial, topic?: string, group?: string): string {
  // Kafka grants IDEMPOTENT_WRITE to everybody who may write to any topic.
  if (right === 'IDEMPOTENT_WRITE') return `no right WRITE on topic ${topic ?? ''}, nor ${right} on the cluster`;
  const known = resource === 'topic' ? topic : resource === 'group' ? group : undefined;
  const list = names.length > 0 ? names.join(', ') : known;
  const included = INCLUDED[`${resource} ${right}`];
  return (
    `no right${right === null ? '' : ` ${right}`} on ${resource === 'cluster' ? 'the cluster' : resource}` +
    (list === undefined ? '' : ` ${list}`) +
    (included === undefined ? '' : ` (${included})`)
  );
}

function socketCode(chain: readonly Details[]): (typeof SOCKET_CODES)[number] | null {
  for (const { code } of chain) {
    const known = SOCKET_CODES.find((one) => one === code);
    if (known !== undefined) return known;
  }
  return null;
}

function* chainOf(thrown: unknown): Iterable<Details> {
  let error = thrown;
  // Bounded: kafkajs sometimes makes an error its own cause.
  for (let depth = 0; depth < 8 && error instanceof Error; depth++) {
    yield error;
    // Of several errors of one request, the first.
    error =
      error.cause ?? ('errors' in error && Array.isArray(error.errors) ? (error.errors[0] as unknown) : undefined);
  }
}

/** How a membership ended. After `unavailable` a new one may begin. */
export type MemberEnd =
  { readonly kind: 'stopped' } | { readonly kind: 'unavailable' | 'failed'; readonly error: unknown };

/** The end of a membership by an error while consuming. */
export function endOf(thrown: unknown, { topics, group }: Pick<SubscribeOptions, 'topics' | 'group'>): MemberEnd {
  const error = logError(thrown, 'consuming', topics.length === 1 ? topics[0] : undefined, group);
  return { kind: isUnavailable(thrown) && error.code !== 'TOPIC_MISSING' ? 'unavailable' : 'failed', error };
}

// Denied rights. The error code of a broker only says that some topic or group is denied. The right follows from the request and the names
// are in the answer, and kafkajs keeps neither.

type Resource = 'topic' | 'group' | 'cluster' | 'transactional id' | 'mechanism';

/**
 * What a broker denies. `names` is empty where the answer names nothing, as for a group or the cluster. For a SASL mechanism, they are the
 * mechanisms that the listener does have.
 */
interface Denial {
  readonly resource: Resource;
  /** By Kafka's name; null for a request that is not in the table. */
  readonly right: string | null;
  readonly names: readonly string[];
}

/** By Kafka's name of the error. */
const RESOURCES: ReadonlyMap<unknown, Resource> = new Map([
  ['TOPIC_AUTHORIZATION_FAILED', 'topic'],
  ['GROUP_AUTHORIZATION_FAILED', 'group'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'cluster'],
  ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'transactional id'],
  ['UNSUPPORTED_SASL_MECHANISM', 'mechanism'],
]);

const GROUP_MEMBER = { group: 'READ' } as const;

/** The rights that a request needs, by kafkajs's name of the request (Kafka's documentation, "Protocols in Kafka and ACLs"). */
const RIGHTS: Readonly<Record<string, Partial<Record<Resource, string>>>> = {
  Metadata: { topic: 'DESCRIBE' },
  ListOffsets: { topic: 'DESCRIBE' },
  Fetch: { topic: 'READ', cluster: 'CLUSTER_ACTION' },
  Produce: { topic: 'WRITE', cluster: 'IDEMPOTENT_WRITE', 'transactional id': 'WRITE' },
  InitProducerId: { cluster: 'IDEMPOTENT_WRITE', 'transactional id': 'WRITE' },
  GroupCoordinator: { group: 'DESCRIBE', 'transactional id': 'DESCRIBE' },
  JoinGroup: GROUP_MEMBER,
  SyncGroup: GROUP_MEMBER,
  Heartbeat: GROUP_MEMBER,
  LeaveGroup: GROUP_MEMBER,
  OffsetCommit: { group: 'READ', topic: 'READ' },
  OffsetFetch: { group: 'DESCRIBE', topic: 'DESCRIBE' },
  CreateTopics: { topic: 'CREATE', cluster: 'CREATE' },
  CreatePartitions: { topic: 'ALTER' },
  DescribeConfigs: { topic: 'DESCRIBE_CONFIGS', cluster: 'DESCRIBE_CONFIGS' },
};

/** Kept beside the error: kafkajs wraps it, and drops fields that it does not know. */
const denials = new WeakMap<Error, Denial>();

function denialOf(error: Error): Denial | null {
  return denials.get(error) ?? null;
}

/** True where an error, or one of its causes, reports a denied right. */
export function isDenied(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return denials.has(thrown) || (thrown.cause !== thrown && isDenied(thrown.cause));
}

/** Remembers what is denied for an error that reports it. To be called where the answer is still at hand. */
export function noteDenial(thrown: unknown, apiName: string, answer: unknown): void {
  if (!(thrown instanceof Error)) return;
  // kafkajs throws one error for all topics of a CreateTopics request.
  if ('errors' in thrown && Array.isArray(thrown.errors)) {
    for (const one of thrown.errors as readonly unknown[]) noteDenial(one, apiName, answer);
  }
  const { type, code } = thrown as Error & { readonly type?: unknown; readonly code?: unknown };
  const resource = RESOURCES.get(type);
  if (resource === undefined) return;
  const names = resource === 'mechanism' ? mechanismsIn(answer) : [...new Set(namesWith(code, answer, null))];
  denials.set(thrown, { resource, right: RIGHTS[apiName]?.[resource] ?? null, names });
}

/** The same call, whose reader of the answer calls `noteDenial`. */
export function noteDenials<Call extends ProtocolCall>(call: Call): Call {
  const { request, response } = call;
  return {
    ...call,
    response: {
      ...response,
      parse: async (answer: unknown) => {
        try {
          return await response.parse(answer);
        } catch (thrown) {
          noteDenial(thrown, request.apiName, answer);
          throw thrown;
        }
      },
    },
  };
}

function mechanismsIn(answer: unknown): readonly string[] {
  return (answer as { readonly enabledMechanisms?: readonly string[] }).enabledMechanisms ?? [];
}

/** The key of an answer that holds records, which contain no error codes. */
const RECORDS = 'messages';

/** The topic or resource name nearest above each error of that code in an answer. kafkajs uses several keys for both. */
function* namesWith(code: unknown, node: unknown, above: string | null): Iterable<string> {
  if (typeof node !== 'object' || node === null || ArrayBuffer.isView(node)) return;
  if (Array.isArray(node)) {
    for (const one of node as readonly unknown[]) yield* namesWith(code, one, above);
    return;
  }
  const fields = Object.entries(node);
  const named = fields.find(([key]) => key === 'topic' || key === 'topicName' || key === 'resourceName');
  const name = typeof named?.[1] === 'string' ? named[1] : above;
  for (const [key, value] of fields) {
    if (key === RECORDS) continue;
    if (/errorCode$/i.test(key) && value === code && name !== null) yield name;
    yield* namesWith(code, value, name);
  }
}
