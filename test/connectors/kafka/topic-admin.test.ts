import { type Admin, ConfigResourceTypes } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createTopics } from '../../../connectors/kafka/topic-admin.ts';
import type { TopicSpec } from '../../../schemas/topics.ts';

const SPEC: TopicSpec = { name: 'prices', key: 'as received', partitions: 3, cleanup: 'compact', retentionMs: 1000 };

/** An admin client whose broker creates topics, although some of its answers are lost. */
class ForgetfulBroker {
  readonly #topics = new Map<string, { readonly partitions: number; readonly config: ReadonlyMap<string, string> }>();
  #answersLost: number;

  constructor(answersLost: number) {
    this.#answersLost = answersLost;
  }

  readonly admin = {
    listTopics: () => Promise.resolve([...this.#topics.keys()]),
    describeCluster: () => Promise.resolve({ brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }] }),
    fetchTopicMetadata: ({ topics }: { topics: string[] }) => {
      if (topics.some((name) => !this.#topics.has(name))) {
        return Promise.reject(Object.assign(new Error('unknown'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }));
      }
      const partitions = (name: string) => Array.from({ length: this.#topics.get(name)?.partitions ?? 0 }, () => ({}));
      return Promise.resolve({ topics: topics.map((name) => ({ name, partitions: partitions(name) })) });
    },
    describeConfigs: ({ resources }: { resources: { type: ConfigResourceTypes; name: string }[] }) =>
      Promise.resolve({
        resources: resources
          .filter(({ type }) => type === ConfigResourceTypes.TOPIC)
          .map(({ name }) => ({
            resourceName: name,
            configEntries: [...(this.#topics.get(name)?.config ?? [])].map(([configName, configValue]) => ({
              configName,
              configValue,
            })),
          })),
      }),
    createTopics: ({
      topics,
    }: {
      topics: { topic: string; numPartitions: number; configEntries: { name: string; value: string }[] }[];
    }) => {
      for (const { topic, numPartitions, configEntries } of topics) {
        const config = new Map(configEntries.map(({ name, value }) => [name, value]));
        this.#topics.set(topic, { partitions: numPartitions, config });
      }
      if (this.#answersLost-- > 0) return Promise.reject(new Error('Request timed out'));
      return Promise.resolve(true);
    },
  } as unknown as Admin;
}

describe('creating topics', () => {
  it('reports as created what an attempt created whose answer was lost, and as unchanged what was there', async () => {
    const { admin } = new ForgetfulBroker(1);
    const tried = new Set<string>();
    await expect(createTopics(admin, [SPEC], tried)).rejects.toThrow('Request timed out');
    expect(await createTopics(admin, [SPEC], tried)).toEqual([{ topic: 'prices', state: 'created' }]);
    expect(await createTopics(admin, [SPEC], new Set())).toEqual([{ topic: 'prices', state: 'unchanged' }]);
  });

  it('tells how a topic differs that somebody else created between two attempts', async () => {
    const { admin } = new ForgetfulBroker(1);
    const tried = new Set<string>();
    await expect(createTopics(admin, [{ ...SPEC, partitions: 1 }], tried)).rejects.toThrow('Request timed out');
    expect(await createTopics(admin, [SPEC], tried)).toMatchObject([{ topic: 'prices', state: 'drifted' }]);
  });
});
