import { beforeEach, describe, expect, it } from 'vitest';
import { explainedLines } from '../../cli/explain.ts';
import type { Explanation } from '../../pipelines/explain/explanation.ts';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { intentOf } from '../../pipelines/scoring/scoring-processor.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { clientOrderIdOf, positionIdOf, tradeIdOf } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../fixtures/memory-log.ts';

const MINUTE_MS = 60_000;
const SNAPSHOT: PositionSnapshot = { ...GOOD_RECORDS[TOPICS.positionSnapshot.name], r_history: [] };
const START = SNAPSHOT.observed_at;
const PARTITION = 3;

let world: MemorySession;

/** Three HOLDs, two PARTIAL_CLOSEs of which the second was filled, and its trade and outcome. Gives the intents' ids. */
async function story(): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    const at = START + i * MINUTE_MS;
    // Volatility makes the difference: expanding holds.
    const snapshot = {
      ...STORY,
      observed_at: at,
      volatility_gradient: i < 3 ? 0.5 : 0.05,
    };
    await world.write(TOPICS.positionSnapshot, snapshot, at, PARTITION);
    const record = { topic: TOPICS.positionSnapshot.name, partition: PARTITION, offset: i, timestamp: at };
    const decision = evaluate(snapshot, defaultPolicy());
    const intent = intentOf(snapshot, decision, { ...record, key: null, value: null, headers: [] });
    expect(intent === null).toBe(i < 3);
    if (intent === null) continue;
    ids.push(intent.intent_id);
    await world.write(TOPICS.harvestIntent, intent, at, PARTITION);
  }
  const [, last] = ids;
  const intent_id = last as (typeof REPORT)['intent_id'];
  const client_order_id = clientOrderIdOf(intent_id);
  const trade_id = tradeIdOf(client_order_id);
  const done = START + 4 * MINUTE_MS + 20;
  await world.write(TOPICS.executionReport, { ...REPORT, intent_id, client_order_id }, done, PARTITION);
  await world.write(TOPICS.tradeClosed, { ...TRADE, trade_id, intent_id, client_order_id }, done, PARTITION);
  await world.write(TOPICS.clmOutcome, OUTCOME, done + 5, 0);
  await world.write(TOPICS.clmOutcome, { ...OUTCOME, slices: [trade_id] }, done + 9, 0);
  return ids;
}

const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];

async function explained(id: string): Promise<Explanation> {
  const lines = await explainedLines(world, id, null, true);
  return JSON.parse(lines[0] ?? '') as Explanation;
}

/** On a wide terminal, in one string. */
async function shown(id: string): Promise<string> {
  const lines = await explainedLines(world, id, null, false, { columns: 200 });
  return lines.join('\n');
}

/** What the story decides on. */
const STORY = { ...SNAPSHOT, mark_price: 105, peak_price: 105 };
const HELD = evaluate({ ...STORY, volatility_gradient: 0.5 }, defaultPolicy());
const TAKEN = evaluate({ ...STORY, volatility_gradient: 0.05 }, defaultPolicy());

beforeEach(async () => {
  world = await memorySession();
});

describe('explain', () => {
  it('a position: every decision, in runs, the last in full, and all that followed with its place and the time between', async () => {
    await story();
    // Another position is nobody's concern here.
    const other = { ...SNAPSHOT, position_id: `${SNAPSHOT.position_id}0` as PositionSnapshot['position_id'] };
    await world.write(TOPICS.positionSnapshot, other, START + 9 * MINUTE_MS, PARTITION);
    const { position_id, intent_id, decisions, runs, decision, steps, policy } = await explained(SNAPSHOT.position_id);
    expect({ position_id, intent_id, policy }).toEqual({
      position_id: SNAPSHOT.position_id,
      intent_id: null,
      policy: '2026-02-07',
    });
    expect(decisions).toHaveLength(5);
    expect(decisions.map(({ offset, observed_at }) => [offset, observed_at])).toEqual(
      [0, 1, 2, 3, 4].map((offset) => [offset, START + offset * MINUTE_MS]),
    );
    for (const [index, one] of decisions.entries()) {
      const { action, factors, hold_score, exit_score } = index < 3 ? HELD : TAKEN;
      expect(one).toMatchObject({ action, factors, hold_score, exit_score, r: 2.5, unknown: [] });
      expect(one).toMatchObject({ topic: TOPICS.positionSnapshot.name, partition: PARTITION, policy: '2026-02-07' });
    }
    expect(runs).toMatchObject([
      { action: 'HOLD', from: START, to: START + 2 * MINUTE_MS, count: 3, intents: false, factors: HELD.factors },
      { action: 'PARTIAL_CLOSE', from: START + 3 * MINUTE_MS, to: START + 4 * MINUTE_MS, count: 2, intents: true },
    ]);
    expect(runs).toMatchObject([
      { first_offset: 0, last_offset: 2, hold_score: HELD.hold_score, calibration_version: null, unknown: [] },
      { first_offset: 3, last_offset: 4, partition: PARTITION, policy: '2026-02-07', factors: TAKEN.factors },
    ]);
    expect(decision).toMatchObject({ at: START + 4 * MINUTE_MS, calibration_version: null, unknown: [] });
    expect(decision).toMatchObject({ topic: TOPICS.positionSnapshot.name, partition: PARTITION, offset: 4 });
    expect(decision?.changes?.find(({ input }) => input === 'volatility')).toMatchObject({ to: 0.101, action: 'HOLD' });
    expect(steps.map(({ topic, partition, offset, after_ms }) => [topic, partition, offset, after_ms])).toEqual([
      [TOPICS.harvestIntent.name, PARTITION, 0, null],
      [TOPICS.harvestIntent.name, PARTITION, 1, MINUTE_MS],
      [TOPICS.executionReport.name, PARTITION, 0, 20],
      [TOPICS.tradeClosed.name, PARTITION, 0, 0],
      [TOPICS.clmOutcome.name, 0, 1, 9],
    ]);
  });

  it('an intent: its own decision and what followed of it alone', async () => {
    const [first = ''] = await story();
    const { intent_id, decision, steps, runs } = await explained(first);
    expect(intent_id).toBe(first);
    expect(decision?.at).toBe(START + 3 * MINUTE_MS);
    expect(runs.map(({ count }) => count)).toEqual([3, 2]);
    // The outcome is of the other one's slice.
    expect(steps.map(({ topic }) => topic)).toEqual([TOPICS.harvestIntent.name]);
  });

  it('an intent that was filled: also the outcome, which is said to be the latest, of much later perhaps', async () => {
    const [, second = ''] = await story();
    const { intent_id, steps } = await explained(second);
    expect(intent_id).toBe(second);
    expect(steps.map(({ topic, after_ms }) => [topic, after_ms])).toEqual([
      [TOPICS.harvestIntent.name, null],
      [TOPICS.executionReport.name, 20],
      [TOPICS.tradeClosed.name, 0],
      [TOPICS.clmOutcome.name, 9],
    ]);
    const client_order_id = clientOrderIdOf(second as (typeof REPORT)['intent_id']);
    expect(steps[0]?.order).toBeNull();
    expect(steps[1]?.order).toMatchObject({ client_order_id, order_id: REPORT.order_id });
    expect(steps.at(-1)?.what).toMatch(/^the position's latest outcome: .* in 1 slice$/);
    const text = await shown(second);
    expect(text).toContain("+9 ms after the slice, the position's latest outcome: ACCUMULATING LONG 7 % in 1 slice");
  });

  it('for people: the same in words', async () => {
    await story();
    const text = await shown(SNAPSHOT.position_id);
    expect(text).toContain('5 snapshots in 2 runs, 4.0 min, all by policy 2026-02-07, raw confidence:');
    expect(text).toContain(`3 × HOLD no_rule_applies, R 2.50, ${PARTITION}:0–2`);
    expect(text).toContain('hold 5 = regime 2 + volatility 1 + confidence 1 + peak 1 / exit 1 = profit 1');
    expect(text).toContain('HOLD no_rule_applies with volatility 0.101 (was 0.05)');
    expect(text).toMatch(/\+1\.0 min PARTIAL_CLOSE 0\.\d+ \(intent 3:1\) \+20 ms FILLED 1 \(report 3:0\)/);
    expect(text).toContain('+0 ms slice 1 at 107, 7.00 % (trade 3:0)');
    expect(text).not.toContain('undefined');
    expect(text).not.toContain('--json');
  });

  it('an id that nobody knows: what to type', async () => {
    await story();
    await expect(explained('nope')).rejects.toMatchObject({
      code: 'ID_UNKNOWN',
      remedy: expect.stringMatching(/harvestline tail/),
    });
  });
});

describe('a position by another name than its id', () => {
  const open = (account: string, minutes: number): PositionSnapshot => {
    const opened_at = START + minutes * MINUTE_MS;
    const position_id = positionIdOf(account, SNAPSHOT.symbol, SNAPSHOT.side, opened_at);
    return { ...SNAPSHOT, account, position_id, opened_at, observed_at: opened_at + MINUTE_MS };
  };
  const write = (snapshot: PositionSnapshot): Promise<void> =>
    world.write(TOPICS.positionSnapshot, snapshot, snapshot.observed_at);

  it('a symbol, or the beginning of an id, means the one that is open', async () => {
    const [before, now] = [open('desk', 0), open('desk', 30)];
    for (const snapshot of [before, now]) await write(snapshot);
    const closed = { ...TRADE, account: 'desk', position_id: before.position_id, remaining_quantity: 0 };
    await world.write(TOPICS.tradeClosed, closed, now.observed_at);
    for (const name of [SNAPSHOT.symbol, 'desk', now.position_id])
      expect(await explained(name)).toMatchObject({ position_id: now.position_id });
  });

  it('names those that it may mean where several are open, and the latest where none is', async () => {
    for (const account of ['one', 'two']) await write(open(account, 0));
    await expect(explained(SNAPSHOT.symbol)).rejects.toThrow(/may mean 2 positions: one:BTCUSDT:.*, two:BTCUSDT:/);
    const { position_id } = open('two', 0);
    expect(await explained('two:BTC')).toMatchObject({ position_id });
    await world.write(TOPICS.tradeClosed, { ...TRADE, account: 'two', position_id, remaining_quantity: 0 }, START);
    expect(await explained('two')).toMatchObject({ position_id });
    expect(await explained(SNAPSHOT.symbol)).toMatchObject({ position_id: open('one', 0).position_id });
  });
});
