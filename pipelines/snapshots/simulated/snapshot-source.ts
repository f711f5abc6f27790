import { DeskFeed } from './desk-feed.ts';
import { patiently, sourceBackOff } from '../../runtime/back-off.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import type { EventLog } from '../../../ports/event-log.ts';
import type { Logger } from '../../../ports/logger.ts';
import type { PositionBook } from '../../../ports/position-book.ts';
import type { Random } from '../../../ports/random.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { timesAhead } from '../../../schemas/time-bound.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { forEachRecord } from '../../runtime/topic-cursor.ts';
import { encodeObserved } from '../encode-observed.ts';
import type { Health } from '../../runtime/health.ts';
import type { Source } from '../../runtime/processor.ts';
import type { Market, MarketCycle } from '../../../ports/market.ts';

export interface SnapshotSourceOptions {
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
 * The snapshot source: a desk on a market, cycle by cycle as its candles close.
 * Reads      the market, the venue's book, and once position.snapshot, for what only snapshots tell
 * Writes     model.signal, position.snapshot
 * State      the desk feed's (pipelines/snapshots/simulated/desk-feed.ts)
 * Guarantee  a cycle that cannot be written is tried again until it can; cycles missed while the source was down are not
 *            made up for: nobody observed them
 */
export function snapshotSource(options: SnapshotSourceOptions): Source {
  return { name: NAME, run: (signal) => observeMarket(options, signal) };
}

async function observeMarket(options: SnapshotSourceOptions, signal: AbortSignal): Promise<void> {
  const { desk, market, book, random, log, codec, clock, logger, health, mayWrite } = options;
  const models = { writer: new TopicWriter(TOPICS.modelSignal.writer, codec), logger };
  const source = { writer: new TopicWriter(NAME, codec), logger };
  const feed = new DeskFeed({ desk, market, book, random });
  const backOff = sourceBackOff(options, signal);
  health.is(NAME, 'restoring');
  feed.restore(await patiently(backOff, 'restoring', () => latestSnapshots(options, feed.accounts)));
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
      ...signals.flatMap((said) => encodeObserved(models, TOPICS.modelSignal, said, now, said.symbol)),
      ...snapshots.flatMap((one) => encodeObserved(source, TOPICS.positionSnapshot, one, now, one.position_id)),
    ];
    await patiently(backOff, 'writing snapshots', () => mayWrite().then(() => log.append(records)));
  }
}

/** The last snapshot of each of the desk's positions. */
async function latestSnapshots(
  { log, codec, clock }: SnapshotSourceOptions,
  accounts: ReadonlySet<string>,
): Promise<Iterable<PositionSnapshot>> {
  const latest = new Map<string, PositionSnapshot>();
  const { name: topic } = TOPICS.positionSnapshot;
  await forEachRecord({ log, codec }, topic, {}, (snapshot, { timestamp }) => {
    if (!accounts.has(snapshot.account)) return;
    // One of a time that cannot be would stay the latest until then.
    if (timesAhead(topic, snapshot, timestamp, clock.now()).length === 0) latest.set(snapshot.position_id, snapshot);
  });
  return latest.values();
}

/** A market on the wall clock. */
interface LiveMarket extends Market {
  /** When that cycle's candles close, also where the market has ended by then. */
  closesAt(cycle: number): EpochMillis;
}

/**
 * A market whose candles close now instead of when they were recorded or simulated: cycle n at `origin + n * intervalMs`.
 * Prices are the market's; with a shorter interval they move faster, and every time that a record carries is real.
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
