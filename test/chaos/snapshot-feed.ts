import type { Clock } from '../../ports/clock.ts';
import type { EventLog, OutgoingRecord } from '../../ports/event-log.ts';
import type { Random } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { positionIdOf } from '../../schemas/ids.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';
import { type Observation, flowOf } from './log-watch.ts';

/** The number of symbols, some dozens for each partition. */
const SYMBOLS = 300;

/**
 * The length of a position, after which its symbol is opened again. Execution needs a fifth of a second for an order in each of six
 * partitions, so about two orders for each position keep it busy and process 200,000 snapshots in minutes. Unit: snapshots.
 */
const SNAPSHOTS_A_POSITION = 200;

/** The shares of snapshots at which the policy closes a position in part, and as a whole. */
const PARTIAL_SHARE = 0.07;
const CLOSE_SHARE = 0.03;

/** R at which the policy does so, and at which it holds. */
const PARTIAL_R = 3;
const CLOSE_R = 9;
const HOLD_R = 0.5;

/** The age of a position, which the policy calls neither fresh nor old. Unit: milliseconds. */
const AGE_MS = 3 * 60 * 60 * 1000;

/** The number of records of an append. */
const CHUNK = 1000;

/** The number of records of an append of `writeSteadily`, each of another key. */
const STEADY_CHUNK = 24;

/** The time between two of these appends. Unit: milliseconds. */
const STEADY_MS = 240;

/** No more is written while so many records wait for scoring or execution, so that kills find both at work. Unit: records. */
const SCORING_BACKLOG = 6000;
const EXECUTION_BACKLOG = 400;

const SCORING = flowOf('scoring', TOPICS.positionSnapshot.name);
const EXECUTION = flowOf('execution', TOPICS.harvestIntent.name);

interface FeedOptions {
  readonly records: number;
  readonly log: Pick<EventLog, 'append'>;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly random: Random;
}

/** Writes the snapshots as fast as they are processed. Kinds and keys depend on the seed alone. */
export class SnapshotFeed {
  readonly #options: FeedOptions;
  readonly #writer: TopicWriter;
  readonly #openedBase: number;
  /** By symbol: its latest observation time. Those of a position have to differ, because the intent's id derives from them. */
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

  /** Starts the next append if the backlog allows. Throws the error of the append before. */
  offer(observation: Observation): void {
    if (this.#failure !== null) throw this.#failure;
    const { records, log } = this.#options;
    if (this.#appending !== null || this.#produced === records) return;
    if (this.#produced - observation.done(SCORING) > SCORING_BACKLOG || observation.lag(EXECUTION) > EXECUTION_BACKLOG)
      return;
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

  /** Writes all snapshots, a few at a time, whatever the backlog. Throws the error of an append. */
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
