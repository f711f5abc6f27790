import type { Consumer } from 'kafkajs';
import type { Append, MovedStart, PartitionOffsets, SubscribeOptions } from '../../ports/event-log.ts';
import { FROM_OLDEST, type GroupOffsets, NEVER_COMMITTED } from './group-offsets.ts';

/** Partitions by topic. */
export type Assignment = Readonly<Record<string, readonly number[]>>;

/** Where a group stands in a topic: what it has committed of each partition, and what the topic keeps. */
export interface Standing {
  readonly topic: string;
  readonly committed: GroupOffsets;
  readonly partitions: readonly PartitionOffsets[];
  /** Where what is committed lies beyond all that was ever written. */
  readonly beyond: ReadonlySet<number>;
}

export interface Start {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What has to be committed before the first fetch, and what has to be said before that. */
export interface Starts {
  readonly starts: readonly Start[];
  readonly moved: readonly MovedStart[];
}

/**
 * Where a group goes on in the partitions of a topic. kafkajs would find out by itself, but without a word where records are gone, and
 * it commits -2 then. Invariants:
 *
 * F1  A group that has committed nothing of a topic begins at `from`, in all its partitions, whoever has them: a partition that the group
 *     has never committed while it has others was added later, and is read from its beginning.
 * F2  Every assigned partition has a committed offset, 0 or more, before its first fetch: from then on it is known what retention removed.
 * F3  A committed offset below the oldest kept is moved to that, and the records between are said to be lost; one beyond the end belongs
 *     to a topic that is gone, and the new one is read from its beginning.
 */
export function startsOf(
  { topic, committed, partitions, beyond }: Standing,
  assigned: readonly number[],
  from: SubscribeOptions['from'],
  /** This process has read the topic before, so that a group without offsets lost them with the topic. */
  known: boolean,
): Starts {
  const starts: Start[] = [];
  const moved: MovedStart[] = [];
  const committedOf = (partition: number): number => committed.get(partition) ?? NEVER_COMMITTED;
  const anew = partitions.every(({ partition }) => committedOf(partition) === NEVER_COMMITTED);
  const atEnd = anew && from === 'latest' && !known;
  for (const { partition, begin, end } of partitions) {
    const offset = committedOf(partition);
    const start = { topic, partition, offset: atEnd ? end : begin };
    if (!assigned.includes(partition)) {
      // F1: or those of other members would be taken for partitions that were added.
      if (atEnd) starts.push(start);
      continue;
    }
    const to = start.offset;
    if (beyond.has(partition)) moved.push({ topic, partition, why: 'made_anew', from: offset, to });
    else if (anew && known) moved.push({ topic, partition, why: 'made_anew', from: null, to });
    else if (offset >= 0 && offset < begin) moved.push({ topic, partition, why: 'overtaken', from: offset, to });
    else if (offset !== NEVER_COMMITTED && offset !== FROM_OLDEST) continue;
    starts.push(start);
  }
  return { starts, moved };
}

/** What finding the starts of an assignment takes. */
export interface StartOptions {
  readonly from: SubscribeOptions['from'];
  readonly onMoved: SubscribeOptions['onMoved'];
  readonly standing: (topic: string) => Promise<Standing>;
  /** Topics that this process has read before; those of the assignment are added. */
  readonly known: Set<string>;
  readonly append: Append;
}

/** Says what has to be said, then lets the consumer begin there and commits that, so that a crash before the first batch skips nothing. */
export async function beginAtStarts(consumer: Consumer, assignment: Assignment, options: StartOptions): Promise<void> {
  const { from, onMoved, standing, known, append } = options;
  const starts: Start[] = [];
  const moved: MovedStart[] = [];
  for (const [topic, partitions] of Object.entries(assignment)) {
    if (partitions.length === 0) continue;
    const found = startsOf(await standing(topic), partitions, from, known.has(topic));
    starts.push(...found.starts);
    moved.push(...found.moved);
  }
  if (moved.length > 0) await onMoved?.(moved, append);
  const commits = starts.map((start) => ({ ...start, offset: String(start.offset) }));
  for (const commit of commits) if (assignment[commit.topic]?.includes(commit.partition)) consumer.seek(commit);
  if (commits.length > 0) await consumer.commitOffsets(commits);
  for (const topic of Object.keys(assignment)) known.add(topic);
}
