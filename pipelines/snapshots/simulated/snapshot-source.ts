import { DeskFeed } from './desk-feed.ts';
import { retryPart } from '../../runtime/part-retry.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import type { EventLog } from '../../../ports/event-log.ts';
import type { Logger } from '../../../ports/logger.ts';
import type { PositionBook } from '../../../ports/position-book.ts';
import type { Random } from '../../../ports/random.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { encodeObserved, latestSnapshots } from '../source-records.ts';
import type { Health } from '../../runtime/health.ts';
import type { Source } from '../../runtime/processor.ts';
import type { Market, MarketCycle } from '../../../ports/market.ts';

interface SnapshotSourceOptions {
  readonly desk: string;
  readonly market: LiveMarket;
  readonly book: PositionBook;
  readonly random: Random;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  /** Throws ACCOUNT_TAKEN. */
  readonly mayWrite: () => Promise<void>;
}

const NAME = TOPICS.positionSnapshot.writer;

/**
 * The snapshot source of a simulated desk: its market, cycle by cycle as the candles close.
 * Reads      the market, the venue's book, and once position.snapshot, for what only snapshots remember
 * Writes     model.signal, position.snapshot
 * State      the desk feed's (desk-feed.ts)
 * Guarantee  a cycle that cannot be written is tried again until it can; cycles missed while the source was down are not made up for, since
 *            nobody observed them
 */
export function snapshotSource(options: SnapshotSourceOptions): Source {
  return { name: NAME, run: (signal) => observeMarket(options, signal) };
}

async function observeMarket(options: SnapshotSourceOptions, signal: AbortSignal): Promise<void> {
  const { desk, market, book, random, log, codec, clock, logger, health, mayWrite } = options;
  const models = { writer: new TopicWriter(TOPICS.modelSignal.writer, codec), logger };
  const source = { writer: new TopicWriter(NAME, codec), logger };
  const feed = new DeskFeed({ desk, market, book, random });
  const part = { processor: NAME, clock, logger, signal, observer: health.retriesOf(NAME) };
  health.is(NAME, 'restoring');
  feed.restore(
    await retryPart(part, 'restoring', () => latestSnapshots(options, clock, (account) => feed.accounts.has(account))),
  );
  health.is(NAME, 'assigned');
  for (;;) {
    const cycle = market.cycleAfter(clock.now());
    await clock.sleep(market.closesAt(cycle) - clock.now(), signal);
    if (signal.aborted) return;
    const observed = feed.run(cycle);
    if (observed === undefined) {
      logger.info({ desk, cycle }, "the market's data end here; no more snapshots");
      return;
    }
    const { now, signals, snapshots } = observed;
    const records = [
      ...signals.flatMap((one) => encodeObserved(models, TOPICS.modelSignal, one, now, one.symbol)),
      ...snapshots.flatMap((one) => encodeObserved(source, TOPICS.positionSnapshot, one, now, one.position_id)),
    ];
    await retryPart(part, 'writing snapshots', () => mayWrite().then(() => log.append(records)));
  }
}

/** A market whose candles close on the wall clock. */
interface LiveMarket extends Market {
  /** When the candles of a cycle close, also after the end of the market. */
  closesAt(cycle: number): EpochMillis;
}

/**
 * A market whose candles close on the wall clock instead of when they were recorded or simulated: cycle n at `origin + n * intervalMs`. Prices
 * are the market's, and move faster where the interval is shorter; the times in records are real.
 */
export function liveMarket(market: Market, origin: EpochMillis, intervalMs: number): LiveMarket {
  const closesAt = (cycle: number): EpochMillis => origin + cycle * intervalMs;
  return {
    source: market.source,
    symbols: market.symbols,
    intervalMs,
    cycle: (index): MarketCycle | undefined => {
      const cycle = market.cycle(index);
      if (cycle === undefined) return undefined;
      const now = closesAt(index);
      return { now, ticks: cycle.ticks.map((tick) => ({ ...tick, candle: { ...tick.candle, closedAt: now } })) };
    },
    closesAt,
    cycleAfter: (time) => Math.max(0, Math.floor((time - origin) / intervalMs) + 1),
  };
}
