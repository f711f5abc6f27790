import * as fc from 'fast-check';
import { type Admin, ConfigResourceTypes } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { noteDenial } from '../../../connectors/kafka/broker-errors.ts';
import { errorOfCode } from '../../../connectors/kafka/kafkajs-internals.ts';
import { compareTopics, createTopics } from '../../../connectors/kafka/topic-admin.ts';
import type { TopicDrift } from '../../../ports/event-log.ts';
import { DEAD_LETTER_ROOM_BYTES, type TopicSpec, deadLetterTopicOf, sourceTopicOf } from '../../../schemas/topics.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';

const [UNKNOWN_TOPIC, TOPIC_DENIED, CLUSTER_DENIED] = [3, 29, 31];

const LIMIT = 'max.message.bytes';
const BROKERS_LIMIT = 5_000_000;
const KAFKAS_LIMIT = 1_048_588;

const PRICES: TopicSpec = { name: 'prices', key: 'as received', partitions: 3, cleanup: 'compact', retentionMs: null };
const LETTERS: TopicSpec = { ...PRICES, name: 'prices.dlq', cleanup: 'delete', retentionMs: 1000 };

/** A topic as a broker has it. */
interface Topic {
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** A topic with the settings of its specification and this limit on record batches. */
function topicOf(spec: TopicSpec, limit: number): Topic {
  const config = {
    'cleanup.policy': spec.cleanup,
    'retention.ms': String(spec.retentionMs ?? -1),
    [LIMIT]: String(limit),
  };
  return { partitions: spec.partitions, config };
}

/** A cluster with these topics, behind an admin client. */
class Cluster {
  readonly topics: Map<string, Topic>;
  readonly brokers: number;
  /** Existing topics that the user may not describe. */
  readonly hidden = new Set<string>();
  /** Topics that are missing in answers about settings. */
  readonly leftOut = new Set<string>();
  /** True where the user may not read the broker's settings. */
  isBrokerHidden = false;
  /** The requests that change something. */
  readonly changes: { readonly created?: readonly string[]; readonly grown?: readonly string[] }[] = [];
  readonly replication = new Map<string, number>();

  constructor(topics: Readonly<Record<string, Topic>>, brokers = 3) {
    this.topics = new Map(Object.entries(topics));
    this.brokers = brokers;
  }

  readonly admin = {
    listTopics: () => Promise.resolve([...this.topics.keys()].filter((name) => !this.hidden.has(name))),
    describeCluster: () =>
      Promise.resolve({ brokers: Array.from({ length: this.brokers }, (_, nodeId) => ({ nodeId })) }),
    fetchTopicMetadata: ({ topics }: { topics: string[] }) => {
      const hidden = topics.find((name) => this.hidden.has(name));
      if (hidden !== undefined) return Promise.reject(denied(TOPIC_DENIED));
      if (topics.some((name) => !this.topics.has(name))) return Promise.reject(errorOfCode(UNKNOWN_TOPIC));
      const partitions = (name: string) => Array.from({ length: this.topics.get(name)?.partitions ?? 0 }, () => ({}));
      return Promise.resolve({ topics: topics.map((name) => ({ name, partitions: partitions(name) })) });
    },
    describeConfigs: ({
      resources,
    }: {
      resources: { type: ConfigResourceTypes; name: string; configNames: string[] }[];
    }) => {
      if (resources.some(({ type }) => type === ConfigResourceTypes.BROKER)) {
        if (this.isBrokerHidden) return Promise.reject(denied(CLUSTER_DENIED));
        const configEntries = [{ configName: 'message.max.bytes', configValue: String(BROKERS_LIMIT) }];
        return Promise.resolve({ resources: [{ configEntries }] });
      }
      const answered = resources.filter(({ name }) => !this.leftOut.has(name));
      return Promise.resolve({
        resources: answered.map(({ name, configNames }) => ({
          resourceName: name,
          configEntries: Object.entries(this.topics.get(name)?.config ?? {})
            .filter(([configName]) => configNames.includes(configName))
            .map(([configName, configValue]) => ({ configName, configValue })),
        })),
      });
    },
    createTopics: ({
      topics,
    }: {
      topics: {
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        configEntries: { name: string; value: string }[];
      }[];
    }) => {
      this.changes.push({ created: topics.map(({ topic }) => topic) });
      if (topics.some(({ topic }) => this.topics.has(topic))) return Promise.resolve(false);
      for (const { topic, numPartitions, replicationFactor, configEntries } of topics) {
        const config = Object.fromEntries(configEntries.map(({ name, value }) => [name, value]));
        this.topics.set(topic, { partitions: numPartitions, config: { [LIMIT]: String(BROKERS_LIMIT), ...config } });
        this.replication.set(topic, replicationFactor);
      }
      return Promise.resolve(true);
    },
    createPartitions: ({ topicPartitions }: { topicPartitions: { topic: string; count: number }[] }) => {
      this.changes.push({ grown: topicPartitions.map(({ topic }) => topic) });
      for (const { topic, count } of topicPartitions) {
        this.topics.set(topic, { partitions: count, config: this.topics.get(topic)?.config ?? {} });
      }
      return Promise.resolve(true);
    },
  } as unknown as Admin;
}

function denied(code: number): Error {
  const error = errorOfCode(code);
  noteDenial(error, 'Metadata', {});
  return error;
}

/** The differences, as setting: [is, wanted]. */
function differences({ differs = [] }: Partial<TopicDrift> = {}): Record<string, readonly [string, string]> {
  return Object.fromEntries(differs.map(({ setting, is, wanted }) => [setting, [is, wanted]]));
}

async function comparedTo(cluster: Cluster, ...specs: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
  const drifts = await compareTopics(cluster.admin, specs);
  expect(cluster.changes).toEqual([]);
  return drifts;
}

const aSpec: fc.Arbitrary<TopicSpec> = fc.record({
  name: fc.constant('prices'),
  key: fc.constant('as received' as const),
  partitions: fc.integer({ min: 1, max: 4 }),
  cleanup: fc.constantFrom('delete', 'compact'),
  retentionMs: fc.constantFrom(null, 1000, 2000),
});

const PARTITIONS = fc.integer({ min: 2, max: 5 });

const aSource = PARTITIONS.map((partitions) => topicOf({ ...PRICES, partitions }, 1000));

/** Settings of a dead-letter topic with that source, correct more often than not. */
const someLetters = fc
  .tuple(PARTITIONS, fc.constantFrom(1000, 1000, 2000), fc.constantFrom(0, 1, 1, 1))
  .map(([partitions, retentionMs, rooms]) =>
    topicOf({ ...LETTERS, partitions, retentionMs }, 1000 + rooms * DEAD_LETTER_ROOM_BYTES),
  );

describe('how a topic differs', () => {
  it('is exactly the settings that are not as the table says, whatever the topic has beside', async () => {
    await fc.assert(
      fc.asyncProperty(aSpec, aSpec, async (wanted, is) => {
        const [drift] = await comparedTo(new Cluster({ prices: topicOf(is, 77) }), wanted);
        const expected = {
          ...(is.partitions === wanted.partitions ? {} : { partitions: [`${is.partitions}`, `${wanted.partitions}`] }),
          ...(is.cleanup === wanted.cleanup ? {} : { 'cleanup.policy': [is.cleanup, wanted.cleanup] }),
          ...(is.retentionMs === wanted.retentionMs
            ? {}
            : { 'retention.ms': [`${is.retentionMs ?? -1}`, `${wanted.retentionMs ?? -1}`] }),
        };
        expect(drift?.state).toBe(Object.keys(expected).length === 0 ? 'unchanged' : 'drifted');
        expect(differences(drift)).toEqual(expected);
        for (const setting of Object.keys(expected)) expect(drift?.detail).toContain(setting);
      }),
    );
  });

  it('is unknown for a setting that the broker does not tell, and missing for a topic that is not there', async () => {
    const { partitions, config } = topicOf(PRICES, 77);
    const cluster = new Cluster({ prices: { partitions, config: { 'retention.ms': config['retention.ms'] ?? '' } } });
    expect(await comparedTo(cluster, PRICES, { ...PRICES, name: 'orders' })).toMatchObject([
      { topic: 'prices', differs: [{ setting: 'cleanup.policy', is: 'unknown', wanted: 'compact' }] },
      { topic: 'orders', state: 'missing' },
    ]);
  });

  it('is not told from an answer that leaves the topic out: another look says how it is', async () => {
    const cluster = new Cluster({ prices: topicOf(PRICES, 77) });
    cluster.leftOut.add('prices');
    await expect(compareTopics(cluster.admin, [PRICES])).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE' });
  });

  it('is no absence where the user may not see topics: all of those are named, and nothing is created', async () => {
    const cluster = new Cluster({ prices: topicOf(PRICES, 77), orders: topicOf(PRICES, 77) });
    cluster.hidden.add('prices').add('orders');
    const specs = ['prices', 'new', 'orders'].map((name) => ({ ...PRICES, name }));
    const refused = createTopics(cluster.admin, specs, new Set());
    await expect(refused).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/DESCRIBE on topic prices, orders/) as unknown,
    });
    expect(cluster.changes).toEqual([]);
  });
});

describe('how a dead-letter topic differs', () => {
  const letters = (traits: { partitions?: number; limit?: number }): Topic =>
    topicOf({ ...LETTERS, partitions: traits.partitions ?? 3 }, traits.limit ?? 1000 + DEAD_LETTER_ROOM_BYTES);

  it.each([
    ['as many partitions as its source, whatever the table says', 5, letters({ partitions: 5 }), {}],
    ['as many as the table says, though its source has fewer', 2, letters({}), {}],
    ['fewer than its source', 5, letters({}), { partitions: ['3', '5'] }],
    ['neither as many as its source nor as the table', 5, letters({ partitions: 6 }), { partitions: ['6', '3'] }],
    [
      'no room for the headers that say why',
      3,
      letters({ limit: 1000 }),
      { [LIMIT]: ['1000', `${1000 + DEAD_LETTER_ROOM_BYTES}`] },
    ],
  ])('%s', async (_, sources, has, expected) => {
    const source = topicOf({ ...PRICES, partitions: sources }, 1000);
    const [drift] = await comparedTo(new Cluster({ prices: source, 'prices.dlq': has }), LETTERS);
    expect(differences(drift)).toEqual(expected);
    expect(drift?.state).toBe(Object.keys(expected).length === 0 ? 'unchanged' : 'drifted');
  });

  it('is judged by the table alone where its source is not there', async () => {
    const cluster = new Cluster({ 'prices.dlq': letters({ partitions: 5, limit: 1 }) });
    const [drift] = await comparedTo(cluster, LETTERS);
    expect(differences(drift)).toEqual({ partitions: ['5', '3'] });
  });
});

describe('creating topics', () => {
  it.each([
    [1, 1, '1'],
    [2, 2, '1'],
    [3, 3, '2'],
    [5, 3, '2'],
  ])('on %i brokers they have %i copies, of which %s must have a record', async (brokers, copies, inSync) => {
    const cluster = new Cluster({}, brokers);
    await createTopics(cluster.admin, [PRICES], new Set());
    expect(cluster.replication.get('prices')).toBe(copies);
    expect(cluster.topics.get('prices')?.config['min.insync.replicas']).toBe(inSync);
  });

  it.each([
    ["its source's, where that is there", { prices: topicOf({ ...PRICES, partitions: 5 }, 1000) }, false, 5, 1000],
    ["the broker's", {}, false, 3, BROKERS_LIMIT],
    ["Kafka's, where the broker's may not be asked for", {}, true, 3, KAFKAS_LIMIT],
  ])('a dead-letter topic takes more than %s', async (_, topics, isBrokerHidden, partitions, limit) => {
    const cluster = new Cluster(topics);
    cluster.isBrokerHidden = isBrokerHidden;
    await createTopics(cluster.admin, [PRICES, LETTERS], new Set());
    const created = cluster.topics.get('prices.dlq');
    expect(created?.partitions).toBe(partitions);
    expect(created?.config[LIMIT]).toBe(String(limit + DEAD_LETTER_ROOM_BYTES));
    expect(cluster.changes).toHaveLength(1);
  });

  it('that somebody else creates meanwhile is no success: another look says how they are', async () => {
    const cluster = new Cluster({});
    const admin: Admin = {
      ...cluster.admin,
      createTopics: () => Promise.resolve(false),
    };
    await expect(createTopics(admin, [PRICES], new Set())).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE' });
  });

  it('says of a dead-letter topic that grew what it had, and what else differs still', async () => {
    const cluster = new Cluster({
      prices: topicOf({ ...PRICES, partitions: 5 }, 1000),
      'prices.dlq': topicOf({ ...LETTERS, retentionMs: 7 }, 1000 + DEAD_LETTER_ROOM_BYTES),
    });
    const [drift] = await createTopics(cluster.admin, [LETTERS], new Set());
    expect(drift?.state).toBe('drifted');
    expect(drift?.detail).toMatch(/^partitions were 3, prices has 5; retention\.ms is 7/);
    expect(drift?.detail).not.toContain('partitions is');
    expect(drift?.differs?.map(({ setting }) => setting)).toContain('retention.ms');
  });

  it('changes nothing of what is there but that dead-letter topics get the partitions of their sources, and does it once', async () => {
    const branch = countedBranches({ created: 50, grown: 5, drifted: 20, unchanged: 20, missing: 0 });
    const names = ['prices', 'orders'];
    /** A topic without dead letters, with them, or nothing. */
    const some = (name: string): fc.Arbitrary<Readonly<Record<string, Topic>>> =>
      fc.oneof(
        fc.constant({}),
        fc.record({ [name]: aSource }),
        fc.record({ [name]: aSource, [deadLetterTopicOf(name)]: someLetters }),
      );
    const someTopics = fc
      .tuple(...names.map(some))
      .map((topics) => Object.assign({}, ...topics) as Record<string, Topic>);
    await fc.assert(
      fc.asyncProperty(someTopics, async (before) => {
        const cluster = new Cluster(before);
        const specs = names.flatMap((name) => [
          { ...PRICES, name },
          { ...LETTERS, name: deadLetterTopicOf(name) },
        ]);
        const first = await createTopics(cluster.admin, specs, new Set());
        for (const { state } of first) branch(state);
        const grown = new Set<string>();
        for (const [name, topic] of Object.entries(before)) {
          const source = cluster.topics.get(sourceTopicOf(name) ?? '');
          const partitions = Math.max(topic.partitions, source?.partitions ?? 0);
          expect(cluster.topics.get(name)).toEqual({ ...topic, partitions });
          if (partitions > topic.partitions) grown.add(name);
        }
        cluster.changes.length = 0;
        const compared = await comparedTo(cluster, ...specs);
        expect(first.map(({ state }) => state)).toEqual(
          compared.map(({ topic, state }) => {
            if (!Object.hasOwn(before, topic)) return 'created';
            return grown.has(topic) && state === 'unchanged' ? 'grown' : state;
          }),
        );
        const second = await createTopics(cluster.admin, specs, new Set());
        expect(second).toEqual(compared);
        expect(cluster.changes).toEqual([]);
      }),
    );
  });
});
