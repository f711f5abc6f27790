/**
 * A member's standing in its group: when the group last confirmed it.
 *
 * KFK-46  An append begins only where the group has confirmed the membership by a request that was made at most CONFIRMED_MS before; else the
 *         group is asked first (PORT-11). So a process that stood still writes nothing for partitions that are another's by then.
 * KFK-47  Where the group does not confirm it during a rebalance, the member gives its generation up and joins again; where the group is silent
 *         for SESSION_TIMEOUT_MS, the membership ends like one whose broker is away. So no append waits for a group that has forgotten it.
 *
 * The arithmetic, counted from such a request: an append begins within CONFIRMED_MS, 3 s, and an order is handed to the network within 2 s of
 * the beginning of an append (EXE-52), so within 5 s. An exchange takes no order that was signed more than 5 s before it came
 * (venue-settings.ts), so it has the order within 10 s or never. The group gives the partitions to others after SESSION_TIMEOUT_MS, 10 s, at the
 * earliest, and these look an order up for 10 s more before they believe that there is none: room for a clock that is set back. The heartbeat
 * interval adds nothing: what counts is when the request was made.
 */
import type { Consumer, EachBatchPayload, Offsets } from 'kafkajs';
import { type Clock, type EpochMillis, isRecent } from '../../ports/clock.ts';
import type { Generation } from './assignment.ts';
import { protocolType } from './broker-errors.ts';

/**
 * How long a member may be silent before its partitions are reassigned, and so how long they wait after a kill -9. Long enough for a few
 * heartbeats and a stall of the machine. Unit: milliseconds.
 */
export const SESSION_TIMEOUT_MS = 10_000;

/** How long a rebalance waits for members to finish their batch in progress. Unit: milliseconds. */
export const REBALANCE_TIMEOUT_MS = 60_000;

/** Several heartbeats, so that a member that works never has to ask; well below SESSION_TIMEOUT_MS. Unit: milliseconds. */
export const CONFIRMED_MS = 3000;

/** A heartbeat is answered within that, mostly. Unit: milliseconds. */
const ASK_AGAIN_MS = 20;

/** kafkajs's names of the requests whose answers say that this is a member. */
const [HEARTBEAT, SYNC] = ['Heartbeat', 'SyncGroup'] as const;

/** kafkajs offers heartbeats and direct commits only inside a batch. They apply to the whole consumer. */
type BatchSide = Pick<EachBatchPayload, 'heartbeat' | 'commitOffsetsIfNecessary'>;

type Side = Pick<Consumer, 'on' | 'events' | 'commitOffsets'>;

export class Membership {
  readonly #consumer: Side;
  readonly #clock: Clock;
  #group: BatchSide | null = null;
  /** By name: when the latest answered request was made. kafkajs reads the same clock. */
  readonly #madeAt = new Map<string, EpochMillis>();
  #confirmedAt: EpochMillis = -Infinity;
  /** The same, while the group was not rebalancing. */
  #steadyAt: EpochMillis = -Infinity;

  constructor(consumer: Side, clock: Clock) {
    this.#consumer = consumer;
    const { events } = consumer;
    this.#clock = clock;
    // Emitted before the answer is read, and the others after it was a good one. kafkajs has one heartbeat on its way at a time.
    consumer.on(events.REQUEST, ({ payload: { apiName, createdAt } }) => {
      if (apiName === HEARTBEAT || apiName === SYNC) this.#madeAt.set(apiName, createdAt);
    });
    consumer.on(events.HEARTBEAT, () => this.#confirmSteady(HEARTBEAT));
    consumer.on(events.GROUP_JOIN, () => this.#confirmSteady(SYNC));
  }

  get isConfirmed(): boolean {
    return isRecent(this.#confirmedAt, CONFIRMED_MS, this.#clock);
  }

  /** Within a batch of this member. */
  within(group: BatchSide): void {
    this.#group = group;
  }

  /** Sends one where it is due. Never rejects. */
  async heartbeat(generation: Generation): Promise<void> {
    try {
      await this.#group?.heartbeat();
    } catch (thrown) {
      generation.noteError(thrown);
      if (protocolType(thrown) === 'REBALANCE_IN_PROGRESS') this.#confirmRebalancing();
    }
  }

  /** True once the membership is confirmed or the generation lost (KFK-46); false where the group has not answered for so long. */
  async confirm(generation: Generation, patienceMs: number): Promise<boolean> {
    for (let waitedMs = 0; !this.isConfirmed && !generation.lost; waitedMs += ASK_AGAIN_MS) {
      if (waitedMs >= patienceMs) return false;
      // KFK-47: kafkajs finds a new coordinator only by joining again, for which it waits until the batch in progress has ended.
      if (waitedMs >= CONFIRMED_MS && generation.rebalanceError !== null) generation.lose(generation.rebalanceError);
      // Not awaited: an answer may never come.
      void this.heartbeat(generation);
      await this.#clock.sleep(ASK_AGAIN_MS);
    }
    return true;
  }

  commit(offsets: Offsets): Promise<void> {
    if (this.#group !== null) return this.#group.commitOffsetsIfNecessary(offsets);
    // For a member that has skipped control records and received no batch yet.
    return this.#consumer.commitOffsets(
      offsets.topics.flatMap(({ topic, partitions }) => partitions.map((committed) => ({ topic, ...committed }))),
    );
  }

  #confirmSteady(request: string): void {
    this.#confirmedAt = this.#steadyAt = this.#madeAt.get(request) ?? -Infinity;
  }

  /** The group waits for this member, until REBALANCE_TIMEOUT_MS after the rebalance began; a session timeout before, that is no confirmation. */
  #confirmRebalancing(): void {
    const madeAt = this.#madeAt.get(HEARTBEAT) ?? -Infinity;
    if (madeAt <= this.#steadyAt + REBALANCE_TIMEOUT_MS - SESSION_TIMEOUT_MS) this.#confirmedAt = madeAt;
  }
}
