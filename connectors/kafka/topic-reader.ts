import type { Batch, LogRecord, ReadRange } from '../../ports/event-log.ts';
import { protocolType } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE, leaderOf, partitionsOf } from './cluster-metadata.ts';
import { recordsWithin } from './fetch-response.ts';
import { type Broker, type Cluster, READ_COMMITTED, errorOfCode } from './kafkajs-internals.ts';
import { boundsOf, offsetsOf } from './topic-offsets.ts';

/**
 * The first and the largest size of a fetch. It grows only where a fetch holds no whole record: after an empty batch that compaction has
 * left, with a large one behind it. Unit: bytes.
 */
const FETCH_BYTES = 1024 * 1024;
const LARGEST_FETCH_BYTES = 64 * FETCH_BYTES;

/** Kafka's error of a new leader that does not know the high watermark yet. */
const OFFSET_NOT_AVAILABLE = 78;

/** Short: records below the end exist already. Unit: milliseconds. */
const MAX_WAIT_MS = 100;

/** The offsets to read of one partition. */
interface Stretch {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
}

/** The records of one fetch, and the offset of the next one. */
interface Page {
  readonly records: readonly LogRecord[];
  readonly next: number;
}

/** Runs requests to the cluster, again where a leader has moved or a connection broke. Throws HarvestlineErrors. */
type AskCluster = <T>(work: (cluster: Cluster) => Promise<T>) => Promise<T>;

/**
 * Reads a topic between fixed offsets without a consumer group, one partition after the other. Memory: two fetches, the one in use and the
 * next, which is in flight meanwhile.
 *
 * PORT-6: the ends are the last stable offsets at the time of the call. Reading stops there even where the last offsets hold no record, but
 * transaction markers or what compaction removed.
 */
export async function* readTopic(ask: AskCluster, topic: string, range: ReadRange): AsyncGenerator<Batch> {
  const stretches = await ask((cluster) => stretchesOf(cluster, topic, range));
  for (const stretch of stretches) yield* readStretch(ask, topic, stretch);
}

async function stretchesOf(cluster: Cluster, topic: string, range: ReadRange): Promise<readonly Stretch[]> {
  const wanted = range.partitions === undefined ? null : new Set(range.partitions);
  const partitions = (await partitionsOf(cluster, topic)).filter((one) => wanted === null || wanted.has(one));
  const bounds = await boundsOf(cluster, topic, partitions);
  return bounds.map(({ partition, begin, end }) => ({
    partition,
    begin: Math.max(range.from?.get(partition) ?? begin, begin),
    end,
  }));
}

async function* readStretch(ask: AskCluster, topic: string, stretch: Stretch): AsyncGenerator<Batch> {
  const { partition, begin, end } = stretch;
  const fetch = (from: number): Promise<Page> => ask((cluster) => fetchPage(cluster, topic, stretch, from));
  let coming = begin < end ? fetch(begin) : null;
  while (coming !== null) {
    const page: Page = await coming;
    coming = page.next < end ? fetch(page.next) : null;
    // The reader may leave before it awaits this one.
    coming?.catch(() => {});
    const last = page.records.at(-1);
    if (last !== undefined) yield { topic, partition, records: page.records, nextOffset: last.offset + 1 };
  }
}

async function fetchPage(cluster: Cluster, topic: string, stretch: Stretch, from: number): Promise<Page> {
  const { partition, end } = stretch;
  // A new connection has no metadata of the topic.
  await partitionsOf(cluster, topic);
  const leader = leaderOf(cluster, topic, partition);
  if (leader === null) throw errorOfCode(LEADER_NOT_AVAILABLE);
  const broker = await cluster.findBroker({ nodeId: String(leader) });
  try {
    return await fetchFrom(broker, topic, stretch, from);
  } catch (thrown) {
    if (protocolType(thrown) !== 'OFFSET_OUT_OF_RANGE') throw thrown;
    const begins = await offsetsOf(cluster, topic, [partition], 'begin');
    const next = begins.get(partition) ?? from;
    // The log ends before what was read already: a new leader lags for a moment.
    if (next <= from) throw errorOfCode(OFFSET_NOT_AVAILABLE);
    // Retention has removed the records: continue at the oldest retained one.
    return { records: [], next: Math.min(next, end) };
  }
}

async function fetchFrom(broker: Broker, topic: string, { partition, end }: Stretch, from: number): Promise<Page> {
  const fetchOffset = String(from);
  for (let maxBytes = FETCH_BYTES; maxBytes <= LARGEST_FETCH_BYTES; maxBytes *= 2) {
    const { responses } = await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes }] }],
    });
    const fetched = responses.find(({ topicName }) => topicName === topic)?.partitions[0];
    // An answer without the partition, or of a new leader that does not know the high watermark yet, says nothing.
    if (fetched?.partition !== partition) throw errorOfCode(LEADER_NOT_AVAILABLE);
    if (Number(fetched.lastStableOffset) <= from) throw errorOfCode(OFFSET_NOT_AVAILABLE);
    const { messages } = fetched;
    if (messages.next === null) continue;
    return { records: recordsWithin(messages, from, end), next: Math.max(from + 1, messages.next) };
  }
  // Nothing up to the end holds a record.
  return { records: [], next: end };
}
