/**
 * Which right a broker denies, on what. Its error code tells only that of some topic or group something is denied; what was asked for is in
 * the request, and the names are in the answer, both of which kafkajs drops.
 */
import type { ProtocolCall } from './kafkajs-internals.ts';

type Resource = 'topic' | 'group' | 'cluster' | 'transactional id' | 'mechanism';

/** What is denied. `names` is empty where the answer names nothing: a group, the cluster. Of a SASL mechanism they are those that are not. */
export interface Denial {
  readonly resource: Resource;
  /** In Kafka's words; null for a request that is not in the table. */
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

/** What a request needs, by kafkajs's name of it (Kafka's documentation, "Protocols in Kafka and ACLs"). */
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

/** By the error that kafkajs throws: it wraps it, and takes nothing else along. */
const denials = new WeakMap<Error, Denial>();

export function denialOf(error: Error): Denial | null {
  return denials.get(error) ?? null;
}

/** Whether an error, or what it wraps, tells that something is denied. */
export function isDenied(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return denials.has(thrown) || (thrown.cause !== thrown && isDenied(thrown.cause));
}

/** Notes what is denied where the error is thrown that tells of it. */
export function noteDenial(thrown: unknown, apiName: string, answer: unknown): void {
  if (!(thrown instanceof Error)) return;
  // kafkajs throws one error for several topics that it was to create.
  if ('errors' in thrown && Array.isArray(thrown.errors)) {
    for (const one of thrown.errors as readonly unknown[]) noteDenial(one, apiName, answer);
  }
  const { type, code } = thrown as Error & { readonly type?: unknown; readonly code?: unknown };
  const resource = RESOURCES.get(type);
  if (resource === undefined) return;
  const names = resource === 'mechanism' ? mechanismsIn(answer) : [...new Set(namesWith(code, answer, null))];
  denials.set(thrown, { resource, right: RIGHTS[apiName]?.[resource] ?? null, names });
}

/** The call, with a reader of its answer that notes what is denied. */
export function namingWhatIsDenied<Call extends ProtocolCall>(call: Call): Call {
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

/** Keys that hold records, not errors. */
const RECORDS = 'messages';

/** The nearest names above every error of that code in an answer, which kafkajs calls by several keys. */
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
