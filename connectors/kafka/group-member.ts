import type { Consumer, ConsumerEndBatchProcessEvent, EachBatchPayload } from 'kafkajs';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import { type Clock, aborted } from '../../ports/clock.ts';
import type { Append, Batch, BatchHandler, OutgoingRecord, SubscribeOptions } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import {
  Generation,
  type Assignment,
  type GroupPosition,
  seekToStart,
  OffsetCommits,
  BatchesInFlight,
} from './assignment.ts';
import { retryBackoff } from './back-off.ts';
import { type MemberEnd, endOf, logError } from './broker-errors.ts';
import { slicesOf } from './fetch-response.ts';
import { beforeRejoin } from './kafkajs-fixes.ts';
import { CONFIRMED_MS, Membership, SESSION_TIMEOUT_MS } from './membership.ts';

/** How often offsets are committed. A crash repeats the work of this time; a shorter one costs round trips for little. Unit: milliseconds. */
const COMMIT_MS = 200;

/** Default size of a batch. It bounds what a crash repeats and what a handler holds in memory. Unit: records. */
const MAX_BATCH_RECORDS = 5000;

/** More partitions than a member is ever assigned, so that none waits for another. */
const CONCURRENT_PARTITIONS = 64;

export interface MemberOptions extends SubscribeOptions {
  /** Tests shorten it. Unit: milliseconds. */
  readonly sessionTimeoutMs?: number;
}

/** The part of KafkaLog that a member uses. */
export interface GroupLog {
  /** Once `signal` is aborted it no longer waits for an unavailable broker. */
  append(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void>;
  groupPosition(group: string, topic: string): Promise<GroupPosition>;
}

interface MemberContext {
  readonly log: GroupLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Topics that earlier memberships in this process have read. */
  readonly known: Set<string>;
}

/**
 * One membership in a consumer group: one kafkajs consumer, from joining the group to leaving it or crashing.
 *
 * KFK-24  An offset may be committed once the outputs of its batch are acknowledged, never before (PORT-3). The commit follows within
 *         COMMIT_MS, and before a stop or a rebalance that this member knows of.
 * KFK-25  Heartbeats continue beside handlers and `onAssigned`, however long these take, and while a stop waits for batches in progress.
 * KFK-26  Nothing of an assignment is fetched before its starting offsets are known (assignment.ts) and `onAssigned` has finished, which is
 *         called for every assignment.
 * KFK-27  An error of a handler ends the membership, and nothing of its batch is committed.
 * KFK-28  A member that was removed from the group, or whose consumer has crashed, appends nothing more of the batch in progress and
 *         commits nothing. Nor does an `onAssigned` that is still running when the member ends append anything more.
 * KFK-29  The starting offsets of a group are committed before anything else, so a crash skips nothing.
 * KFK-30  Where the partition is known to hold more, the last batch of a fetch stays in flight (assignment.ts) while the next fetch begins:
 *         kafkajs fetches nothing while a batch is in progress. It has ended before this member rejoins or ends.
 */
export class GroupMember {
  readonly #consumer: Consumer;
  readonly #options: MemberOptions;
  readonly #handler: BatchHandler;
  readonly #context: MemberContext;
  readonly #ended = Promise.withResolvers<MemberEnd>();
  readonly #ending = new AbortController();
  /** Aborted once the batches that were in progress at the end have finished. */
  readonly #finished = new AbortController();
  /** Batches in progress, and appends of `onAssigned`. */
  readonly #inProgress = new Set<Promise<unknown>>();
  readonly #inFlight = new BatchesInFlight();
  readonly #commits = new OffsetCommits();
  readonly #membership: Membership;
  #generation = new Generation();
  #preparing: Promise<void> = Promise.resolve();
  /** Resolves when the next batch may begin. */
  #turn: Promise<void> = Promise.resolve();
  #hasJoined = false;
  /** Reported to the owner even where a stop came first. */
  #failure: MemberEnd | null = null;

  constructor(consumer: Consumer, options: MemberOptions, handler: BatchHandler, context: MemberContext) {
    this.#options = options;
    this.#handler = handler;
    this.#context = context;
    this.#consumer = consumer;
    this.#membership = new Membership(consumer, context.clock);
  }

  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** Consumes until `stop`, a failure, or an outage of the broker. Has left the group when it resolves. */
  async run(): Promise<MemberEnd> {
    const consumer = this.#consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload.memberAssignment));
    beforeRejoin(consumer, () => this.#finishGeneration());
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => {
      this.#generation.lose(error);
      this.#end(endOf(error, this.#options));
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // A fetch of control or aborted records only: kafkajs moves past it, and the committed offset has to follow.
      if (payload.batchSize === 0) void this.#skipEmpty(payload);
    });
    const running = this.#start();
    const background = this.#heartbeatAndCommit();
    const end = await this.#ended.promise;
    await running;
    // KFK-25: otherwise another member would repeat what this one is about to finish.
    if (end.kind === 'stopped') await Promise.allSettled(this.#inProgress);
    this.#finished.abort();
    await background;
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
      // The actual start is decided before the first fetch (KFK-26).
      await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
        eachBatch: (payload) => this.#onBatch(payload),
      });
    } catch (thrown) {
      this.#end(endOf(thrown, this.#options));
    }
  }

  /** Sends heartbeats and commits beside the handlers (KFK-24, KFK-25). */
  async #heartbeatAndCommit(): Promise<void> {
    const { signal } = this.#finished;
    while (!signal.aborted) {
      await this.#context.clock.sleep(COMMIT_MS, signal);
      await this.#membership.heartbeat(this.#generation);
      await this.#commit();
    }
  }

  /** Moves the offset past records that no handler sees (KFK-4). Not once the member has failed (KFK-27). */
  async #skipEmpty({ topic, partition, lastOffset }: ConsumerEndBatchProcessEvent['payload']): Promise<void> {
    const generation = this.#generation;
    await this.#inFlight.ended(topic, partition);
    if (generation.lost || this.#ending.signal.aborted) return;
    this.#commits.add(topic, partition, Number(lastOffset) + 1);
  }

  #onJoin(assignment: Assignment): void {
    this.#hasJoined = true;
    this.#commits.forget();
    this.#generation.lose(new Error('a new assignment came'));
    const generation = new Generation();
    this.#generation = generation;
    // KFK-26: kafkajs has not fetched anything yet.
    this.#consumer.pause(listed(assignment));
    // One after the other: `onAssigned` of the next assignment must not overtake this one.
    this.#preparing = this.#preparing
      .catch(() => {})
      .then(() => this.#prepare(generation, assignment))
      .catch((error: unknown) => {
        if (generation === this.#generation) this.#end({ kind: 'failed', error });
      });
  }

  /** Seeks to the starting offsets and runs `onAssigned` (KFK-26, KFK-29). */
  async #prepare(generation: Generation, assignment: Assignment): Promise<void> {
    const superseded = (): boolean => generation !== this.#generation || generation.rebalanceError !== null;
    const { log, clock, logger, known } = this.#context;
    const { group, from, onMoved } = this.#options;
    const { signal } = this.#ending;
    const append = this.#appendOf(generation);
    const groupPosition = (topic: string): Promise<GroupPosition> => log.groupPosition(group, topic);
    const backoff = retryBackoff({ clock, logger, signal }, { group });
    while (!superseded() && !signal.aborted) {
      try {
        await seekToStart(this.#consumer, assignment, { from, onMoved, groupPosition, known, append, superseded });
        break;
      } catch (thrown) {
        generation.noteError(thrown);
        if (superseded()) return;
        const error = logError(thrown, 'finding where to start');
        if (error.code !== 'BROKER_AWAY') throw error;
        await backoff.wait(error);
      }
    }
    if (superseded() || signal.aborted) return;
    await this.#options.onAssigned?.(assignment, append);
    generation.markReady();
    if (!superseded()) this.#consumer.resume(listed(assignment));
  }

  async #onBatch(payload: EachBatchPayload): Promise<void> {
    // No new batch. Without the wait kafkajs would fetch the same records again and again.
    if (this.#ending.signal.aborted) return aborted(this.#finished.signal);
    return this.#track(this.#handleFetch(payload));
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#inProgress.add(work);
    try {
      return await work;
    } finally {
      this.#inProgress.delete(work);
    }
  }

  async #handleFetch(payload: EachBatchPayload): Promise<void> {
    const generation = this.#generation;
    const { signal } = this.#ending;
    this.#membership.within(payload);
    if (await generation.whenReady(this.#preparing, this.#ended.promise)) {
      try {
        await this.#handleSlices(generation, payload);
      } catch (error) {
        // The fetched bytes do not decode.
        this.#failure ??= { kind: 'failed', error };
        this.#end({ kind: 'failed', error });
      }
      await this.#membership.heartbeat(this.#generation);
    }
    // A fetch from another broker may have caused a rejoin meanwhile.
    if (generation !== this.#generation) return;
    if (generation.rebalanceError !== null || signal.aborted) {
      await this.#inFlight.allEnded();
      await this.#commit();
    }
    // kafkajs rejoins on this error.
    if (generation.rebalanceError !== null) throw generation.rebalanceError;
  }

  async #handleSlices(generation: Generation, payload: EachBatchPayload): Promise<void> {
    const { signal } = this.#ending;
    const { topic, partition } = payload.batch;
    const size = this.#options.maxBatchRecords ?? MAX_BATCH_RECORDS;
    for (const { batch, commitOffset, isFollowed } of slicesOf(payload.batch, size)) {
      await this.#nextTurn();
      await this.#inFlight.ended(topic, partition);
      if (signal.aborted || generation.rebalanceError !== null || payload.isStale()) break;
      const { handled, acknowledged } = this.#process(generation, batch, commitOffset);
      this.#inFlight.add(topic, partition, this.#track(acknowledged));
      await handled;
      // KFK-30.
      if (!isFollowed && !(await acknowledged)) break;
      payload.resolveOffset(String(batch.nextOffset - 1));
    }
  }

  /**
   * Batches of several partitions begin in separate turns of the event loop, so that between them appends are sent and acknowledged.
   */
  #nextTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#context.clock.sleep(0));
    return this.#turn;
  }

  /** Neither promise rejects. `acknowledged` is false where the handler or the log failed, or the group rebalanced without this member. */
  #process(generation: Generation, batch: Batch, commitOffset: number) {
    const { signal } = this.#ending;
    const append = this.#appendOf(generation);
    const acknowledge = (): boolean => {
      if (!generation.lost) this.#commits.add(batch.topic, batch.partition, commitOffset);
      return !generation.lost;
    };
    const fail = (error: unknown): false => {
      // KFK-28: an error that follows from a refused append is no failure of the handler.
      if (generation.lost) return false;
      // Nor is an outage that lasted until the stop.
      if (!(signal.aborted && isKind(error, 'transient'))) this.#failure ??= { kind: 'failed', error };
      this.#end({ kind: 'failed', error });
      return false;
    };
    const handled = this.#handler(batch, append);
    const acknowledged = handled.then((outputs) => this.#write(batch, outputs, append)).then(acknowledge, fail);
    return { handled: Promise.allSettled([handled]), acknowledged };
  }

  /** Appends the outputs. Where the log refuses one of them, the handler is asked again. */
  async #write(batch: Batch, outputs: readonly OutgoingRecord[], append: Append): Promise<void> {
    // Nothing has to be confirmed for nothing: the commit is refused where the group went on.
    const write = (records: readonly OutgoingRecord[]) => (records.length === 0 ? Promise.resolve() : append(records));
    try {
      await write(outputs);
    } catch (refusal) {
      if (!isKind(refusal, 'poison')) throw refusal;
      await write(await this.#handler(batch, append, refusal));
    }
  }

  /** An append that fails once the generation is lost (KFK-28, KFK-46). */
  #appendOf(generation: Generation): Append {
    return async (records) => {
      const { signal } = this.#ending;
      const isOver = (): boolean => generation.lost || (signal.aborted && !generation.ready);
      if (!isOver() && !this.#membership.isConfirmed) await this.#confirm(generation, records.length > 0);
      if (isOver()) {
        throw new HarvestlineError('MEMBERSHIP_LOST', `${this.#options.group} goes on without this member`);
      }
      await this.#track(this.#context.log.append(records, signal));
    };
  }

  /** KFK-46, KFK-47. What has nothing to write waits for a few heartbeats only. */
  async #confirm(generation: Generation, mustWrite: boolean): Promise<void> {
    if (await this.#membership.confirm(generation, mustWrite ? SESSION_TIMEOUT_MS : CONFIRMED_MS)) return;
    const error = new HarvestlineError('BROKER_AWAY', `${this.#options.group} does not confirm the membership`);
    if (!mustWrite) throw error;
    generation.lose(error);
    this.#end({ kind: 'unavailable', error });
  }

  /** KFK-24, KFK-30: also where no rebalance has begun, and kafkajs rejoins for partitions that were added. */
  #finishGeneration(): Promise<void> {
    this.#generation.startRebalance(new Error('the member rejoins'));
    return this.#inFlight.allEnded().then(() => this.#commit());
  }

  async #commit(): Promise<void> {
    const generation = this.#generation;
    if (generation.lost) return;
    try {
      await this.#commits.commit((offsets) => this.#membership.commit(offsets));
    } catch (thrown) {
      generation.noteError(thrown);
    }
  }
}

function listed(assignment: Assignment): { topic: string; partitions: number[] }[] {
  return Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
}
