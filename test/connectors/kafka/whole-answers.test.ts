import { describe, expect, it } from 'vitest';
import { leaderOf, partitionsOf, acceptPartialMetadata } from '../../../connectors/kafka/cluster-metadata.ts';
import { type FetchedPartition, FetchedRecords } from '../../../connectors/kafka/fetch-response.ts';
import { ConnectionHolder } from '../../../connectors/kafka/kafka-log.ts';
import { fixKafkajs } from '../../../connectors/kafka/kafkajs-fixes.ts';
import {
  Broker as KafkajsBroker,
  type Broker,
  type Cluster,
  type ClusterMetadata,
} from '../../../connectors/kafka/kafkajs-internals.ts';
import { groupOffsetsOf, offsetsOf } from '../../../connectors/kafka/topic-offsets.ts';
import { readTopic } from '../../../connectors/kafka/topic-reader.ts';
import { VirtualClock } from '../../../ports/clock.ts';

/** Kafka's codes. */
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const LEADER_NOT_AVAILABLE = 5;

const NO_LEADER = -1;

interface Topic {
  readonly name: string;
  readonly error?: number;
  /** The leaders by partition. */
  readonly leaders: readonly number[];
}

/** A metadata response of version 6, as a broker writes it. */
function metadataBytes(topics: readonly Topic[]): Buffer {
  const int = (value: number, bytes: number): Buffer => {
    const field = Buffer.alloc(bytes);
    field.writeIntBE(value, 0, bytes);
    return field;
  };
  const text = (value: string): Buffer => Buffer.concat([int(value.length, 2), Buffer.from(value)]);
  const list = (items: readonly Buffer[]): Buffer => Buffer.concat([int(items.length, 4), ...items]);
  const none = list([]);
  const topic = ({ name, error = 0, leaders }: Topic): Buffer => {
    const partitions = leaders.map((leader, partition) =>
      Buffer.concat([
        int(leader === NO_LEADER ? LEADER_NOT_AVAILABLE : 0, 2),
        int(partition, 4),
        int(leader, 4),
        none,
        none,
        none,
      ]),
    );
    return Buffer.concat([int(error, 2), text(name), int(0, 1), list(partitions)]);
  };
  return Buffer.concat([int(0, 4), none, text('cluster'), int(0, 4), list(topics.map(topic))]);
}

/** kafkajs's cluster, whose only broker gives this answer. */
function clusterOf(topics: readonly Topic[]): Cluster {
  let metadata: ClusterMetadata | null = null;
  const target: string[] = [];
  const broker = {
    connectionPool: {
      send: async ({ response }: Parameters<Broker['connectionPool']['send']>[0]) =>
        response.parse(await response.decode(metadataBytes(topics))),
    },
  } as unknown as Broker;
  const brokerPool = {
    get metadata() {
      return metadata;
    },
    createBroker: () => broker,
  };
  const refresh = async (): Promise<void> => {
    metadata = await brokerPool.createBroker().metadata(target);
  };
  return acceptPartialMetadata({
    brokerPool,
    addTargetTopic: () => Promise.resolve(),
    refreshMetadata: refresh,
    refreshMetadataIfNecessary: refresh,
    findTopicPartitionMetadata: (topic: string) =>
      metadata?.topicMetadata.find((one) => one.topic === topic)?.partitionMetadata ?? [],
  } as unknown as Cluster);
}

describe('KFK-15, KFK-16: metadata', () => {
  const cluster = clusterOf([
    { name: 'here', leaders: [1, NO_LEADER, 3] },
    { name: 'deleted', error: UNKNOWN_TOPIC_OR_PARTITION, leaders: [] },
  ]);

  it('a partition without a leader, and a topic that does not exist, say nothing about the others', async () => {
    expect(await partitionsOf(cluster, 'here')).toEqual([0, 1, 2]);
    expect([0, 1, 2, 3].map((partition) => leaderOf(cluster, 'here', partition))).toEqual([1, null, 3, null]);
  });

  it('a topic that does not exist is that, and one that is left out is asked about again', async () => {
    await expect(partitionsOf(cluster, 'deleted')).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' });
    await expect(partitionsOf(cluster, 'left-out')).rejects.toMatchObject({
      type: 'LEADER_NOT_AVAILABLE',
      retriable: true,
    });
  });
});

/** The same answer to any request. */
function answering(partitions: readonly number[]): Cluster {
  const answered = partitions.map((partition) => ({ partition, offset: '7' }));
  return {
    fetchTopicsOffset: () => Promise.resolve([{ topic: 't', partitions: answered }]),
    findGroupCoordinator: () =>
      Promise.resolve({ offsetFetch: () => Promise.resolve({ responses: [{ topic: 't', partitions: answered }] }) }),
  } as unknown as Cluster;
}

describe('KFK-45: offsets', () => {
  const whole = new Map([
    [0, 7],
    [1, 7],
  ]);

  it('of every partition that was asked about', async () => {
    expect(await offsetsOf(answering([0, 1]), 't', [0, 1], 'end')).toEqual(whole);
    expect(await groupOffsetsOf(answering([0, 1]), 'g', 't', [0, 1])).toEqual(whole);
  });

  it('an answer that leaves one out is none', async () => {
    await expect(offsetsOf(answering([0]), 't', [0, 1], 'end')).rejects.toMatchObject({ retriable: true });
    await expect(groupOffsetsOf(answering([1]), 'g', 't', [0, 1])).rejects.toMatchObject({ retriable: true });
  });
});

/** A topic of one partition with offsets 0 to 9, whose leader gives this answer to a fetch. */
function fetching(partitions: readonly Partial<FetchedPartition>[]): Cluster {
  const leader = [{ partitionId: 0, leader: 1 }];
  return {
    addTargetTopic: () => Promise.resolve(),
    refreshMetadataIfNecessary: () => Promise.resolve(),
    brokerPool: { metadata: { topicMetadata: [{ topic: 't', topicErrorCode: 0, partitionMetadata: leader }] } },
    findTopicPartitionMetadata: () => leader,
    fetchTopicsOffset: ([asked]: readonly { readonly fromBeginning: boolean }[]) =>
      Promise.resolve([{ partitions: [{ partition: 0, offset: asked?.fromBeginning === true ? '0' : '10' }] }]),
    findBroker: () =>
      Promise.resolve({ fetch: () => Promise.resolve({ responses: [{ topicName: 't', partitions }] }) }),
  } as unknown as Cluster;
}

async function readAll(cluster: Cluster): Promise<number> {
  let records = 0;
  for await (const batch of readTopic((work) => work(cluster), 't', {})) records += batch.records.length;
  return records;
}

describe('PORT-6: a fetch', () => {
  const messages = new FetchedRecords([], null);

  it('whose answer leaves the partition out is not its end', async () => {
    await expect(readAll(fetching([]))).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE', retriable: true });
  });

  it('of a leader that does not know yet how far all copies are is not its end', async () => {
    const behind = fetching([{ partition: 0, lastStableOffset: '0', messages }]);
    await expect(readAll(behind)).rejects.toMatchObject({ type: 'OFFSET_NOT_AVAILABLE', retriable: true });
  });

  it('without a record, where all copies have the end, is', async () => {
    expect(await readAll(fetching([{ partition: 0, lastStableOffset: '10', messages }]))).toBe(0);
  });
});

describe('KFK-24: a commit', () => {
  fixKafkajs();

  /** kafkajs's broker as a coordinator that answers for those partitions. */
  const coordinatorFor = (...partitions: readonly number[]) => {
    const answer = { responses: [{ topic: 't', partitions: partitions.map((partition) => ({ partition })) }] };
    const connectionPool = { send: () => Promise.resolve(answer) };
    const broker = Object.create(KafkajsBroker.prototype) as Broker;
    return Object.assign(broker, { connectionPool, lookupRequest: () => () => ({}) });
  };
  const request = { topics: [{ topic: 't', partitions: [{ partition: 0 }, { partition: 1 }] }] };

  it('that is answered for every partition is one', async () => {
    const { offsetCommit } = KafkajsBroker.prototype;
    await expect(offsetCommit.call(coordinatorFor(1, 0), request)).resolves.toHaveProperty('responses');
  });

  it('that is answered for some of them is none', async () => {
    const { offsetCommit } = KafkajsBroker.prototype;
    const committing = offsetCommit.call(coordinatorFor(1), request);
    await expect(committing).rejects.toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP' });
  });
});

describe('a connection', () => {
  const never = new Promise<void>(() => {});

  it('that gives no answer does not hold up its closing, and is not opened again', async () => {
    const holder = new ConnectionHolder(() => Promise.resolve({ disconnect: () => never }), new VirtualClock(0));
    await holder.get();
    await holder.close();
    await expect(holder.get()).rejects.toMatchObject({ code: 'BROKER_AWAY' });
  });

  it('that failed is dropped once, and not the one after it', async () => {
    let opened = 0;
    const open = () => Promise.resolve({ number: (opened += 1), disconnect: () => Promise.resolve() });
    const holder = new ConnectionHolder(open, new VirtualClock(0));
    const first = await holder.get();
    await holder.drop(first);
    const second = await holder.get();
    await holder.drop(first);
    expect(await holder.get()).toBe(second);
  });
});
