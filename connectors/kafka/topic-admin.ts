import kafkajs, { type Admin } from 'kafkajs';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type SettingDrift, type TopicDrift, driftOf } from '../../ports/event-log.ts';
import { DEAD_LETTER_ROOM_BYTES, type TopicSpec, sourceTopicOf } from '../../schemas/topics.ts';
import { deniedText, protocolType, isDenied } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE } from './cluster-metadata.ts';
import { errorOfCode } from './kafkajs-internals.ts';

/** Three copies survive the loss of one broker while another is being restarted; more only costs. */
const WANTED_REPLICAS = 3;

/** Kafka's word for "keep forever". */
const FOREVER_MS = '-1';

/** The largest record batch that a topic takes: its own limit, or the broker's (message.max.bytes) where it has none. */
const LIMIT = 'max.message.bytes';

/** Kafka's default of it. Unit: bytes. */
const KAFKAS_LIMIT = '1048588';

/** Kafka's settings of a topic by their names, and `partitions`. */
type Settings = Readonly<Record<string, string>>;

/** What `createTopics` would find. */
export async function compareTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
  const actual = await describe(
    admin,
    specs.flatMap(({ name }) => [name, sourceTopicOf(name) ?? name]),
  );
  return specs.map((spec): TopicDrift => {
    const topic = spec.name;
    const is = actual.get(topic);
    if (is === undefined) return { topic, state: 'missing' };
    const source = actual.get(sourceTopicOf(topic) ?? '');
    const differs = Object.entries(wantedOf(spec))
      .map(([setting, wanted]): SettingDrift => ({ setting, is: is[setting] ?? 'unknown', wanted }))
      .filter(
        ({ setting, is: value, wanted }) =>
          value !== wanted && !(setting === PARTITIONS && value === source?.[setting]),
      );
    return driftOf(topic, source === undefined ? differs : [...differs, ...behindSource(is, source)]);
  });
}

/**
 * Creates what is missing, on three brokers where there are as many, and lets dead-letter topics grow with their sources.
 *
 * `tried` holds the topics that an earlier attempt of the same call asked for. The broker may have created them though its answer was
 * lost: they are reported as created, with whatever differs from the table.
 */
export async function createTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  tried: Set<string>,
): Promise<readonly TopicDrift[]> {
  const before = await compareTopics(admin, specs);
  const missing = new Set(before.filter(({ state }) => state === 'missing').map(({ topic }) => topic));
  for (const topic of missing) tried.add(topic);
  await create(
    admin,
    specs.filter(({ name }) => missing.has(name)),
  );
  const grown = await grow(
    admin,
    specs.filter(({ name }) => !missing.has(name)),
  );
  const after = grown.size === 0 ? before : await compareTopics(admin, specs);
  return after.map((drift): TopicDrift => {
    if (missing.has(drift.topic)) return { topic: drift.topic, state: 'created' };
    if (tried.has(drift.topic) && drift.state === 'unchanged') return { topic: drift.topic, state: 'created' };
    const growth = grown.get(drift.topic);
    if (growth === undefined) return drift;
    const detail = drift.detail === undefined ? growth : `${growth}; ${drift.detail}`;
    return { ...drift, state: drift.state === 'unchanged' ? 'grown' : drift.state, detail };
  });
}

async function create(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  if (specs.length === 0) return;
  const { brokers } = await admin.describeCluster();
  const replicationFactor = Math.min(WANTED_REPLICAS, brokers.length);
  const existing = await describe(
    admin,
    specs.flatMap(({ name }) => sourceTopicOf(name) ?? []),
  );
  const usual = { [LIMIT]: await usualLimit(admin, brokers) };
  // In one request: a broker shows topics that were created by a second one only when it has made the logs of the first.
  const created = await admin
    .createTopics({
      waitForLeaders: true,
      topics: specs.map((spec) => {
        const sourceName = sourceTopicOf(spec.name);
        const source: Settings | null = sourceName === null ? null : (existing.get(sourceName) ?? usual);
        const { [PARTITIONS]: partitions, ...config } = wantedOf(spec);
        const settings = {
          ...config,
          // One copy may be away; with acks=all what is acknowledged is then on all the others.
          'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
          ...(source === null ? {} : { [LIMIT]: String(limitBeside(source)) }),
        };
        return {
          topic: spec.name,
          numPartitions: Math.max(Number(partitions), Number(source?.[PARTITIONS] ?? 0)),
          replicationFactor,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        };
      }),
    })
    .catch((thrown: unknown) => {
      throw reasonOf(thrown);
    });
  // It was there already: who answered before had not seen it yet. Another look says how it is.
  if (!created) throw errorOfCode(LEADER_NOT_AVAILABLE);
}

/** kafkajs gives an error for each topic, and one without words for all. */
function reasonOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('errors' in thrown) || !Array.isArray(thrown.errors)) return thrown;
  const errors: readonly unknown[] = thrown.errors;
  return errors.find((error) => protocolType(error) !== 'TOPIC_ALREADY_EXISTS') ?? thrown;
}

/** What a topic takes that has no limit of its own; Kafka's default where the broker does not tell us. */
async function usualLimit(admin: Admin, brokers: readonly { readonly nodeId: number }[]): Promise<string> {
  const name = 'message.max.bytes';
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.BROKER, name: String(brokers[0]?.nodeId ?? 0), configNames: [name] },
      ],
    });
    return resources[0]?.configEntries[0]?.configValue ?? KAFKAS_LIMIT;
  } catch (thrown) {
    // It may be forbidden to ask: what differs is reported as drift then.
    if (protocolType(thrown) === 'CLUSTER_AUTHORIZATION_FAILED') return KAFKAS_LIMIT;
    throw thrown;
  }
}

/** Dead-letter topics that have fewer partitions than their source get as many. Returns what was done, by topic. */
async function grow(admin: Admin, specs: readonly TopicSpec[]): Promise<ReadonlyMap<string, string>> {
  const pairs = specs.flatMap(({ name }) => {
    const source = sourceTopicOf(name);
    return source === null ? [] : [{ name, source }];
  });
  const actual = await describe(
    admin,
    pairs.flatMap(({ name, source }) => [name, source]),
  );
  const partitionsOf = (name: string): number => Number(actual.get(name)?.[PARTITIONS] ?? 0);
  const behind = pairs.filter(({ name, source }) => partitionsOf(name) < partitionsOf(source));
  if (behind.length > 0) {
    await admin.createPartitions({
      topicPartitions: behind.map(({ name, source }) => ({ topic: name, count: partitionsOf(source) })),
    });
  }
  return new Map(
    behind.map(({ name, source }) => [
      name,
      `${PARTITIONS} were ${partitionsOf(name)}, ${source} has ${partitionsOf(source)}`,
    ]),
  );
}

/** How a dead-letter topic falls short of its source. */
function behindSource(is: Settings, source: Settings): readonly SettingDrift[] {
  const differs: SettingDrift[] = [];
  const differ = (setting: string, wanted: string, says: string): void => {
    differs.push({ setting, is: is[setting] ?? 'unknown', wanted, says });
  };
  if (Number(is[PARTITIONS]) < Number(source[PARTITIONS])) {
    differ(PARTITIONS, source[PARTITIONS] ?? 'unknown', 'its source has');
  }
  const limit = String(limitBeside(source));
  if (is[LIMIT] !== limit) differ(LIMIT, limit, 'that of its source and 64 KiB are');
  return differs;
}

function limitBeside(source: Settings): number {
  return Number(source[LIMIT]) + DEAD_LETTER_ROOM_BYTES;
}

const PARTITIONS = 'partitions';

/** What the table decides about a topic, in Kafka's names. */
function wantedOf({ partitions, cleanup, retentionMs }: TopicSpec) {
  return {
    [PARTITIONS]: String(partitions),
    'cleanup.policy': cleanup,
    'retention.ms': retentionMs === null ? FOREVER_MS : String(retentionMs),
  };
}

/** The settings of those topics that exist. */
async function describe(admin: Admin, names: readonly string[]): Promise<ReadonlyMap<string, Settings>> {
  const existing = new Set(await admin.listTopics());
  await refuseHidden(
    admin,
    names.filter((name) => !existing.has(name)),
  );
  const topics = [...new Set(names)].filter((name) => existing.has(name));
  if (topics.length === 0) return new Map();
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: ['cleanup.policy', 'retention.ms', LIMIT],
    })),
  });
  return new Map(
    topics.map((name) => {
      const partitions = metadata.find((one) => one.name === name)?.partitions;
      const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries;
      // What an answer leaves out says nothing.
      if (partitions === undefined || entries === undefined) throw errorOfCode(LEADER_NOT_AVAILABLE);
      const config = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
      return [name, { ...config, [PARTITIONS]: String(partitions.length) }];
    }),
  );
}

/** A list of topics leaves out what the user may not see, as if it did not exist. Throws ACCESS_DENIED with every one of them. */
async function refuseHidden(admin: Admin, names: readonly string[]): Promise<void> {
  const hidden: string[] = [];
  for (const name of new Set(names)) {
    try {
      await admin.fetchTopicMetadata({ topics: [name] });
    } catch (thrown) {
      if (isDenied(thrown)) hidden.push(name);
      else if (protocolType(thrown) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw thrown;
    }
  }
  if (hidden.length === 0) return;
  throw new HarvestlineError('ACCESS_DENIED', deniedText({ resource: 'topic', right: 'DESCRIBE', names: hidden }));
}
