/** Creates Kafka topics by the topic table, and compares existing ones with it. */
import kafkajs, { type Admin } from 'kafkajs';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type SettingDrift, type TopicDrift, driftOf } from '../../ports/event-log.ts';
import { DEAD_LETTER_ROOM_BYTES, type TopicSpec, sourceTopicOf } from '../../schemas/topics.ts';
import { deniedText, protocolType, isDenied } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE } from './cluster-metadata.ts';
import { errorOfCode } from './kafkajs-internals.ts';

/** Three replicas survive the loss of one broker while another restarts. */
const WANTED_REPLICAS = 3;

/** Kafka's `retention.ms` for unlimited retention. */
const FOREVER_MS = '-1';

/** The setting of the largest record batch that a topic accepts. A topic without it has the broker's `message.max.bytes`. */
const LIMIT = 'max.message.bytes';

/** Kafka's default of both. Unit: bytes. */
const KAFKAS_LIMIT = '1048588';

/** The settings of a topic by Kafka's names, and `partitions`. */
type Settings = Readonly<Record<string, string>>;

/** Compares topics with the table, as `createTopics` would. */
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
 * Creates missing topics, on three brokers where possible, and adds partitions to dead-letter topics that have fewer than their source.
 *
 * `tried` holds the topics that earlier attempts of the same call tried to create. The broker may have created them although its answer was
 * lost, so they are reported as created, with any differences from the table.
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
  // One request: a broker lists the topics of a second request only after it has created the logs of the first.
  const created = await admin
    .createTopics({
      waitForLeaders: true,
      topics: specs.map((spec) => {
        const sourceName = sourceTopicOf(spec.name);
        const source: Settings | null = sourceName === null ? null : (existing.get(sourceName) ?? usual);
        const { [PARTITIONS]: partitions, ...config } = wantedOf(spec);
        const settings = {
          ...config,
          // One replica may be unavailable. With acks=all every acknowledged record is on all the others.
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
  // The topic exists already, and the broker that listed topics did not know it yet. The error leads to another attempt.
  if (!created) throw errorOfCode(LEADER_NOT_AVAILABLE);
}

/** The error of a topic in place of kafkajs's aggregate error, which has no message. */
function reasonOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('errors' in thrown) || !Array.isArray(thrown.errors)) return thrown;
  const errors: readonly unknown[] = thrown.errors;
  return errors.find((error) => protocolType(error) !== 'TOPIC_ALREADY_EXISTS') ?? thrown;
}

/** The broker's limit for topics without one; Kafka's default where this process may not ask for it. */
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
    // Without the right to ask. A difference is reported as drift later.
    if (protocolType(thrown) === 'CLUSTER_AUTHORIZATION_FAILED') return KAFKAS_LIMIT;
    throw thrown;
  }
}

/** Adds partitions to dead-letter topics that have fewer than their source. Returns a description of each change by topic. */
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

/** The differences of a dead-letter topic that follow from its source. */
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

/** The settings of a topic in the table, by Kafka's names. */
function wantedOf({ partitions, cleanup, retentionMs }: TopicSpec) {
  return {
    [PARTITIONS]: String(partitions),
    'cleanup.policy': cleanup,
    'retention.ms': retentionMs === null ? FOREVER_MS : String(retentionMs),
  };
}

/** The settings of the existing topics among `names`. */
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
      // An answer without the topic says nothing about it.
      if (partitions === undefined || entries === undefined) throw errorOfCode(LEADER_NOT_AVAILABLE);
      const config = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
      return [name, { ...config, [PARTITIONS]: String(partitions.length) }];
    }),
  );
}

/** Throws ACCESS_DENIED with every topic that the user may not describe: a list of topics leaves them out as if they did not exist. */
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
