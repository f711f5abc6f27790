import { protocolType } from './broker-errors.ts';
import type { Consumer, Offsets } from 'kafkajs';
import type { Append, MovedStart, PartitionOffsets, SubscribeOptions } from '../../ports/event-log.ts';
import { FROM_OLDEST, type GroupOffsets, NEVER_COMMITTED } from './topic-offsets.ts';

/** The group has gone on without this member. */
const EXPELLED: ReadonlySet<string | null> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);

/** The group is about to share its partitions anew, or has a new coordinator. */
const REBALANCING: ReadonlySet<string | null> = new Set(['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP']);

/** One assignment of partitions: from joining the group to the next rebalance. */
export class Generation {
  readonly #disturbed = Promise.withResolvers<void>();
  #ready = false;
  #disturbance: Error | null = null;
  #lost = false;

  /** The members are about to share the partitions anew; what is in hand may still be finished and committed. */
  get disturbance(): Error | null {
    return this.#disturbance;
  }

  /** The group has gone on: what is in hand belongs to a later assignment now, perhaps another member's. */
  get lost(): boolean {
    return this.#lost;
  }

  /** `onAssigned` is done. */
  get ready(): boolean {
    return this.#ready;
  }

  disturb(error: Error): void {
    this.#disturbance ??= error;
    this.#disturbed.resolve();
  }

  lose(error: Error): void {
    this.#lost = true;
    this.disturb(error);
  }

  /** What the coordinator says with an error. A connection that broke is kafkajs's to mend. */
  heed(thrown: unknown): void {
    const type = protocolType(thrown);
    if (!(thrown instanceof Error)) return;
    if (EXPELLED.has(type)) this.lose(thrown);
    else if (REBALANCING.has(type)) this.disturb(thrown);
  }

  markReady(): void {
    this.#ready = true;
  }

  /** Waits until it is ready or pointless to wait: `prepared` or `ended` without it, or disturbed. True when ready. */
  async whenReady(prepared: Promise<unknown>, ended: Promise<unknown>): Promise<boolean> {
    // Once ready, no race: each would stay in memory until the next rebalance.
    if (!this.#ready) await Promise.race([prepared, ended, this.#disturbed.promise]);
    return this.#ready;
  }
}

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
 * KFK-1  A group that has committed nothing of a topic begins at `from`, in all its partitions, whoever has them: a partition that the group
 *     has never committed while it has others was added later, and is read from its beginning.
 * KFK-2  Every assigned partition has a committed offset, 0 or more, before its first fetch: from then on it is known what retention removed.
 * KFK-3  A committed offset below the oldest kept is moved to that, and the records between are said to be lost; one beyond the end belongs
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
      // KFK-1: or those of other members would be taken for partitions that were added.
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

/**
 * Offsets that may be committed and are not yet. Only what was acknowledged gets in here, so a commit is never ahead (L3);
 * one that fails is tried again with the next.
 */
export class OffsetCommits {
  #pending = new Map<string, Map<number, number>>();
  #sending: Promise<unknown> = Promise.resolve();

  add(topic: string, partition: number, offset: number): void {
    let partitions = this.#pending.get(topic);
    if (partitions === undefined) this.#pending.set(topic, (partitions = new Map()));
    partitions.set(partition, offset);
  }

  /** The partitions may belong to another member now, who may be further. */
  forget(): void {
    this.#pending = new Map();
  }

  /** Commits all that is pending. One at a time, so that an older offset never comes after a newer one. */
  commit(send: (offsets: Offsets) => Promise<void>): Promise<void> {
    const sent = this.#sending.then(() => this.#send(send));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #send(send: (offsets: Offsets) => Promise<void>): Promise<void> {
    const sending = this.#pending;
    if (sending.size === 0) return;
    const sent = new Map(Array.from(sending, ([topic, partitions]) => [topic, new Map(partitions)]));
    await send({ topics: Array.from(sent, ([topic, partitions]) => ({ topic, partitions: listed(partitions) })) });
    // What was acknowledged meanwhile stays pending, and so does all when sending failed.
    for (const [topic, partitions] of sent) {
      const left = sending.get(topic);
      for (const [partition, offset] of partitions) if (left?.get(partition) === offset) left.delete(partition);
      if (left?.size === 0) sending.delete(topic);
    }
  }
}

/**
 * By partition, the batch that was worked last, until its outputs are acknowledged. The next fetch may begin meanwhile.
 *
 * KFK-4  What follows in a partition, be it a batch or an offset to be committed, follows only once that has ended.
 */
export class OnTheWay {
  readonly #last = new Map<string, Promise<unknown>>();

  async ended(topic: string, partition: number): Promise<void> {
    await this.#last.get(`${topic}/${partition}`);
  }

  /** `acknowledged` never rejects. */
  add(topic: string, partition: number, acknowledged: Promise<boolean>): void {
    this.#last.set(`${topic}/${partition}`, acknowledged);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}

function listed(partitions: ReadonlyMap<number, number>): { partition: number; offset: string }[] {
  return Array.from(partitions, ([partition, offset]) => ({ partition, offset: String(offset) }));
}
