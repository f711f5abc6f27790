import { beforeEach, describe, expect, it } from 'vitest';
import { explainTo } from '../../app/commands/explain.ts';
import type { Explanation } from '../../app/explain/gather.ts';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { intentOf } from '../../pipelines/scoring/scoring-processor.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../schemas/good-records.ts';
import { capturedLines } from './captured-output.ts';
import { type MemoryWorld, memoryWorld } from './memory-log.ts';

const MINUTE_MS = 60_000;
const SNAPSHOT: PositionSnapshot = { ...GOOD_RECORDS[TOPICS.positionSnapshot.name], r_history: [] };
const START = SNAPSHOT.observed_at;
const PARTITION = 3;

let world: MemoryWorld;

/** Three HOLDs, two PARTIAL_CLOSEs of which the second was filled, and its trade and outcome. Gives the intents' ids. */
async function story(): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    const at = START + i * MINUTE_MS;
    // Volatility makes the difference: expanding holds.
    const snapshot = {
      ...SNAPSHOT,
      observed_at: at,
      mark_price: 105,
      peak_price: 105,
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
  const { writer, lines } = capturedLines();
  await explainTo(writer, world, id, null, true);
  return JSON.parse(lines()[0] ?? '') as Explanation;
}

beforeEach(async () => {
  world = await memoryWorld();
});

describe('explain', () => {
  it('a position: decisions in runs, the last in full, and all that followed with its place and the time between', async () => {
    await story();
    // Another position is nobody's concern here.
    const other = { ...SNAPSHOT, position_id: `${SNAPSHOT.position_id}0` as PositionSnapshot['position_id'] };
    await world.write(TOPICS.positionSnapshot, other, START + 9 * MINUTE_MS, PARTITION);
    const { position_id, intent_id, decisions, decision, steps, policy } = await explained(SNAPSHOT.position_id);
    expect({ position_id, intent_id, policy }).toEqual({
      position_id: SNAPSHOT.position_id,
      intent_id: null,
      policy: '2026-02-07',
    });
    expect(decisions).toMatchObject([
      { action: 'HOLD', from: START, to: START + 2 * MINUTE_MS, count: 3, intents: false },
      { action: 'PARTIAL_CLOSE', from: START + 3 * MINUTE_MS, to: START + 4 * MINUTE_MS, count: 2, intents: true },
    ]);
    expect(decision).toMatchObject({ at: START + 4 * MINUTE_MS, calibration_version: null, unknown: [] });
    expect(decision?.input).toEqual({ topic: TOPICS.positionSnapshot.name, partition: PARTITION, offset: 4 });
    expect(decision?.changes.find(({ input }) => input === 'volatility')).toMatchObject({ to: 0.101, action: 'HOLD' });
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
    const { intent_id, decision, steps, decisions } = await explained(first);
    expect(intent_id).toBe(first);
    expect(decision?.at).toBe(START + 3 * MINUTE_MS);
    expect(decisions.map(({ count }) => count)).toEqual([3, 2]);
    expect(steps.map(({ topic }) => topic)).toEqual([TOPICS.harvestIntent.name, TOPICS.clmOutcome.name]);
  });

  it('for people: one screen that says the same', async () => {
    await story();
    const { writer, lines } = capturedLines();
    await explainTo(writer, world, SNAPSHOT.position_id, null, false);
    const text = lines().join('\n');
    expect(text).toContain('with volatility 0.101 instead of 0.05');
    expect(text).toContain(`${TOPICS.harvestIntent.name} ${PARTITION}:1`);
    expect(text).toContain('1.0 min');
    expect(text.split('\n').length).toBeLessThan(40);
    expect(text).not.toContain('undefined');
  });

  it('an id that nobody knows: what to type', async () => {
    await story();
    await expect(explained('nope')).rejects.toMatchObject({ code: 'ID_UNKNOWN', remedy: /harvestline tail/ });
  });
});
