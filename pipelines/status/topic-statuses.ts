import type { EventLog, LogRecord, PartitionOffsets } from '../../ports/event-log.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS, allTopicSpecs, findTopic } from '../../schemas/topics.ts';
import { Claims, type ClaimInForce } from '../desk/claims.ts';
import { groupsOf } from '../desk/consumer-groups.ts';
import type { NeverReadFigures } from '../dlq/letter-alerts.ts';
import type { ReadSession } from '../runtime/log-session.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { lagOf, transactionOpenAlert } from '../watch/lag-watch.ts';
import type { Alert } from '../alerts/alerts.ts';

/** What `status --json` prints of one topic. */
export interface TopicStatus {
  /** Records that are kept, counted as `counted` says. */
  readonly records: number;
  /** `offsets` on Kafka, which counts nothing else: control records, aborted ones and those removed by compaction are among them. */
  readonly counted: 'records' | 'offsets';
  /** By consumer group: records not committed yet, or all that are kept where the group never committed. */
  readonly lag: Readonly<Record<string, number>>;
  /**
   * By consumer group that has any: records of its lag that came more than a minute before now, or before the newest record of the log
   * where it is not written live.
   */
  readonly late: Readonly<Record<string, number>>;
  /**
   * By consumer group that has any: records that retention removed before the group read them, counted by offsets. They count until their
   * letters are discarded, or, for a group that is not running, until it goes on.
   */
  readonly never_read: Readonly<Record<string, number>>;
  /** By partition, offsets behind a transaction that has not ended: no consumer receives them yet, and they are no lag. */
  readonly held_back: readonly {
    readonly partition: number;
    readonly from: number;
    readonly offsets: number;
    /** Start of the transaction by its producer's clock; null where that is not known. */
    readonly since: EpochMillis | null;
  }[];
  /** The latest record by timestamp; null in an empty topic. */
  readonly last: { readonly timestamp: EpochMillis; readonly key: string | null } | null;
}

/** Far longer than a group that works needs for a record. Unit: milliseconds. */
export const LATE_MS = 60_000;

/** The status of every topic, by name. `neverRead`: stretches with a letter. */
export async function topicStatuses(
  world: ReadableTopics & Pick<ReadSession, 'counts' | 'countsOffsets' | 'liveNow'>,
  neverRead: readonly NeverReadFigures[],
  known = new KnownTopics(),
): Promise<Readonly<Record<string, TopicStatus>>> {
  const { log, counts, countsOffsets = false, liveNow } = world;
  const claims = await claimsInForce(world);
  const statuses: Record<string, TopicStatus> = {};
  const found = new Map<string, { readonly offsets: readonly PartitionOffsets[]; readonly last: LogRecord | null }>();
  for (const { name } of allTopicSpecs()) {
    const offsets = await log.offsets(name);
    found.set(name, { offsets, last: await known.last(log, name, offsets) });
  }
  const newest = Math.max(...Array.from(found.values(), ({ last }) => last?.timestamp ?? -Infinity));
  const lateBefore = (liveNow() ?? newest) - LATE_MS;
  for (const [name, { offsets, last }] of found) {
    const topic = findTopic(name)?.name;
    const lag: Record<string, number> = {};
    const late: Record<string, number> = {};
    const never_read: Record<string, number> = {};
    const addLost = (group: string, count: number): void => {
      if (count > 0) never_read[group] = (never_read[group] ?? 0) + count;
    };
    for (const { topic: of, group, from, to } of neverRead) if (of === name) addLost(group, to - from);
    let due: ReadonlyMap<number, number> | undefined;
    for (const group of topic === undefined ? [] : groupsOf(topic, claims)) {
      const committed = await log.committed(group, name);
      const behind = sumOf(offsets, (one) => lagOf(one, committed.get(one.partition)));
      lag[group] = behind;
      if (behind > 0) {
        const before = (due ??= await log.offsetsAt(name, lateBefore));
        const overdue = ({ partition, begin, end }: PartitionOffsets): number =>
          lagOf({ begin, end: Math.min(end, before.get(partition) ?? begin) }, committed.get(partition));
        const count = sumOf(offsets, overdue);
        if (count > 0) late[group] = count;
      }
      // A group that does not run has no letter yet for what it will never read.
      addLost(
        group,
        sumOf(offsets, ({ partition, begin }) => Math.max(0, begin - (committed.get(partition) ?? begin))),
      );
    }
    const records = countsOffsets
      ? sumOf(offsets, ({ begin, end }) => end - begin)
      : known.records(name, offsets, counts);
    // Dead letters are not written in transactions, and have no consumers.
    const heldBack = topic === undefined ? [] : await log.heldBack(name);
    statuses[name] = {
      records,
      counted: countsOffsets ? 'offsets' : 'records',
      lag,
      late,
      never_read,
      held_back: heldBack.map(({ partition, from, to, since }) => ({ partition, from, offsets: to - from, since })),
      last:
        last === null ? null : { timestamp: last.timestamp, key: last.key && Buffer.from(last.key).toString('utf8') },
    };
  }
  return statuses;
}

/** None on a log that was made before the topic existed. */
async function claimsInForce(world: ReadableTopics & Pick<ReadSession, 'counts'>): Promise<readonly ClaimInForce[]> {
  const topic = TOPICS.deskClaim.name;
  const claims = new Claims();
  if (world.counts(topic) > 0) await forEachRecord(world, topic, {}, (claim) => claims.apply(claim));
  return claims.all();
}

/** What is known of each topic from the last time, so that one which has not grown costs nothing, and one that has grown costs little. */
export class KnownTopics {
  readonly #last = new Map<string, { readonly offsets: string; readonly record: LogRecord | null }>();
  readonly #records = new Map<string, { readonly offsets: readonly PartitionOffsets[]; readonly count: number }>();

  /** The latest record by timestamp; null in an empty topic. Reads one record of each partition. */
  async last(
    log: Pick<EventLog, 'read'>,
    topic: string,
    offsets: readonly PartitionOffsets[],
  ): Promise<LogRecord | null> {
    const text = JSON.stringify(offsets);
    const known = this.#last.get(topic);
    if (known?.offsets === text) return known.record;
    let record: LogRecord | null = null;
    const from = new Map(offsets.map(({ partition, begin, end }) => [partition, Math.max(begin, end - 1)]));
    for await (const { records } of log.read(topic, { from })) {
      for (const one of records) if (record === null || one.timestamp > record.timestamp) record = one;
    }
    this.#last.set(topic, { offsets: text, record });
    return record;
  }

  /** Counted once; from then on what came is added, since counting reads the whole index of the topic. */
  records(topic: string, offsets: readonly PartitionOffsets[], counts: (topic: string) => number): number {
    const known = this.#records.get(topic);
    const grown = known === undefined ? null : growth(known.offsets, offsets);
    const count = known === undefined || grown === null ? counts(topic) : known.count + grown;
    this.#records.set(topic, { offsets, count });
    return count;
  }

  /** Topics are counted anew: compaction and retention may have removed records in the middle. */
  recount(): void {
    this.#records.clear();
  }
}

/** How many records came; null where some were removed at the beginning. */
function growth(before: readonly PartitionOffsets[], now: readonly PartitionOffsets[]): number | null {
  if (before.length !== now.length || before.some(({ begin }, index) => begin !== now[index]?.begin)) return null;
  return sumOf(now, ({ end }) => end) - sumOf(before, ({ end }) => end);
}

/** Records that groups should have committed by now, of all topics. */
export function lateByGroup(topics: Readonly<Record<string, TopicStatus>>): Readonly<Record<string, number>> {
  const groups: Record<string, number> = {};
  for (const { late } of Object.values(topics)) {
    for (const [group, records] of Object.entries(late)) groups[group] = (groups[group] ?? 0) + records;
  }
  return groups;
}

/** Null where the log is not written live: it has no transactions. */
export function transactionAlert(topics: Readonly<Record<string, TopicStatus>>, now: EpochMillis | null): Alert | null {
  if (now === null) return null;
  const held = Object.entries(topics).flatMap(([topic, { held_back }]) =>
    held_back.map(({ partition, from, offsets, since }) => ({
      topic,
      partition,
      from,
      to: from + offsets,
      since: Math.min(now, since ?? now),
    })),
  );
  return transactionOpenAlert(held, now);
}

function sumOf(offsets: readonly PartitionOffsets[], count: (one: PartitionOffsets) => number): number {
  return offsets.reduce((sum, one) => sum + count(one), 0);
}
