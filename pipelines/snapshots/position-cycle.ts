/**
 * The snapshot source on a real exchange: one account's open positions, cycle by cycle.
 *
 * reads      the venue (pipelines/snapshots/position-source.ts), model.signal; once, position.snapshot and
 *            position.reconciled
 * writes     position.reconciled, position.snapshot
 * state      the position source's, recovered from what it wrote
 * guarantee  what a cycle reconciled is in the log before its snapshots, so a crash tells of a fill twice rather than never; a
 *            cycle that cannot be written is tried again; one that was missed is not made up for: nobody observed it
 */
import { PositionSource } from './position-source.ts';
import type { ObservedCycle } from './cycle.ts';
import { type BackOff, patiently, sourceBackOff } from '../runtime/back-off.ts';
import type { ChangeStream, Venue } from '../../ports/venue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { PositionReconciled, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { timesAhead } from '../../schemas/time-bound.ts';
import { type EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { forEachRecord } from '../runtime/topic-cursor.ts';
import { BetweenCycles } from './between-cycles.ts';
import { encodeObserved } from './encode-observed.ts';
import type { Health } from '../runtime/health.ts';
import { LogSignals } from './signals.ts';
import type { Source } from '../runtime/processor.ts';

export interface PositionCycleOptions {
  readonly venue: Venue;
  readonly account: string;
  readonly symbols: ReadonlySet<string> | null;
  readonly cycleMs: number;
  /** What the venue tells between cycles; null: nothing. */
  readonly stream: ChangeStream | null;
  /** What is made of a cycle before it is written; as it is where null. */
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

export function positionCycle(options: PositionCycleOptions): Source {
  return { name: NAME, run: (signal) => observePositions(options, signal) };
}

async function observePositions(options: PositionCycleOptions, signal: AbortSignal): Promise<void> {
  const { clock, health, stream } = options;
  const source = new PositionSource({ ...options, signals: new LogSignals(options, clock) });
  const backOff = sourceBackOff(options, signal);
  const write = (observed: ObservedCycle): Promise<void> => writeCycle(observed, options, backOff);
  health.is(NAME, 'restoring');
  const recorded = await patiently(backOff, 'restoring', () => readRecorded(options));
  source.restore(recorded.snapshots, recorded.reconciled);
  health.is(NAME, 'assigned');
  if (stream === null) return inCycles(options, { source, backOff, write, between: null }, signal);
  const between = new BetweenCycles({
    ...options,
    stream,
    source,
    write: ({ now, reconciled }) => write({ now, reconciled, snapshots: [], missing: [] }),
  });
  const ended = new AbortController();
  const following = between.follow(AbortSignal.any([signal, ended.signal]));
  try {
    await inCycles(options, { source, backOff, write, between }, signal);
  } finally {
    ended.abort();
    await following;
  }
}

interface CycleParts {
  readonly source: PositionSource;
  readonly backOff: BackOff;
  readonly write: (observed: ObservedCycle) => Promise<void>;
  /** Null: nothing happens between two cycles. */
  readonly between: BetweenCycles | null;
}

async function inCycles(options: PositionCycleOptions, parts: CycleParts, signal: AbortSignal): Promise<void> {
  const { clock, logger, metrics, cycleMs } = options;
  const { source, backOff, write, between } = parts;
  const positions = metrics.gauge('observedPositions', {});
  const missing = metrics.gauge('missingAnswers', {});
  while (!signal.aborted) {
    const startedAt = clock.now();
    between?.starts();
    const observed = await patiently(backOff, 'observing the venue', () => source.observe());
    missing.set(observed.missing.length);
    for (const one of observed.missing) logger.warn({ ...one }, `${one.symbol}: the venue did not tell ${one.what}`);
    positions.set(observed.snapshots.length);
    await write(observed);
    between?.cycled(observed);
    const next = startedAt + cycleMs;
    await (between === null ? clock.sleep(next - clock.now(), signal) : between.until(next, signal));
  }
}

async function writeCycle(observed: ObservedCycle, options: PositionCycleOptions, backOff: BackOff): Promise<void> {
  const { mirror, log, mayWrite } = options;
  const records = encode(mirror === null ? observed : await mirror(observed), options);
  if (records.length === 0) return;
  await patiently(backOff, 'writing snapshots', () => mayWrite().then(() => log.append(records)));
}

/** Reductions first: see the guarantee. */
function encode(cycle: ObservedCycle, { codec, logger }: PositionCycleOptions): readonly EncodedRecord[] {
  const to = { writer: new TopicWriter(NAME, codec), logger };
  const { positionReconciled, positionSnapshot } = TOPICS;
  return [
    ...cycle.reconciled.flatMap((one) => encodeObserved(to, positionReconciled, one, cycle.now, one.symbol)),
    ...cycle.snapshots.flatMap((one) => encodeObserved(to, positionSnapshot, one, cycle.now, one.position_id)),
  ];
}

/** The last snapshot of every position of the account, and all that was told of its fills. */
async function readRecorded({ log, codec, account, clock }: PositionCycleOptions) {
  const { name: topic } = TOPICS.positionSnapshot;
  const snapshots = new Map<string, PositionSnapshot>();
  const reconciled: PositionReconciled[] = [];
  await forEachRecord({ log, codec }, topic, {}, (snapshot, { timestamp }) => {
    if (snapshot.account !== account) return;
    // One of a time that cannot be would stay the latest until then.
    if (timesAhead(topic, snapshot, timestamp, clock.now()).length === 0) snapshots.set(snapshot.position_id, snapshot);
  });
  await forEachRecord({ log, codec }, TOPICS.positionReconciled.name, {}, (record) => {
    if (record.account === account) reconciled.push(record);
  });
  return { snapshots: snapshots.values(), reconciled };
}
