import kafkajs, { type Admin } from 'kafkajs';
import { type TopicDrift, driftOf } from '../../ports/event-log.ts';
import type { TopicSpec } from '../../schemas/topics.ts';

/** Three copies survive the loss of one broker while another is being restarted; more only costs. */
const WANTED_REPLICAS = 3;

/** Kafka's word for "keep forever". */
const FOREVER_MS = '-1';

/** What `createTopics` would find. */
export async function compareTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
  const existing = new Set(await admin.listTopics());
  const found = specs.map(({ name }) => name).filter((name) => existing.has(name));
  const actual = await describe(admin, found);
  return specs.map((spec): TopicDrift => {
    const topic = spec.name;
    if (!existing.has(topic)) return { topic, state: 'missing' };
    const is = actual.get(topic) ?? {};
    const differs = Object.entries(wantedOf(spec))
      .map(([setting, wanted]) => ({ setting, is: is[setting] ?? 'unknown', wanted }))
      .filter(({ is: value, wanted }) => value !== wanted);
    return driftOf(topic, differs);
  });
}

/** Creates what is missing, on three brokers where there are as many; changes nothing that exists. */
export async function createTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
  const drifts = await compareTopics(admin, specs);
  const missing = new Set(drifts.filter(({ state }) => state === 'missing').map(({ topic }) => topic));
  if (missing.size === 0) return drifts;
  const { brokers } = await admin.describeCluster();
  const replicationFactor = Math.min(WANTED_REPLICAS, brokers.length);
  await admin.createTopics({
    waitForLeaders: true,
    topics: specs
      .filter(({ name }) => missing.has(name))
      .map((spec) => ({
        topic: spec.name,
        numPartitions: spec.partitions,
        replicationFactor,
        configEntries: configEntries(spec, replicationFactor),
      })),
  });
  return drifts.map((drift) => (drift.state === 'missing' ? { topic: drift.topic, state: 'created' } : drift));
}

function configEntries(spec: TopicSpec, replicationFactor: number): { name: string; value: string }[] {
  const { partitions: _, ...config } = wantedOf(spec);
  // One copy may be away; with acks=all what is acknowledged is then on all the others.
  const minInSync = Math.max(1, replicationFactor - 1);
  return Object.entries({ ...config, 'min.insync.replicas': String(minInSync) }).map(([name, value]) => ({
    name,
    value,
  }));
}

/** What the table decides about a topic, in Kafka's names. */
function wantedOf({ partitions, cleanup, retentionMs }: TopicSpec) {
  return {
    partitions: String(partitions),
    'cleanup.policy': cleanup,
    'retention.ms': retentionMs === null ? FOREVER_MS : String(retentionMs),
  };
}

async function describe(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  if (topics.length === 0) return new Map();
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics: [...topics] });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: ['cleanup.policy', 'retention.ms'],
    })),
  });
  return new Map(
    metadata.map(({ name, partitions }) => {
      const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
      const config = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
      return [name, { partitions: String(partitions.length), ...config }];
    }),
  );
}
