/**
 * The snapshot source on a real exchange: one account's open positions, cycle by cycle.
 *
 * Reads      the venue (position-observer.ts), model.signal; once, position.snapshot and position.reconciled
 * Writes     position.reconciled, position.snapshot
 * State      the position observer's, restored from what it wrote
 * Guarantee  the reductions of a cycle are on the log before its snapshots, so a crash repeats a reduction rather than losing it; a cycle
 *            that cannot be written is tried again; a cycle that was missed is not made up for, since nobody observed it
 */
import { PositionObserver } from './position-observer.ts';
import type { ObservedCycle } from './cycle.ts';
import { type RetryingPart, retryPart } from '../runtime/part-retry.ts';
import type { ChangeStream, Venue } from '../../ports/venue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { PositionReconciled } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { forEachRecord } from '../runtime/topic-cursor.ts';
import { BetweenCycles } from './between-cycles.ts';
import { encodeObserved, latestSnapshots } from './source-records.ts';
import type { Health } from '../runtime/health.ts';
import { LogSignals } from './signals.ts';
import type { Source } from '../runtime/processor.ts';

interface ExchangeSourceOptions {
  readonly venue: Venue;
  readonly account: string;
  readonly symbols: ReadonlySet<string> | null;
  readonly cycleMs: number;
  /** The venue's events between cycles; null: it has none. */
  readonly stream: ChangeStream | null;
  /** Replaces a cycle by what is written of it (the paper mirror); null: it is written as it is. */
  readonly mirror: ((cycle: ObservedCycle) => Promise<ObservedCycle>) | null;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  /** The venue's time. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Throws ACCOUNT_TAKEN. */
  readonly mayWrite: () => Promise<void>;
}

const NAME = TOPICS.positionSnapshot.writer;

export function exchangeSource(options: ExchangeSourceOptions): Source {
  return { name: NAME, run: (signal) => observePositions(options, signal) };
}

async function observePositions(options: ExchangeSourceOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger, health, stream } = options;
  const observer = new PositionObserver({ ...options, signals: new LogSignals(options, clock) });
  const part = { processor: NAME, clock, logger, signal, observer: health.retriesOf(NAME) };
  const write = (observed: ObservedCycle): Promise<void> => writeCycle(observed, options, part);
  health.is(NAME, 'restoring');
  const recorded = await retryPart(part, 'restoring', () => readRecorded(options));
  observer.restore(recorded.snapshots, recorded.reconciled);
  health.is(NAME, 'assigned');
  if (stream === null) return inCycles(options, { observer, part, write, between: null }, signal);
  const between = new BetweenCycles({
    ...options,
    stream,
    observer,
    write: ({ now, reconciled }) => write({ now, reconciled, snapshots: [], missing: [] }),
  });
  const ended = new AbortController();
  const following = between.follow(AbortSignal.any([signal, ended.signal]));
  try {
    await inCycles(options, { observer, part, write, between }, signal);
  } finally {
    ended.abort();
    await following;
  }
}

interface CycleParts {
  readonly observer: PositionObserver;
  readonly part: RetryingPart;
  readonly write: (observed: ObservedCycle) => Promise<void>;
  /** Null: nothing happens between two cycles. */
  readonly between: BetweenCycles | null;
}

async function inCycles(options: ExchangeSourceOptions, parts: CycleParts, signal: AbortSignal): Promise<void> {
  const { clock, logger, metrics, cycleMs } = options;
  const { observer, part, write, between } = parts;
  const positions = metrics.gauge('observedPositions', {});
  const missing = metrics.gauge('missingAnswers', {});
  while (!signal.aborted) {
    const startedAt = clock.now();
    between?.beginCycle();
    const observed = await retryPart(part, 'observing the venue', () => observer.observe());
    missing.set(observed.missing.length);
    for (const one of observed.missing) logger.warn({ ...one }, `${one.symbol}: the venue did not tell ${one.what}`);
    positions.set(observed.snapshots.length);
    await write(observed);
    between?.endCycle(observed);
    const next = startedAt + cycleMs;
    await (between === null ? clock.sleep(next - clock.now(), signal) : between.until(next, signal));
  }
}

async function writeCycle(observed: ObservedCycle, options: ExchangeSourceOptions, part: RetryingPart): Promise<void> {
  const { mirror, log, mayWrite } = options;
  const records = encode(mirror === null ? observed : await mirror(observed), options);
  if (records.length === 0) return;
  await retryPart(part, 'writing snapshots', () => mayWrite().then(() => log.append(records)));
}

/** Reductions first, as the guarantee at the head says. */
function encode(cycle: ObservedCycle, { codec, logger }: ExchangeSourceOptions): readonly EncodedRecord[] {
  const to = { writer: new TopicWriter(NAME, codec), logger };
  const { positionReconciled, positionSnapshot } = TOPICS;
  return [
    ...cycle.reconciled.flatMap((one) => encodeObserved(to, positionReconciled, one, cycle.now, one.symbol)),
    ...cycle.snapshots.flatMap((one) => encodeObserved(to, positionSnapshot, one, cycle.now, one.position_id)),
  ];
}

/** The latest snapshot of every position of the account, and all of its reconciliations. */
async function readRecorded(options: ExchangeSourceOptions) {
  const { account, clock } = options;
  const snapshots = await latestSnapshots(options, clock, (other) => other === account);
  const reconciled: PositionReconciled[] = [];
  await forEachRecord(options, TOPICS.positionReconciled.name, {}, (record) => {
    if (record.account === account) reconciled.push(record);
  });
  return { snapshots, reconciled };
}
