import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { followStatus } from '../../../pipelines/status/follow-status.ts';
import { StatusScreen, reportStream } from '../../../pipelines/status/follow-views.ts';
import { StatusReader, statusReport } from '../../../pipelines/status/status-reader.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { DEFAULT_STALL_LIMITS } from '../../../pipelines/watch/stall-limits.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { IntentId, PositionId, TradeId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TOPICS, deadLetterTopicOf } from '../../../schemas/topics.ts';
import { capturedLines } from '../../fixtures/captured-output.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const START = 1_770_003_600_000;
const MINUTE_MS = 60_000;
const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];
const HALT = GOOD_RECORDS[TOPICS.deskControl.name];

let session: MemorySession;

beforeEach(async () => {
  session = await memorySession();
});

/** What the chain writes in one cycle of ten minutes, one step after the other; the intent of every third cycle has no end. */
function steps(number: number): readonly (() => Promise<void>)[] {
  const at = START + number * 10 * MINUTE_MS;
  const position_id = `position ${number % 2}` as PositionId;
  const ids = { intent_id: `intent ${number}` as IntentId, position_id };
  const client_order_id = clientOrderIdOf(ids.intent_id);
  const trade_id = `trade ${number}` as TradeId;
  const isLost = number % 3 === 2;
  const report = { ...REPORT, ...ids, client_order_id };
  const unknown = {
    ...report,
    status: 'UNKNOWN',
    reason: 'NO_ANSWER',
    filled_quantity: 0,
    average_price: null,
  } as const;
  const outcome = {
    ...OUTCOME,
    position_id,
    slices: [trade_id],
    status: 'FINAL',
    label: 'WIN',
    closed_at: at,
  } as const;
  return [
    () => session.write(TOPICS.modelSignal, GOOD_RECORDS[TOPICS.modelSignal.name], at),
    () => session.write(TOPICS.positionSnapshot, { ...SNAPSHOT, position_id, observed_at: at }, at),
    () => session.write(TOPICS.harvestIntent, { ...INTENT, ...ids }, at),
    ...(isLost
      ? [() => session.write(TOPICS.executionReport, unknown, at + 1)]
      : [
          () => session.write(TOPICS.executionReport, report, at + 1),
          () => session.write(TOPICS.tradeClosed, { ...TRADE, ...ids, client_order_id, trade_id }, at + 2),
        ]),
    ...(number % 4 === 3 ? [() => session.write(TOPICS.clmOutcome, outcome, at + 3)] : []),
  ];
}

const rare: readonly (() => Promise<void>)[] = [
  () => session.write(TOPICS.deskControl, HALT, START),
  () => session.write(TOPICS.positionReconciled, GOOD_RECORDS[TOPICS.positionReconciled.name], START),
  () => session.write(TOPICS.policyApplied, GOOD_RECORDS[TOPICS.policyApplied.name], START),
  () =>
    session.log.append([
      { topic: TOPICS.tradeClosed.name, key: null, value: Buffer.from([7]), timestamp: START },
      { topic: deadLetterTopicOf(TOPICS.tradeClosed.name), key: null, value: Buffer.from([7]), timestamp: START },
    ]),
  () => {
    const client_order_id = clientOrderIdOf('intent 2' as IntentId);
    return session.write(TOPICS.tradeClosed, { ...TRADE, trade_id: 'late' as TradeId, client_order_id }, START);
  },
];

const open = () => StatusReader.open(session, defaultPolicy(), DEFAULT_STALL_LIMITS);

describe('a reader that goes on', () => {
  it('STS-3: reports after every record what one read of the whole log reports', async () => {
    const reader = await open();
    let records = 0;
    let alerts = 0;
    for (let cycle = 0; cycle < 8; cycle += 1) {
      for (const write of [...steps(cycle), ...rare.slice(cycle - 3, Math.max(0, cycle - 2))]) {
        await write();
        records += 1;
        const report = await reader.report();
        expect(report, `after record ${records}`).toEqual(await statusReport(session));
        alerts = Math.max(alerts, report.alerts.length);
      }
    }
    expect(alerts).toBeGreaterThan(2);
    expect(reader.isVoid).toBe(false);
  });

  it('reads no record twice, but the last of each partition that has grown', async () => {
    for (let cycle = 0; cycle < 20; cycle += 1) for (const write of steps(cycle)) await write();
    const reader = await open();
    let read = 0;
    const whole = session.log.read.bind(session.log);
    session.log.read = async function* (topic, range) {
      for await (const batch of whole(topic, range)) {
        read += batch.records.length;
        yield batch;
      }
    };
    await reader.report();
    expect(read).toBeGreaterThan(80);
    read = 0;
    await reader.report({ compared: false });
    expect(read).toBe(0);
    await session.write(TOPICS.harvestIntent, { ...INTENT, intent_id: 'one more' as IntentId }, START);
    await reader.report({ compared: false });
    expect(read).toBeLessThanOrEqual(1 + TOPICS.harvestIntent.partitions);
  });

  it('RUN-20: is void once a topic was made anew', async () => {
    for (const write of steps(0)) await write();
    const reader = await open();
    await reader.report();
    const offsets = session.log.offsets.bind(session.log);
    session.log.offsets = async (topic) => (await offsets(topic)).map((one) => ({ ...one, end: 0 }));
    await reader.report();
    expect(reader.isVoid).toBe(true);
  });
});

describe('status --watch', () => {
  /** Follows for `looks` reports; `before` is called ahead of each but the first. */
  async function followed(looks: number, before: (look: number) => Promise<void> | void) {
    const { writer, lines } = capturedLines();
    const stop = new AbortController();
    let look = 0;
    const clock = new (class extends VirtualClock {
      override async sleep(ms: number): Promise<void> {
        look += 1;
        if (look >= looks) stop.abort();
        else await before(look);
        await super.sleep(ms);
      }
    })(START);
    const view = reportStream(writer, { logFlags: '' });
    await followStatus({ topics: session, limits: DEFAULT_STALL_LIMITS, clock, signal: stop.signal }, view);
    return lines().map((line) => JSON.parse(line) as { headline: { text: string }; open_positions: number });
  }

  it('in a pipe is one object a line, and none where nothing has changed', async () => {
    const lines = await followed(5, (look) => (look === 3 ? steps(0)[1]?.() : undefined));
    expect(lines.map(({ open_positions }) => open_positions)).toEqual([0, 1]);
  });

  it('says once that the log does not answer, and goes on when it does', async () => {
    const offsets = session.log.offsets.bind(session.log);
    const lines = await followed(6, (look) => {
      const away = (): Promise<never> => Promise.reject(new HarvestlineError('BROKER_AWAY', 'nobody is there'));
      session.log.offsets = look === 2 || look === 3 ? away : offsets;
    });
    expect(lines.map(({ headline }) => headline.text)).toEqual([
      'all is well: 0 positions, gate 0 of 50, no alerts',
      'the log does not answer: nobody is there',
      'all is well: 0 positions, gate 0 of 50, no alerts',
    ]);
  });

  it('ends with what is not transient', async () => {
    session.log.offsets = () => Promise.reject(new HarvestlineError('LOG_UNREADABLE', 'damaged'));
    await expect(followed(2, () => {})).rejects.toThrow('damaged');
  });

  it('on a terminal shows the headline and the alerts first, and says how many lines have no room', async () => {
    await session.write(TOPICS.deskControl, HALT, START);
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 60, rows: 12 });
    const screen = new StatusScreen(stream as unknown as NodeJS.WriteStream, { logFlags: '', log: 'x', desk: '' });
    await screen.show(await statusReport(session), ['p']);
    screen.done();
    const lines = String(stream.read()).split('\n');
    expect(lines[0]).toMatch(/HALTED: desk; 0 positions, gate 0 of 50$/);
    expect(lines.join('\n')).toContain('harvestline resume --scope desk');
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines.join('\n')).toMatch(/\d+ more lines · Ctrl-C ends/);
  });
});
