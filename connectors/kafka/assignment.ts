/**
 * What a group member knows about its assigned partitions: whether the assignment is still its own (Generation), where it starts to read
 * (startingOffsetsOf), which batches are in flight (BatchesInFlight), and which offsets are to be committed (OffsetCommits).
 */
import type { Consumer, Offsets } from 'kafkajs';
import type { Append, MovedStart, PartitionOffsets, SubscribeOptions } from '../../ports/event-log.ts';
import { protocolType } from './broker-errors.ts';
import { FROM_OLDEST, type GroupOffsets, NEVER_COMMITTED } from './topic-offsets.ts';

/** Kafka's errors for a member that the group has removed. */
const EXPELLED: ReadonlySet<string | null> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);

/** Kafka's errors for a group that is about to reassign its partitions, or that has a new coordinator. */
const REBALANCING: ReadonlySet<string | null> = new Set(['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP']);

/** The time of one assignment: from joining the group to the next rebalance. */
export class Generation {
  readonly #rebalancing = Promise.withResolvers<void>();
  #ready = false;
  #rebalanceError: Error | null = null;
  #lost = false;

  /** Set once a rebalance has begun. Batches in progress may still be finished and committed. */
  get rebalanceError(): Error | null {
    return this.#rebalanceError;
  }

  /** True once the group has rebalanced without this member: batches in progress now belong to a later assignment, perhaps another member's. */
  get lost(): boolean {
    return this.#lost;
  }

  /** True once `onAssigned` has finished. */
  get ready(): boolean {
    return this.#ready;
  }

  startRebalance(error: Error): void {
    this.#rebalanceError ??= error;
    this.#rebalancing.resolve();
  }

  lose(error: Error): void {
    this.#lost = true;
    this.startRebalance(error);
  }

  /** Takes note of what the coordinator reports by an error. Broken connections are left to kafkajs, which reconnects. */
  noteError(thrown: unknown): void {
    const type = protocolType(thrown);
    if (!(thrown instanceof Error)) return;
    if (EXPELLED.has(type)) this.lose(thrown);
    else if (REBALANCING.has(type)) this.startRebalance(thrown);
  }

  markReady(): void {
    this.#ready = true;
  }

  /** Waits until the generation is ready or cannot become so: `prepared` or `ended` has settled, or a rebalance has begun. Returns `ready`. */
  async whenReady(prepared: Promise<unknown>, ended: Promise<unknown>): Promise<boolean> {
    // No race once it is ready: each race would stay in memory until the next rebalance.
    if (!this.#ready) await Promise.race([prepared, ended, this.#rebalancing.promise]);
    return this.#ready;
  }
}

/** Partitions by topic. */
export type Assignment = Readonly<Record<string, readonly number[]>>;

/** A group's position in a topic: its committed offset of each partition, and the offsets that the topic retains. */
export interface GroupPosition {
  readonly topic: string;
  readonly committed: GroupOffsets;
  readonly partitions: readonly PartitionOffsets[];
  /** Partitions whose committed offset lies beyond everything that was ever written. */
  readonly beyond: ReadonlySet<number>;
}

export interface Start {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The offsets to commit before the first fetch, and the moves to report before that. */
export interface Starts {
  readonly starts: readonly Start[];
  readonly moved: readonly MovedStart[];
}

/**
 * Decides where a group continues in the partitions of a topic. kafkajs would decide it too, but would not report records that are gone,
 * and would commit -2 in their place.
 *
 * KFK-1  A group without committed offsets in a topic starts at `from` in all of its partitions, whichever member they are assigned to. A
 *        partition without one, where others have one, was added later, and is read from its beginning.
 * KFK-2  Every assigned partition has a committed offset of 0 or more before its first fetch, so that later losses by retention are noticed.
 * KFK-3  A committed offset below the oldest retained one is moved there, and the records between are reported as lost. One beyond the end
 *        belongs to a deleted topic of the same name; the new topic is read from its beginning.
 */
export function startingOffsetsOf(
  { topic, committed, partitions, beyond }: GroupPosition,
  assigned: readonly number[],
  from: SubscribeOptions['from'],
  /** True where this process has read the topic before: a group without offsets has lost them with the topic. */
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
      // KFK-1: otherwise the other members would take theirs for added partitions.
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

/** What `seekToStart` needs besides the assignment. */
interface StartContext {
  readonly from: SubscribeOptions['from'];
  readonly onMoved: SubscribeOptions['onMoved'];
  readonly groupPosition: (topic: string) => Promise<GroupPosition>;
  /** Topics that this process has read before. Those of the assignment are added. */
  readonly known: Set<string>;
  readonly append: Append;
  /** True once another assignment has come or is about to. */
  readonly superseded: () => boolean;
}

/**
 * Reports moved offsets, seeks the consumer to the starting offsets, and commits these, so that a crash before the first batch skips nothing.
 * Nothing of that once superseded: kafkajs would commit it in the next generation, where the owner of a partition may have committed more.
 */
export async function seekToStart(consumer: Consumer, assignment: Assignment, options: StartContext): Promise<void> {
  const { from, onMoved, groupPosition, known, append, superseded } = options;
  const starts: Start[] = [];
  const moved: MovedStart[] = [];
  for (const [topic, partitions] of Object.entries(assignment)) {
    if (partitions.length === 0) continue;
    const found = startingOffsetsOf(await groupPosition(topic), partitions, from, known.has(topic));
    starts.push(...found.starts);
    moved.push(...found.moved);
  }
  if (superseded()) return;
  if (moved.length > 0) await onMoved?.(moved, append);
  if (superseded()) return;
  const commits = starts.map((start) => ({ ...start, offset: String(start.offset) }));
  for (const commit of commits) if (assignment[commit.topic]?.includes(commit.partition)) consumer.seek(commit);
  if (commits.length > 0) await consumer.commitOffsets(commits);
  for (const topic of Object.keys(assignment)) known.add(topic);
}

/**
 * Offsets that may be committed and are not yet. They are added once the outputs of their batch are acknowledged, so a commit is never
 * ahead of the outputs (PORT-3). A commit that fails is repeated with the next.
 */
export class OffsetCommits {
  #pending = new Map<string, Map<number, number>>();
  #sending: Promise<unknown> = Promise.resolve();

  add(topic: string, partition: number, offset: number): void {
    let partitions = this.#pending.get(topic);
    if (partitions === undefined) this.#pending.set(topic, (partitions = new Map()));
    partitions.set(partition, offset);
  }

  /** Drops all of them: after a rebalance the partitions may belong to another member that has committed more. */
  forget(): void {
    this.#pending = new Map();
  }

  /** Commits everything pending, one request at a time, so that an older offset never follows a newer one. */
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
    // Newer offsets that were added meanwhile stay pending. Where the commit failed, all of them do.
    for (const [topic, partitions] of sent) {
      const left = sending.get(topic);
      for (const [partition, offset] of partitions) if (left?.get(partition) === offset) left.delete(partition);
      if (left?.size === 0) sending.delete(topic);
    }
  }
}

/**
 * The last handled batch of each partition, until its outputs are acknowledged. The next fetch may begin meanwhile.
 *
 * KFK-4  The next batch of a partition, or a later offset of it, is taken up only after the batch in flight has ended.
 */
export class BatchesInFlight {
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
