import type { Consumer, ConsumerEndBatchProcessEvent, EachBatchPayload, Offsets } from 'kafkajs';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Append, Batch, BatchHandler, OutgoingRecord, SubscribeOptions } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import { BackOff } from './back-off.ts';
import { type MemberEnd, endOf, logError } from './broker-errors.ts';
import { Generation, type Assignment, type Standing, beginAtStarts, OffsetCommits, OnTheWay } from './assignment.ts';
import { slicesOf } from './fetch-response.ts';

/** How often offsets are committed: a crash repeats this much. More often would cost a round trip for little. Unit: milliseconds. */
const COMMIT_MS = 200;

/** Default size of a batch, as a bound on what a crash repeats and a handler holds. Unit: records. */
const MAX_BATCH_RECORDS = 5000;

/** More than a member is ever assigned, so that no partition waits for another. Unit: partitions. */
const CONCURRENT_PARTITIONS = 64;

export interface MemberOptions extends SubscribeOptions {
  /** What the timeouts are shortened to in tests. Unit: milliseconds. */
  readonly sessionTimeoutMs?: number;
}

/** What a member needs of the log it belongs to. */
export interface GroupLog {
  /** Once `signal` is aborted it no longer waits for a broker that is away. */
  append(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void>;
  standing(group: string, topic: string): Promise<Standing>;
}

export interface MemberContext {
  readonly log: GroupLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Topics that earlier memberships of this process have read. */
  readonly known: Set<string>;
}

/**
 * One membership in a consumer group: one kafkajs consumer, from joining to leaving or crashing. Invariants:
 *
 * KFK-24  Outputs are appended, then their batch's offset may be committed, never before (L3). Commits follow within COMMIT_MS,
 *     and before a stop or rebalance that this member hears of.
 * KFK-25  Heartbeats go on beside handlers and restores, however long these take, also while a stop waits for what is in hand.
 * KFK-26  Nothing is fetched of an assignment before it is known where the group starts (assignment.ts) and `onAssigned` is done, which is
 *     called for every assignment.
 * KFK-27  A handler's error ends the membership; of its batch nothing is committed.
 * KFK-28  A member that the group has expelled, or whose consumer has crashed, appends nothing more of the batch in hand, and
 *     commits nothing. What `onAssigned` still does when the member ends appends nothing more either.
 * KFK-29  Where a group starts is committed before anything else, so a crash skips nothing.
 * KFK-30  The last batch of a fetch is left on its way (assignment.ts) where more of its partition is known to be there, which a later fetch
 *     brings: kafkajs fetches nothing while a batch is in hand. Before this member joins anew, or ends, it has ended.
 */
export class GroupMember {
  readonly #consumer: Consumer;
  readonly #options: MemberOptions;
  readonly #handler: BatchHandler;
  readonly #context: MemberContext;
  readonly #ended = Promise.withResolvers<MemberEnd>();
  readonly #ending = new AbortController();
  /** What was in hand when the end began is done. */
  readonly #finished = new AbortController();
  /** Batches, and appends of `onAssigned`. */
  readonly #inHand = new Set<Promise<unknown>>();
  readonly #onTheWay = new OnTheWay();
  readonly #commits = new OffsetCommits();
  #generation = new Generation();
  #preparing: Promise<void> = Promise.resolve();
  /** When the next batch may begin. */
  #turn: Promise<void> = Promise.resolve();
  #hasJoined = false;
  /** What the owner must hear of, even where a stop came first. */
  #failure: MemberEnd | null = null;
  /** kafkajs offers heartbeat and direct commit only inside a batch; they serve the whole consumer. */
  #group: Pick<EachBatchPayload, 'heartbeat' | 'commitOffsetsIfNecessary'> | null = null;

  constructor(consumer: Consumer, options: MemberOptions, handler: BatchHandler, context: MemberContext) {
    this.#options = options;
    this.#handler = handler;
    this.#context = context;
    this.#consumer = consumer;
  }

  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** Consumes until `stop`, a failure, or the broker's absence; has left the group when it resolves. */
  async run(): Promise<MemberEnd> {
    const consumer = this.#consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#joined(payload.memberAssignment));
    // Sent before kafkajs joins anew: what is done counts, also where it does so because retention has removed what comes next.
    consumer.on(consumer.events.REBALANCING, () => void this.#commit());
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => {
      this.#generation.lose(error);
      this.#end(endOf(error, this.#options));
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // A fetch of nothing but control or aborted records: kafkajs passes over it, so that the group must follow.
      if (payload.batchSize === 0) void this.#passOver(payload);
    });
    const running = this.#start();
    const keeping = this.#keep();
    const end = await this.#ended.promise;
    await running;
    // KFK-25: another member would begin anew what this one is about to finish.
    if (end.kind === 'stopped') await Promise.allSettled(this.#inHand);
    this.#finished.abort();
    await keeping;
    await this.#commit();
    await consumer.stop().catch(() => {});
    await consumer.disconnect().catch(() => {});
    return this.#failure ?? end;
  }

  stop(): void {
    this.#end({ kind: 'stopped' });
  }

  #end(end: MemberEnd): void {
    this.#ending.abort();
    this.#ended.resolve(end);
  }

  async #start(): Promise<void> {
    try {
      await this.#consumer.connect();
      // Where it starts is decided before the first fetch (KFK-26).
      await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
        eachBatch: (payload) => this.#take(payload),
      });
    } catch (thrown) {
      this.#end(endOf(thrown, this.#options));
    }
  }

  /** KFK-24 and KFK-25: beside whatever the handlers do. */
  async #keep(): Promise<void> {
    const { signal } = this.#finished;
    while (!signal.aborted) {
      await this.#context.clock.sleep(COMMIT_MS, signal);
      await this.#heartbeat();
      await this.#commit();
    }
  }

  /** KFK-4. Of a member that has failed nothing more is committed (KFK-27). */
  async #passOver({ topic, partition, lastOffset }: ConsumerEndBatchProcessEvent['payload']): Promise<void> {
    const generation = this.#generation;
    await this.#onTheWay.ended(topic, partition);
    if (generation.lost || this.#ending.signal.aborted) return;
    this.#commits.add(topic, partition, Number(lastOffset) + 1);
  }

  #joined(assignment: Assignment): void {
    this.#hasJoined = true;
    this.#commits.forget();
    this.#generation.lose(new Error('a new assignment came'));
    const generation = new Generation();
    this.#generation = generation;
    // KFK-26: before kafkajs fetches anything.
    this.#consumer.pause(listed(assignment));
    // One after the other: a restore must not be overtaken by that of the next assignment.
    this.#preparing = this.#preparing
      .catch(() => {})
      .then(() => this.#prepare(generation, assignment))
      .catch((error: unknown) => {
        if (generation === this.#generation) this.#end({ kind: 'failed', error });
      });
  }

  /** KFK-26 and KFK-29 */
  async #prepare(generation: Generation, assignment: Assignment): Promise<void> {
    const superseded = (): boolean => generation !== this.#generation || generation.disturbance !== null;
    const { log, clock, logger, known } = this.#context;
    const { group, from, onMoved } = this.#options;
    const { signal } = this.#ending;
    const append = this.#appendOf(generation);
    const standing = (topic: string): Promise<Standing> => log.standing(group, topic);
    const backOff = new BackOff();
    while (!superseded() && !signal.aborted) {
      try {
        await beginAtStarts(this.#consumer, assignment, { from, onMoved, standing, known, append });
        break;
      } catch (thrown) {
        generation.heed(thrown);
        if (superseded()) return;
        const error = logError(thrown, 'finding where to start');
        if (error.code !== 'BROKER_AWAY') throw error;
        await backOff.wait(clock, logger, error, { group }, signal);
      }
    }
    if (superseded() || signal.aborted) return;
    await this.#options.onAssigned?.(assignment, append);
    generation.markReady();
    if (!superseded()) this.#consumer.resume(listed(assignment));
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    // Nothing more is begun. Without the wait kafkajs would fetch the same again and again.
    if (this.#ending.signal.aborted) return aborted(this.#finished.signal);
    return this.#holding(this.#work(payload));
  }

  async #holding<T>(work: Promise<T>): Promise<T> {
    this.#inHand.add(work);
    try {
      return await work;
    } finally {
      this.#inHand.delete(work);
    }
  }

  async #work(payload: EachBatchPayload): Promise<void> {
    const generation = this.#generation;
    const { signal } = this.#ending;
    this.#group = payload;
    if (await generation.whenReady(this.#preparing, this.#ended.promise)) {
      try {
        await this.#workSlices(generation, payload);
      } catch (error) {
        // Bytes of it do not decode.
        this.#failure ??= { kind: 'failed', error };
        this.#end({ kind: 'failed', error });
      }
      await this.#heartbeat();
    }
    // A fetch from another broker may have joined anew meanwhile.
    if (generation !== this.#generation) return;
    if (generation.disturbance !== null || signal.aborted) {
      await this.#onTheWay.allEnded();
      await this.#commit();
    }
    // kafkajs joins anew on it.
    if (generation.disturbance !== null) throw generation.disturbance;
  }

  async #workSlices(generation: Generation, payload: EachBatchPayload): Promise<void> {
    const { signal } = this.#ending;
    const { topic, partition } = payload.batch;
    const size = this.#options.maxBatchRecords ?? MAX_BATCH_RECORDS;
    for (const { batch, commitOffset, isFollowed } of slicesOf(payload.batch, size)) {
      await this.#nextTurn();
      await this.#onTheWay.ended(topic, partition);
      if (signal.aborted || generation.disturbance !== null || payload.isStale()) break;
      const { handled, acknowledged } = this.#process(generation, batch, commitOffset);
      this.#onTheWay.add(topic, partition, this.#holding(acknowledged));
      await handled;
      // KFK-30.
      if (!isFollowed && !(await acknowledged)) break;
      payload.resolveOffset(String(batch.nextOffset - 1));
    }
  }

  /**
   * Batches of several partitions begin in turns of the event loop of their own: while one is worked, what those before it appended is
   * acknowledged and what the next ones append is sent.
   */
  #nextTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#context.clock.sleep(0));
    return this.#turn;
  }

  /** Neither rejects. `acknowledged` is false where the handler or the log failed, or the group went on without the batch. */
  #process(generation: Generation, batch: Batch, commitOffset: number) {
    const { signal } = this.#ending;
    const append = this.#appendOf(generation);
    const acknowledge = (): boolean => {
      if (!generation.lost) this.#commits.add(batch.topic, batch.partition, commitOffset);
      return !generation.lost;
    };
    const fail = (error: unknown): false => {
      // KFK-28: what a handler makes of being refused is no failure of its own.
      if (generation.lost) return false;
      // Nor is an outage that was waited for until the stop.
      if (!(signal.aborted && isKind(error, 'transient'))) this.#failure ??= { kind: 'failed', error };
      this.#end({ kind: 'failed', error });
      return false;
    };
    const handled = this.#handler(batch, append);
    const acknowledged = handled.then((outputs) => this.#write(batch, outputs, append)).then(acknowledge, fail);
    return { handled: Promise.allSettled([handled]), acknowledged };
  }

  /** Asks the handler again where the log refused one of the records that it gave. */
  async #write(batch: Batch, outputs: readonly OutgoingRecord[], append: Append): Promise<void> {
    try {
      await append(outputs);
    } catch (refusal) {
      if (!isKind(refusal, 'poison')) throw refusal;
      await append(await this.#handler(batch, append, refusal));
    }
  }

  /** KFK-28. */
  #appendOf(generation: Generation): Append {
    return async (records) => {
      const { signal } = this.#ending;
      if (generation.lost || (signal.aborted && !generation.ready)) {
        throw new HarvestlineError('MEMBERSHIP_LOST', `${this.#options.group} goes on without this member`);
      }
      await this.#holding(this.#context.log.append(records, signal));
    };
  }

  async #heartbeat(): Promise<void> {
    const generation = this.#generation;
    try {
      await this.#group?.heartbeat();
    } catch (thrown) {
      generation.heed(thrown);
    }
  }

  async #commit(): Promise<void> {
    const [group, generation] = [this.#group, this.#generation];
    if (generation.lost) return;
    try {
      await this.#commits.commit((offsets) => group?.commitOffsetsIfNecessary(offsets) ?? this.#commitOutside(offsets));
    } catch (thrown) {
      generation.heed(thrown);
    }
  }

  /** Where no batch has come yet: nothing but control records, which are passed over. */
  #commitOutside({ topics }: Offsets): Promise<void> {
    return this.#consumer.commitOffsets(
      topics.flatMap(({ topic, partitions }) => partitions.map((committed) => ({ topic, ...committed }))),
    );
  }
}

function listed(assignment: Assignment): { topic: string; partitions: number[] }[] {
  return Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
