import type { Clock } from '../../ports/clock.ts';
import type { EventLog, OutgoingRecord } from '../../ports/event-log.ts';
import type { Random } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { positionIdOf } from '../../schemas/ids.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';
import { type Look, flowOf } from './log-watch.ts';

/** Keys; each partition gets some dozens. */
const SYMBOLS = 300;

/**
 * Then the symbol is opened anew as another position. An order takes execution a fifth of a second in each of six
 * partitions: about two orders a position keep it at work throughout, and 200,000 snapshots in minutes. Unit: snapshots.
 */
const SNAPSHOTS_A_POSITION = 200;

/** Shares of the snapshots that the policy closes in part, and altogether. */
const PARTIAL_SHARE = 0.07;
const CLOSE_SHARE = 0.03;

/** R at which the policy does so, and at which it holds. */
const PARTIAL_R = 3;
const CLOSE_R = 9;
const HOLD_R = 0.5;

/** Older than fresh, younger than old, in the policy's eyes. Unit: milliseconds. */
const AGE_MS = 3 * 60 * 60 * 1000;

/** Records an append. */
const CHUNK = 1000;

/** One append of `writeSteadily`: each of another key. Unit: records. */
const STEADY_CHUNK = 24;

/** From one of them to the next. Unit: milliseconds. */
const STEADY_MS = 240;

/** So many wait for scoring, and for execution, before more are written: kills find both at work. Unit: records. */
const SCORING_BACKLOG = 6000;
const EXECUTION_BACKLOG = 400;

const SCORING = flowOf('scoring', TOPICS.positionSnapshot.name);
const EXECUTION = flowOf('execution', TOPICS.harvestIntent.name);

export interface FeedOptions {
  readonly records: number;
  readonly log: Pick<EventLog, 'append'>;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly random: Random;
}

/** Writes the snapshots, as fast as they are worked. Kinds and keys come from the seed alone. */
export class SnapshotFeed {
  readonly #options: FeedOptions;
  readonly #writer: TopicWriter;
  readonly #openedBase: number;
  /** Symbol -> its latest observation: two of one position must differ, since the intent's id derives from it. */
  readonly #observed: number[] = Array.from({ length: SYMBOLS }, () => 0);
  #produced = 0;
  #appending: Promise<void> | null = null;
  #failure: unknown = null;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#writer = new TopicWriter('snapshots', options.codec);
    this.#openedBase = options.clock.now() - AGE_MS;
  }

  /** All are written and acknowledged. */
  get finished(): boolean {
    return this.#produced === this.#options.records && this.#appending === null;
  }

  /** Starts the next append if the backlog allows. Throws what the one before failed with. */
  offer(look: Look): void {
    if (this.#failure !== null) throw this.#failure;
    const { records, log } = this.#options;
    if (this.#appending !== null || this.#produced === records) return;
    if (this.#produced - look.done(SCORING) > SCORING_BACKLOG || look.lag(EXECUTION) > EXECUTION_BACKLOG) return;
    const chunk = this.#chunk(CHUNK);
    this.#appending = log
      .append(chunk)
      .catch((thrown: unknown) => {
        this.#failure = thrown;
      })
      .finally(() => {
        this.#appending = null;
      });
  }

  /** The other way: all of them, a few at a time, whatever waits. Throws what an append failed with. */
  async writeSteadily(interrupt: AbortSignal): Promise<void> {
    const { records, log, clock } = this.#options;
    while (this.#produced < records && !interrupt.aborted) {
      this.#appending = log.append(this.#chunk(STEADY_CHUNK));
      await this.#appending;
      this.#appending = null;
      await clock.sleep(STEADY_MS, interrupt);
    }
  }

  #chunk(size: number): readonly OutgoingRecord[] {
    return Array.from({ length: Math.min(size, this.#options.records - this.#produced) }, () => {
      const snapshot = this.#next();
      return this.#writer.encode(TOPICS.positionSnapshot, snapshot, snapshot.observed_at);
    });
  }

  #next(): PositionSnapshot {
    const index = this.#produced++;
    const slot = index % SYMBOLS;
    const life = Math.floor(index / (SYMBOLS * SNAPSHOTS_A_POSITION));
    const draw = this.#options.random.stream('chaos', 'snapshot', index).uniform();
    const r = draw < CLOSE_SHARE ? CLOSE_R : draw < CLOSE_SHARE + PARTIAL_SHARE ? PARTIAL_R : HOLD_R;
    const symbol = `S${slot}USDT`;
    const opened_at = this.#openedBase + life;
    const observed_at = Math.max(this.#options.clock.now(), (this.#observed[slot] ?? 0) + 1);
    this.#observed[slot] = observed_at;
    const base = aSnapshot({ symbol, r });
    return {
      ...base,
      position_id: positionIdOf(base.account, symbol, base.side, opened_at),
      opened_at,
      observed_at,
      // Expanding volatility speaks for holding.
      volatility_gradient: r === HOLD_R ? 0.5 : base.volatility_gradient,
    };
  }
}
