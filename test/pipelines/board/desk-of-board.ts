/** Records of a small desk, and a board over them. */
import * as fc from 'fast-check';
import { onTestFinished } from 'vitest';
import { type BoardOptions, DeskBoard } from '../../../pipelines/board/board-source.ts';
import { BoardProjection } from '../../../pipelines/board/projection.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { StallReader } from '../../../pipelines/watch/stall-watcher.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { ExecutionStatus, IntentId, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const MINUTE_MS = 60_000;
const ACCOUNT = 'desk';

/** Something that happens to a position of the desk, a number of minutes after it was opened. */
export interface Happening {
  readonly symbol: string;
  readonly kind: 'snapshot' | 'partial' | 'suppressed' | 'closed';
  readonly minute: number;
  readonly r: number;
}

export const happenings = fc
  .array(
    fc.record({
      symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT', 'XRPUSDT'),
      kind: fc.constantFrom<Happening['kind'][]>('snapshot', 'snapshot', 'snapshot', 'partial', 'suppressed', 'closed'),
      r: fc.constantFrom(-0.5, 0.4, 2.5, 3.1, 5),
    }),
    { minLength: 1, maxLength: 30 },
  )
  // A minute and a half each: some partial closes are within a cooldown, others after it.
  .map((list): Happening[] => list.map((one, index) => ({ ...one, minute: 120 + Math.floor(index * 1.5) })));

export const snapshotOf = ({ symbol, minute, r }: Happening) => {
  const snapshot = aSnapshot({ symbol, r });
  return { ...snapshot, observed_at: snapshot.opened_at + minute * MINUTE_MS };
};

export const intentOf = (happening: Happening) => {
  const { position_id, symbol, opened_at, observed_at } = snapshotOf(happening);
  const intent_id = `${position_id} ${happening.minute}` as IntentId;
  const action = happening.kind === 'closed' ? 'CLOSE' : 'PARTIAL_CLOSE';
  const fraction = action === 'CLOSE' ? 1 : 0.5;
  const place = { account: ACCOUNT, position_id, symbol, opened_at, observed_at };
  return { ...GOOD_RECORDS[TOPICS.harvestIntent.name], ...place, intent_id, action, fraction } as const;
};

/** What is empty in the report of an order that was not sent. */
const UNSENT = { filled_quantity: 0, average_price: null, submitted_at: null } as const;

export const reportOf = (happening: Happening) => {
  const { intent_id, position_id, symbol, action, observed_at } = intentOf(happening);
  const status: ExecutionStatus = happening.kind === 'suppressed' ? 'SUPPRESSED' : 'FILLED';
  const reason = status === 'SUPPRESSED' ? 'COOLDOWN' : 'FILLED';
  const ends = {
    status,
    reason,
    remaining_quantity: happening.kind === 'closed' ? 0 : 5,
    reported_at: observed_at + 500,
  };
  const ids = { account: ACCOUNT, intent_id, position_id, symbol, action };
  const unsent = status === 'SUPPRESSED' ? UNSENT : {};
  return { ...GOOD_RECORDS[TOPICS.executionReport.name], ...ids, ...ends, ...unsent };
};

/** Writes what a happening leaves on the topics. */
export async function write(session: MemorySession, happening: Happening): Promise<void> {
  const snapshot = snapshotOf(happening);
  const { observed_at: at, position_id, symbol } = snapshot;
  await session.write(TOPICS.positionSnapshot, snapshot, at);
  if (happening.kind === 'snapshot') return;
  const report = reportOf(happening);
  await session.write(TOPICS.harvestIntent, intentOf(happening), at);
  await session.write(TOPICS.executionReport, report, at + 500);
  if (happening.kind !== 'closed') return;
  const trade_id = `trade of ${position_id}` as TradeId;
  const trade = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], account: ACCOUNT, position_id, symbol, trade_id };
  await session.write(TOPICS.tradeClosed, { ...trade, remaining_quantity: 0, closed_at: at }, at + 500);
}

/** A clock that stands still: whoever sleeps is woken by `advance`. */
export class StandingClock implements Clock {
  #now = 1_780_000_000_000;
  #sleepers: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((resolve) => this.#sleepers.push(resolve));
  }

  get asleep(): number {
    return this.#sleepers.length;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const wake of this.#sleepers.splice(0)) wake();
  }
}

export async function deskBoard(session?: MemorySession, options: Partial<BoardOptions> = {}) {
  const opened = session ?? (await memorySession());
  const { log, codec } = opened;
  const policy = defaultPolicy();
  const projection = new BoardProjection(policy);
  const { observer } = projection;
  const keepOpen = projection.positions.forget.bind(projection.positions);
  const clock = new StandingClock();
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort();
    clock.advance(1);
  });
  const board = new DeskBoard({
    log,
    codec,
    projection,
    reader: () => StallReader.open({ log, codec, policy, now: () => null, observer, keepOpen }),
    desk: null,
    logName: 'memory',
    logFlags: '',
    version: '0.0.0',
    stops: () => Promise.resolve([]),
    mode: 'PAPER',
    liveNow: () => null,
    clock,
    signal: stop.signal,
    ...options,
  });
  return { session: opened, board, clock, projection, stop };
}
