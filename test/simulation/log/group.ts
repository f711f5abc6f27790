/**
 * A consumer group as its coordinator keeps it: members, generations, assignments, committed offsets.
 *
 * SIM-20  A member that joins or leaves makes the group hand out its partitions anew once all members have finished what they have in hand,
 *         or REBALANCE_TIMEOUT_MS later. Nobody owns a partition together with another then.
 * SIM-21  A member that the group has removed works on until it learns of it: for that moment a partition has two owners. Nothing that it
 *         commits counts.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Assigned } from '../../../ports/event-log.ts';
import type { RandomStream } from '../../../ports/random.ts';
import type { Host } from '../host.ts';
import type { Kernel, Scheduled } from '../kernel.ts';

/** As connectors/kafka/membership.ts has them. Unit: milliseconds. */
export const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 60_000;

/** When a member learns what its group did, which a heartbeat's answer tells: at the least and at the most. Unit: milliseconds. */
const LEARNS_MS = [5, 500] as const;

/**
 * What a heartbeat tells a member. `rebalancing`: finish, commit and join again; `expelled`: others own the partitions, join again;
 * `dropped`: the same, and the connection is gone, too.
 */
export type Notice = 'rebalancing' | 'expelled' | 'dropped';

/** A commit, a heartbeat or a join of somebody who is no member of the group, or no longer. */
export class MembershipRefused extends Error {
  override readonly name = 'MembershipRefused';
  readonly notice: Notice;

  constructor(message: string, notice: Notice) {
    super(message);
    this.notice = notice;
  }
}

/** A member as its coordinator sees it. */
export interface MemberSide {
  /** Unique in the world. */
  readonly id: string;
  readonly host: Host;
  readonly topics: readonly string[];
  readonly random: RandomStream;
  /** `generation`: the one that the member was in. */
  tell(generation: number, notice: Notice): void;
}

export interface Joined {
  readonly generation: number;
  readonly assigned: Assigned;
}

export interface Commit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A member's place in the group. */
interface Seat {
  readonly member: MemberSide;
  generation: number;
  /** Of its join, until the group has handed out the partitions. */
  answer: { readonly resolve: (joined: Joined) => void; readonly reject: (error: Error) => void } | null;
}

export class Group {
  readonly name: string;
  readonly #kernel: Kernel;
  readonly #partitionsOf: (topic: string) => number;
  readonly #seats = new Map<string, Seat>();
  readonly #committed = new Map<string, Map<number, number>>();
  /** By id of members that were removed, until they join again. */
  readonly #removed = new Map<string, Notice>();
  #generation = 0;
  /** Set while the group waits for its members. */
  #deadline: Scheduled | null = null;
  /** When it no longer waits for them. */
  #handsOutAt: EpochMillis = Infinity;

  constructor(name: string, kernel: Kernel, partitionsOf: (topic: string) => number) {
    this.name = name;
    this.#kernel = kernel;
    this.#partitionsOf = partitionsOf;
  }

  /** By partition; no entry where nothing was committed. */
  committed(topic: string): ReadonlyMap<number, number> {
    return this.#committed.get(topic) ?? NOTHING;
  }

  /** Resolves once the group has handed out its partitions. */
  join(member: MemberSide): Promise<Joined> {
    for (const topic of member.topics) this.#partitionsOf(topic);
    return new Promise((resolve, reject) => {
      const seat = this.#seats.get(member.id) ?? { member, generation: 0, answer: null };
      this.#seats.set(member.id, seat);
      this.#removed.delete(member.id);
      seat.answer = { resolve, reject };
      this.#rebalance();
    });
  }

  leave(id: string): void {
    if (this.#seats.delete(id)) this.#rebalance();
  }

  /** Throws MembershipRefused (SIM-21). */
  commit(id: string, generation: number, commits: readonly Commit[]): void {
    this.#check(id, generation);
    for (const commit of commits) this.set(commit);
  }

  /** The member keeps its partitions for a session timeout at least. Throws MembershipRefused, also near the end of a rebalance (KFK-47). */
  heartbeat(id: string, generation: number): void {
    this.#check(id, generation);
    if (this.#handsOutAt - this.#kernel.now >= SESSION_TIMEOUT_MS) return;
    throw new MembershipRefused(`${this.name} hands out its partitions soon`, 'expelled');
  }

  #check(id: string, generation: number): void {
    if (this.#seats.get(id)?.generation !== generation) {
      const why = `${id} is not in generation ${generation} of ${this.name}`;
      throw new MembershipRefused(why, this.#removed.get(id) ?? 'expelled');
    }
  }

  /** Removes the members of a process at once (SIM-21); null: all members. */
  expel(hostName: string | null, notice: Notice): void {
    for (const seat of this.#seats.values()) {
      if (hostName !== null && seat.member.host.name !== hostName) continue;
      this.#remove(seat, notice);
    }
    this.#rebalance();
  }

  /** The offset that the group goes on from, whoever says so. */
  set({ topic, partition, offset }: Commit): void {
    let offsets = this.#committed.get(topic);
    if (offsets === undefined) this.#committed.set(topic, (offsets = new Map()));
    offsets.set(partition, offset);
  }

  /** The topic is gone, and what was committed of it. */
  forget(topic: string): void {
    this.#committed.delete(topic);
  }

  /** SIM-20. */
  #rebalance(): void {
    const seats = [...this.#seats.values()];
    if (seats.every(({ answer }) => answer !== null)) {
      this.#handOut();
      return;
    }
    if (this.#deadline !== null) return;
    this.#handsOutAt = this.#kernel.now + REBALANCE_TIMEOUT_MS;
    this.#deadline = this.#kernel.after(REBALANCE_TIMEOUT_MS, this.name, () => {
      for (const seat of this.#seats.values()) if (seat.answer === null) this.#remove(seat, 'expelled');
      this.#handOut();
    });
    for (const seat of seats) if (seat.answer === null) this.#tell(seat, 'rebalancing');
  }

  #handOut(): void {
    this.#deadline?.cancel();
    this.#deadline = null;
    this.#handsOutAt = Infinity;
    if (this.#seats.size === 0) return;
    this.#generation += 1;
    const topics = new Set([...this.#seats.values()].flatMap(({ member }) => member.topics));
    for (const [place, id] of [...this.#seats.keys()].toSorted().entries()) {
      const seat = this.#seats.get(id);
      if (seat === undefined) continue;
      seat.generation = this.#generation;
      seat.answer?.resolve({ generation: this.#generation, assigned: this.#shareOf(place, topics) });
      seat.answer = null;
    }
  }

  /** Equal partition numbers of all topics belong together, as coPartitionedAssigner of connectors/kafka has it. */
  #shareOf(place: number, topics: ReadonlySet<string>): Assigned {
    const members = this.#seats.size;
    const share = Array.from(topics, (topic) => {
      const all = Array.from({ length: this.#partitionsOf(topic) }, (_, partition) => partition);
      return [topic, all.filter((partition) => partition % members === place)] as const;
    });
    return Object.fromEntries(share);
  }

  #remove(seat: Seat, notice: Notice): void {
    const { id } = seat.member;
    this.#seats.delete(id);
    this.#removed.set(id, notice);
    seat.answer?.reject(new MembershipRefused(`${id} was removed from ${this.name}`, notice));
    this.#tell(seat, notice);
  }

  /** A member that stands still sends no heartbeat until it goes on. */
  #tell({ member, generation }: Seat, notice: Notice): void {
    const { host, id, random } = member;
    host.resume(() =>
      this.#kernel.after(random.integer(...LEARNS_MS), id, () => host.resume(() => member.tell(generation, notice))),
    );
  }
}

const NOTHING: ReadonlyMap<number, number> = new Map();
