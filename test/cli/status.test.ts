import { beforeEach, describe, expect, it, vi } from 'vitest';
import { status } from '../../cli/status.ts';
import { commandText, lookCloser } from '../../pipelines/alerts/alerts.ts';
import { reportLines } from '../../pipelines/status/view.ts';
import { statusReport } from '../../pipelines/status/status-reader.ts';
import type { StatusReport } from '../../pipelines/status/status-report.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { type StallLimits, stallLimits } from '../../pipelines/watch/stall-limits.ts';
import type {
  ExecutionReport,
  IntentId,
  OrderId,
  PositionId,
  PositionReconciled,
  ShadowDecision,
} from '../../schemas/generated/records.ts';
import { TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { capturedLines } from '../fixtures/captured-output.ts';
import { type MemorySession, memorySession } from '../fixtures/memory-log.ts';

const START = 1_770_003_600_000;
const HOUR_MS = 60 * 60 * 1000;
const REPORT: ExecutionReport = GOOD_RECORDS[TOPICS.executionReport.name];
const NO_INTENT = { origin: 'EXTERNAL', intent_id: null, client_order_id: null } as const;
const NO_FILL = { filled_quantity: 0, average_price: null } as const;

let world: MemorySession;

beforeEach(async () => {
  world = await memorySession();
});

async function printed(json: boolean, width = 80): Promise<readonly string[]> {
  const { writer, lines } = capturedLines();
  await status(world, writer, { json, width, logFlags: ' --data .mine', log: '/desk/.mine', desk: '' });
  return lines();
}

const position = (name: string) => name as PositionId;

function outcome(name: string, final: boolean) {
  const open = { ...GOOD_RECORDS[TOPICS.clmOutcome.name], position_id: position(name) };
  return final ? ({ ...open, status: 'FINAL', label: 'WIN', closed_at: START } as const) : open;
}

describe('status --json', () => {
  it('prints one object with the promised fields, also over an empty log', async () => {
    const lines = await printed(true);
    expect(lines).toHaveLength(1);
    const report = JSON.parse(lines[0] ?? '') as StatusReport;
    expect(Object.keys(report.topics)).toEqual(allTopicSpecs().map(({ name }) => name));
    expect(report.topics[TOPICS.harvestIntent.name]).toEqual({
      records: 0,
      lag: { execution: 0, clm: 0 },
      late: {},
      never_read: {},
      counted: 'records',
      held_back: [],
      last: null,
    });
    expect(report).toMatchObject({
      headline: { state: 'well', text: 'all is well: 0 positions, gate 0 of 50, no alerts' },
      late: {},
      dead_letters: 0,
      processes: null,
      as_of: null,
      gate: { final: 0, usable: 0, needed: 50, eta: null },
      unknown_reports: 0,
      open_orders: 0,
      halted: [],
      differences: [],
      resting_left: [],
      dust: [],
      undecodable: 0,
      shadow: [],
      alerts: [],
    });
  });

  it('counts lag from what a group committed, and everything where it committed nothing', async () => {
    const { name } = TOPICS.tradeClosed;
    for (let i = 0; i < 5; i += 1) {
      await world.write(TOPICS.tradeClosed, GOOD_RECORDS[name], START + i, i % 2);
    }
    expect((await statusReport(world)).topics[name]).toMatchObject({ records: 5, lag: { clm: 5 } });
    world.log.commit('clm', name, new Map([[0, 2]]));
    const { topics, late } = await statusReport(world);
    expect(late).toEqual({});
    expect(topics[name]).toMatchObject({
      lag: { clm: 3 },
      late: {},
      last: { timestamp: START + 4, key: 'desk-1:BTCUSDT' },
    });
  });

  it('takes the latest outcome of a position, and of it the gate', async () => {
    await world.write(TOPICS.clmOutcome, outcome('a', false), START, 0);
    await world.write(TOPICS.clmOutcome, outcome('b', false), START, 0);
    await world.write(TOPICS.clmOutcome, outcome('a', true), START + 1, 0);
    expect((await statusReport(world)).gate).toMatchObject({ final: 1, usable: 1, labels: { WIN: 1 } });
  });

  it('counts reports by status and reason, and raises UNKNOWN with the latest ids', async () => {
    const write = (report: ExecutionReport, at: number) => world.write(TOPICS.executionReport, report, at, 0);
    await write(REPORT, START);
    for (const reason of ['COOLDOWN', 'COOLDOWN', 'FLAT']) {
      await write({ ...REPORT, ...NO_FILL, status: 'SUPPRESSED', reason, submitted_at: null }, START + 1);
    }
    await write({ ...REPORT, ...NO_FILL, status: 'UNKNOWN', reason: 'UNSETTLED' }, START + 7);
    const report = await statusReport(world);
    expect(report.reports).toEqual({ SUBMITTED: 0, FILLED: 1, SUPPRESSED: 3, REJECTED: 0, UNKNOWN: 1 });
    expect(report.suppressed).toEqual({ COOLDOWN: 2, FLAT: 1 });
    expect(report.unknown_reports).toBe(1);
    expect(report.alerts).toMatchObject([{ name: 'unknown_reports', since: START + 7 }]);
    expect(report.alerts[0]?.evidence).toContain(REPORT.client_order_id);
  });

  it.each(['HARVEST', 'EXTERNAL'] as const)(
    'an UNKNOWN is none any more once its order has a trade (%s)',
    async (origin) => {
      const unknown = { ...REPORT, ...NO_FILL, status: 'UNKNOWN', reason: 'NO_ANSWER' } as const;
      await world.write(TOPICS.executionReport, unknown, START, 0);
      const { intent_id: intentId, client_order_id } = REPORT;
      const intent_id = origin === 'HARVEST' ? intentId : null;
      const trade = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], origin, intent_id, client_order_id };
      await world.write(TOPICS.tradeClosed, trade, START + 1, 0);
      expect(await statusReport(world)).toMatchObject({ unknown_reports: 1, alerts: [] });
    },
  );

  it('raises starvation from the log alone; imported trades do not hide it', async () => {
    const trade = GOOD_RECORDS[TOPICS.tradeClosed.name];
    await world.write(TOPICS.tradeClosed, trade, START, 0);
    for (let i = 0; i < 30; i += 1) {
      await world.write(TOPICS.harvestIntent, GOOD_RECORDS[TOPICS.harvestIntent.name], START + i * HOUR_MS, i % 3);
    }
    await world.write(TOPICS.tradeClosed, { ...trade, origin: 'BACKFILL' }, START + 40 * HOUR_MS, 0);
    const starved = async () => (await statusReport(world)).alerts.filter(({ name }) => name === 'trades_starved');
    expect(await starved()).toMatchObject([{ since: START }]);
    await world.write(TOPICS.tradeClosed, trade, START + 40 * HOUR_MS, 0);
    expect(await starved()).toEqual([]);
  });

  it('takes no time that cannot be for starvation, the gate or the latest day', async () => {
    const AHEAD = Date.UTC(2090, 0, 1);
    const { name } = TOPICS.positionSnapshot;
    const intent = GOOD_RECORDS[TOPICS.harvestIntent.name];
    for (let hour = 0; hour < 30; hour += 0.5)
      await world.write(TOPICS.positionSnapshot, GOOD_RECORDS[name], START + hour * HOUR_MS, 0);
    for (let i = 0; i < 30; i += 1) await world.write(TOPICS.harvestIntent, intent, START + i * HOUR_MS, 0);
    const usual = { closed_at: START, label: 'WIN', status: 'FINAL', excluded_from_calibration: null } as const;
    const closed = (id: string, closed_at: number) =>
      world.write(TOPICS.clmOutcome, { ...outcome(id, true), ...usual, closed_at }, closed_at, 0);
    await closed('a', START + HOUR_MS);
    await closed('b', START + 2 * HOUR_MS);
    const figures = async () => {
      const { gate, alerts } = await statusReport(world);
      return { eta: gate.eta, usable: gate.usable, names: alerts.map((alert) => alert.name) };
    };
    const before = await figures();
    expect(before).toMatchObject({ eta: START + 50 * HOUR_MS, names: expect.arrayContaining(['trades_starved']) });
    const trade = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], ...NO_INTENT, remaining_quantity: 1 };
    await world.write(TOPICS.tradeClosed, trade, AHEAD, 0);
    await world.write(TOPICS.harvestIntent, { ...intent, intent_id: 'ahead' as IntentId }, AHEAD, 0);
    await closed('c', AHEAD);
    const after = await figures();
    expect(after.names).toContain('trades_starved');
    // As if it had been closed at the latest moment that its account has come to.
    expect(after.eta).toBeLessThan(START + 1000 * HOUR_MS);
  });

  it('names the step after which nothing comes, whichever partition was read first', async () => {
    const intent = GOOD_RECORDS[TOPICS.harvestIntent.name];
    const snapshot = GOOD_RECORDS[TOPICS.positionSnapshot.name];
    for (let minutes = 0; minutes <= 130; minutes += 10) {
      const at = START + minutes * 60_000;
      await world.write(TOPICS.positionSnapshot, { ...snapshot, position_id: position('whole') }, at, minutes % 3);
    }
    await world.write(TOPICS.harvestIntent, intent, START, 1);
    await world.write(TOPICS.executionReport, REPORT, START + 5, 0);
    await world.write(TOPICS.tradeClosed, GOOD_RECORDS[TOPICS.tradeClosed.name], START + 5, 2);
    const names = async (limits: Partial<StallLimits> = {}) =>
      (await statusReport(world, defaultPolicy(), stallLimits(limits))).alerts.map(({ name }) => name);
    expect(await names()).toEqual(['winner_held', 'no_intents', 'trades_without_outcomes']);
    const slices = [GOOD_RECORDS[TOPICS.tradeClosed.name].trade_id];
    await world.write(TOPICS.clmOutcome, { ...outcome('any', false), slices }, START + 5, 0);
    await world.write(TOPICS.harvestIntent, { ...intent, position_id: position('whole') }, START + 130 * 60_000, 0);
    expect(await names()).toEqual(['winner_held']);
    expect(await names({ winnerAboveR: 4 })).toEqual([]);
  });

  it('counts dead letters by topic, and what does not decode', async () => {
    const topic = deadLetterTopicOf(TOPICS.tradeClosed.name);
    const poison = { key: null, value: Buffer.from([7]), timestamp: START + 9 };
    await world.log.append([
      { ...poison, topic: TOPICS.tradeClosed.name },
      { ...poison, topic, partition: 0 },
      { ...poison, topic, partition: 4, timestamp: START },
    ]);
    const report = await statusReport(world);
    expect(report.undecodable).toBe(1);
    expect(report.topics[topic]).toMatchObject({ records: 2, lag: {} });
    expect(report.alerts).toMatchObject([{ name: 'dead_letters', since: START }]);
    expect(report.alerts[0]?.evidence).toContain(`2 in ${topic}`);
  });

  it('counts a position as open while it is snapshotted and not FINAL', async () => {
    const write = (name: string, at: number) =>
      world.write(
        TOPICS.positionSnapshot,
        { ...GOOD_RECORDS[TOPICS.positionSnapshot.name], position_id: position(name) },
        at,
        0,
      );
    await write('long gone', START);
    await write('closed', START + 3 * HOUR_MS);
    await write('open', START + 3 * HOUR_MS);
    await write('open', START + 3 * HOUR_MS + 60_000);
    await world.write(TOPICS.clmOutcome, outcome('closed', true), START, 0);
    expect((await statusReport(world)).open_positions).toBe(1);
  });
});

describe('what stands at the venue', () => {
  const RECONCILED = GOOD_RECORDS[TOPICS.positionReconciled.name];
  const [DIFFERENCE] = RECONCILED.differences;
  const reconciled = (traits: Partial<PositionReconciled>, at: number) =>
    world.write(TOPICS.positionReconciled, { ...RECONCILED, ...traits }, at);

  it('lists the differences of the latest record of each key, whatever venue it names', async () => {
    await reconciled({ differences: [DIFFERENCE, { ...DIFFERENCE, first_seen_at: START - 5 }] }, START);
    await reconciled({ symbol: 'GONEUSDT' }, START);
    await reconciled({ symbol: 'GONEUSDT', venue: 'elsewhere', differences: [] }, START + 1);
    const { account, venue, symbol } = RECONCILED;
    const { first_seen_at: since, ...rest } = DIFFERENCE;
    const report = await statusReport(world);
    expect(report.differences).toEqual([
      { account, venue, symbol, ...rest, since: Math.min(since, START - 5) },
      { account, venue, symbol, ...rest, since: Math.max(since, START - 5) },
    ]);
    expect(report.alerts).toMatchObject([{ name: 'venue_differs', since: Math.min(since, START - 5) }]);
    expect(report.alerts[0]?.evidence).toContain(`in 2 places: ${symbol} ${DIFFERENCE.kind}`);
  });

  it('shows them to people, and cleans foreign text', async () => {
    await reconciled({ differences: [{ ...DIFFERENCE, detail: 'gone\u001B[2J' }] }, START);
    const text = (await printed(false)).join('\n');
    expect(text).toMatch(new RegExp(`${RECONCILED.account} ${RECONCILED.symbol} +${DIFFERENCE.kind} +.*gone`));
    expect(text).not.toContain('\u001B[2J');
  });

  it('names what still rests of a closed position until a later report says otherwise, and positions that are dust', async () => {
    const report = GOOD_RECORDS[TOPICS.executionReport.name];
    const rests = { order_id: '7' as OrderId, kind: 'STOP', quantity: 0.1, price: 66_800, placed_at: START } as const;
    const order = { ...rests, whole_position: false, fate: 'LEFT', detail: null } as const;
    const reported = (resting: ExecutionReport['resting'], at: number) =>
      world.write(TOPICS.executionReport, { ...report, resting }, at);
    await reported([order, { ...order, order_id: '8' as OrderId, fate: 'CANCELLED' }], START);
    await reported(null, START + 1);
    const snapshot = GOOD_RECORDS[TOPICS.positionSnapshot.name];
    const observed = (symbol: string, dust: boolean) =>
      world.write(TOPICS.positionSnapshot, { ...snapshot, position_id: symbol as PositionId, symbol, dust }, START);
    for (const symbol of ['GTCUSDT', 'ETHUSDT', 'ETHUSDT']) await observed(symbol, symbol === 'GTCUSDT');
    const found = await statusReport(world);
    expect(found.resting_left).toMatchObject([{ symbol: report.symbol, orders: [order] }]);
    expect(found.dust).toMatchObject([{ symbol: 'GTCUSDT', quantity: snapshot.quantity }]);
    const text = (await printed(false)).join('\n');
    expect(text).toContain('STOP of 0.1 at 66800 still rests (order 7)');
    expect(text).toContain(`${snapshot.quantity} is dust`);
    await reported([], START + 2);
    expect((await statusReport(world)).resting_left).toEqual([]);
  });

  it('lists what is halted', async () => {
    const halt = GOOD_RECORDS[TOPICS.deskControl.name];
    await world.write(TOPICS.deskControl, halt, START);
    await world.write(TOPICS.deskControl, { ...halt, scope: 'main', issued_at: START - 1 }, START);
    await world.write(TOPICS.deskControl, { ...halt, scope: 'other' }, START);
    await world.write(TOPICS.deskControl, { ...halt, scope: 'other', command: 'RESUME' }, START + 1);
    const report = await statusReport(world);
    const { issued_by: by, reason } = halt;
    expect(report.halted.toSorted((one, other) => one.scope.localeCompare(other.scope))).toEqual([
      { scope: 'desk', by, reason, since: halt.issued_at },
      { scope: 'main', by, reason, since: START - 1 },
    ]);
    expect(report.alerts).toMatchObject([{ name: 'halted', since: Math.min(halt.issued_at, START - 1) }]);
    expect((await printed(false)).join('\n')).toContain(`desk by ${by} since`);
  });

  it('counts orders without an end, and raises them after a minute of event time', async () => {
    const SUBMITTED = { ...REPORT, ...NO_FILL, status: 'SUBMITTED', reason: 'ORDER_SENT' } as const;
    const intent = (name: string) => ({ intent_id: name as ExecutionReport['intent_id'] });
    await world.write(TOPICS.executionReport, { ...SUBMITTED, ...intent('ended') }, START - 1, 0);
    await world.write(TOPICS.executionReport, { ...SUBMITTED, ...intent('open') }, START, 0);
    await world.write(TOPICS.executionReport, { ...REPORT, ...intent('ended') }, START + 60_000, 0);
    expect(await statusReport(world)).toMatchObject({ open_orders: 1, alerts: [] });
    // Execution is gone: only snapshots show that time goes on.
    const snapshot = GOOD_RECORDS[TOPICS.positionSnapshot.name];
    await world.write(TOPICS.positionSnapshot, snapshot, START + 60_001, 0);
    const report = await statusReport(world);
    expect(report).toMatchObject({ open_orders: 1, alerts: [{ name: 'open_orders', since: START }] });
    expect((await printed(false)).join('\n')).toContain('1 order without an end yet');
    // Nor does the time of another desk make an order late.
    const later = { ...snapshot, account: 'other', position_id: position('later') };
    await world.write(TOPICS.positionSnapshot, later, START + 400 * HOUR_MS, 1);
    await world.write(TOPICS.executionReport, { ...REPORT, ...intent('open') }, START + 60_000, 0);
    await world.write(TOPICS.executionReport, { ...SUBMITTED, ...intent('new') }, START + 60_000, 0);
    expect((await statusReport(world)).alerts).toEqual([]);
  });
});

describe('candidates in the shadow', () => {
  const DECISION = GOOD_RECORDS[TOPICS.shadowDecision.name];
  const decided = (offset: number, traits: Partial<ShadowDecision>, at: number) =>
    world.write(TOPICS.shadowDecision, { ...DECISION, ...traits, input: { ...DECISION.input, offset } }, at, 0);

  it('counts what each decided in the day before the latest snapshot, and reads no more than that', async () => {
    const { name } = TOPICS.shadowDecision;
    for (let i = 0; i < 9; i += 1) await decided(i, {}, START);
    await decided(9, {}, START + 25 * HOUR_MS);
    await decided(10, { action: DECISION.current_action, fraction: DECISION.current_fraction }, START + 25 * HOUR_MS);
    await decided(11, { policy: 'other\u001B[2J', action: 'CLOSE', fraction: 1 }, START + 26 * HOUR_MS);
    await world.log.append([{ topic: name, key: null, value: Buffer.from([7]), timestamp: START + 26 * HOUR_MS }]);
    expect((await statusReport(world)).shadow).toEqual([]);
    const snapshot = GOOD_RECORDS[TOPICS.positionSnapshot.name];
    await world.write(TOPICS.positionSnapshot, snapshot, START + 26 * HOUR_MS, 0);
    const read = vi.spyOn(world.log, 'read');
    const { shadow, undecodable } = await statusReport(world);
    expect(undecodable).toBe(1);
    const { policy, against, current_action } = DECISION;
    expect(shadow).toMatchObject([
      { policy, against, decisions: 2, agreed: 1, resized: 0, flips: 1, matrix: { [current_action]: { HOLD: 1 } } },
      { policy: 'other\u001B[2J', against, decisions: 1, flips: 1 },
    ]);
    expect(Object.keys(shadow[0] ?? {})).not.toContain('latest_flips');
    // The nine of the day before are not read.
    const ranges = read.mock.calls.filter(([topic]) => topic === name).map(([, range]) => range?.from?.get(0));
    expect(Math.min(...ranges.map(Number))).toBe(9);
    const text = (await printed(false)).join('\n');
    expect(text).toContain(`${policy} against ${against}, in the last day\n`);
    expect(text).toContain('2 decisions: 1 the same, 0 of another size, 1 flips');
    expect(text).not.toContain('\u001B[2J');
  });
});

describe('status on a terminal', () => {
  const widths = [40, 60, 80, 130];

  it('says first whether all is well, and what the report rests on', async () => {
    await world.write(TOPICS.positionSnapshot, GOOD_RECORDS[TOPICS.positionSnapshot.name], START, 0);
    world.log.commit('scoring', TOPICS.positionSnapshot.name, new Map([[0, 1]]));
    const lines = await printed(false);
    expect(lines[0]).toBe('all is well: 1 position, gate 0 of 50, no alerts');
    expect(lines.join('\n')).toMatch(/^log +\/desk\/.mine, as of 2026-02-02 03:40:00 UTC$/m);
    expect(lines.join('\n')).toMatch(/^policy +2026-02-07, the default: /m);
    expect(lines.join('\n')).toMatch(/^map +none: confidence is as the models give it$/m);
  });

  it('folds topics without records into one text, and leaves out dead-letter topics and counts of nothing', async () => {
    await world.write(TOPICS.tradeClosed, GOOD_RECORDS[TOPICS.tradeClosed.name], START, 0);
    const text = (await printed(false)).join('\n');
    expect(text).toMatch(/^trade\.closed +1 +clm 1 +2026-02-02 03:40:00$/m);
    expect(text.replaceAll(/\s+/g, ' ')).toContain('empty: model.signal, position.snapshot, harvest.intent');
    expect(text).not.toContain(deadLetterTopicOf(TOPICS.tradeClosed.name));
    expect(text).not.toContain('REJECTED');
    expect(text).not.toContain('undefined');
  });

  it.each(widths)('at %i columns no line is longer but one that has no blank, and no word is lost', async (width) => {
    const unknown = { ...REPORT, ...NO_FILL, status: 'UNKNOWN', reason: 'NO_ANSWER' } as const;
    await world.write(TOPICS.executionReport, unknown, START, 0);
    await world.write(TOPICS.deskControl, GOOD_RECORDS[TOPICS.deskControl.name], START);
    const lines = await printed(false, width);
    const tooLong = lines.filter((line) => line.length > width && /\S +\S/.test(line));
    // A command is not broken, so that a terminal copies it as one line.
    expect(tooLong.filter((line) => !line.startsWith('  harvestline '))).toEqual([]);
    const { evidence, next } = (await statusReport(world)).alerts[0] ?? { evidence: '', next: { commands: [] } };
    const text = lines.map((line) => line.trim()).join(' ');
    expect(text).toContain(evidence);
    expect(next.commands).toHaveLength(1);
    for (const command of next.commands) expect(lines).toContain(`  ${commandText(command, ' --data .mine')}`);
  });

  it('names the gravest alert first, with how long it stands', async () => {
    const alerts = ['calibration_worse', 'unknown_reports'] as const;
    const report = await statusReport(world);
    const raised = alerts.map((name) => ({ name, since: START, evidence: 'x', next: lookCloser('status') }));
    const place = { width: 80, logFlags: '', log: 'x', desk: 'second', policy: ['p'] };
    const lines = reportLines({ ...report, alerts: raised, as_of: START + 7000 }, place);
    expect(lines.filter((line) => line.includes(' since '))).toEqual([
      'CRITICAL unknown_reports since 2026-02-02 03:40:00, for 7.0 s',
      'WARNING calibration_worse since 2026-02-02 03:40:00, for 7.0 s',
    ]);
    expect(lines).toContain('desk        second');
  });
});

describe('late groups', () => {
  const { name } = TOPICS.harvestIntent;
  const MINUTE_MS = 60_000;

  it('are those that have not committed what came more than a minute before the newest record', async () => {
    const intent = GOOD_RECORDS[name];
    await world.write(TOPICS.harvestIntent, intent, START, 0);
    await world.write(TOPICS.harvestIntent, intent, START + 1, 0);
    await world.write(TOPICS.harvestIntent, intent, START + MINUTE_MS, 1);
    world.log.commit('clm', name, new Map([[0, 2]]));
    expect((await statusReport(world)).late).toEqual({});
    await world.write(TOPICS.modelSignal, GOOD_RECORDS[TOPICS.modelSignal.name], START + 1 + MINUTE_MS, 0);
    const report = await statusReport(world);
    expect(report.late).toEqual({ execution: 1 });
    expect(report.topics[name]).toMatchObject({ lag: { execution: 3, clm: 1 }, late: { execution: 1 } });
  });

  it('count by the clock where the log is written live; without a heartbeat no process works', async () => {
    await world.write(TOPICS.harvestIntent, GOOD_RECORDS[name], START, 0);
    const live = (now: number) => statusReport({ ...world, liveNow: () => now });
    expect(await live(START + MINUTE_MS)).toMatchObject({ late: {}, processes: 0 });
    expect(await live(START + MINUTE_MS + 1)).toMatchObject({ late: { execution: 1, clm: 1 } });
    const beat = { ...GOOD_RECORDS[TOPICS.deskProcess.name], state: 'WORKING', seen_at: START } as const;
    await world.write(TOPICS.deskProcess, beat, START);
    expect(await live(START + 15_000)).toMatchObject({ processes: 1 });
    expect(await live(START + 15_001)).toMatchObject({ processes: 0 });
  });
});
