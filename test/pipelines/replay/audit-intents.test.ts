import { describe, expect, it } from 'vitest';
import { policiesById } from '../../../cli/replay.ts';
import { auditIntents } from '../../../pipelines/replay/audit-intents.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { intentOf } from '../../../pipelines/scoring/scoring-processor.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';
import { CURRENT_POLICY } from '../../fixtures/policies.ts';

const EVERYTHING = { window: { from: null, to: null }, policies: policiesById([]) };
const SNAPSHOTS = 12;

/** Writes snapshots to partition 0, R rising from 3, so that each has an intent. */
async function worldWithSnapshots(): Promise<MemorySession> {
  const world = await memorySession();
  for (let offset = 0; offset < SNAPSHOTS; offset++)
    await world.write(TOPICS.positionSnapshot, snapshotAt(offset), offset, 0);
  return world;
}

function snapshotAt(offset: number) {
  return aSnapshot({ r: 3.1 + offset / 10, age: 7 + offset });
}

function intentAt(offset: number, overrides: Partial<HarvestIntent> = {}): HarvestIntent {
  const snapshot = snapshotAt(offset);
  const at = { topic: TOPICS.positionSnapshot.name, partition: 0, offset, timestamp: 0, key: null, value: null };
  const intent = intentOf(snapshot, evaluate(snapshot, CURRENT_POLICY), { ...at, headers: [] });
  if (intent === null) throw new Error('the snapshot is held');
  return { ...intent, ...overrides };
}

async function audited(intents: readonly (readonly [HarvestIntent, partition: number])[]) {
  const world = await worldWithSnapshots();
  for (const [intent, partition] of intents) await world.write(TOPICS.harvestIntent, intent, 0, partition);
  return auditIntents(world, EVERYTHING);
}

describe('auditIntents', () => {
  it('walks intents and snapshots together, across batches', async () => {
    const intents = [0, 1, 4, 5, 9, 11].map((offset) => [intentAt(offset), 0] as const);
    expect(await audited(intents)).toMatchObject({ audited: 6, differing: 0, unverifiable: { total: 0 } });
  });

  it('RPL-3: finds the snapshot also a step back, as a redelivered batch has it, and in another partition', async () => {
    const result = await audited([
      [intentAt(8), 0],
      [intentAt(2), 0],
      [intentAt(2), 0],
      [intentAt(10), 0],
      [intentAt(3), 1],
      [intentAt(11), 1],
    ]);
    expect(result).toMatchObject({ audited: 6, differing: 0, unverifiable: { total: 0 } });
  });

  it('lists a difference with path, both values and both coordinates', async () => {
    const result = await audited([
      [intentAt(0), 0],
      [intentAt(5, { fraction: 0.5 }), 0],
    ]);
    expect(result).toMatchObject({ audited: 2, differing: 1 });
    expect(result.differences).toEqual([
      {
        intent_id: intentAt(5).intent_id,
        topic: 'harvest.intent',
        partition: 0,
        offset: 1,
        input: { topic: 'position.snapshot', partition: 0, offset: 5 },
        path: 'fraction',
        recorded: 0.5,
        recomputed: intentAt(5).fraction,
      },
    ]);
  });

  it('counts what cannot be recomputed by its reason, and goes on', async () => {
    const missing = { topic: TOPICS.positionSnapshot.name, partition: 0, offset: 999 };
    const result = await audited([
      [intentAt(0, { input: missing }), 0],
      [intentAt(0, { input: { ...missing, topic: 'elsewhere' } }), 0],
      [intentAt(1, { policy: 'nobody-knows' }), 0],
      [intentAt(2, { calibration_version: 'cal-lost' }), 0],
      [intentAt(3), 0],
    ]);
    expect(result).toMatchObject({ audited: 1, differing: 0 });
    expect(result.unverifiable.reasons).toEqual({
      input_missing: 1,
      input_of_another_topic: 1,
      unknown_policy: 1,
      unknown_calibration_version: 1,
    });
    expect(result.unverifiable.listed.map(({ what }) => what)).toEqual([
      'position.snapshot[0]@999',
      'elsewhere[0]@999',
      'nobody-knows',
      'cal-lost',
    ]);
  });

  it('snapshots that retention removed are named as removed', async () => {
    const world = await worldWithSnapshots();
    await world.write(TOPICS.harvestIntent, intentAt(2), 0, 0);
    await world.write(TOPICS.harvestIntent, intentAt(7), 0, 0);
    const offsets = world.log.offsets.bind(world.log);
    world.log.offsets = async (topic) =>
      (await offsets(topic)).map((part) => (topic === TOPICS.positionSnapshot.name ? { ...part, begin: 5 } : part));
    const result = await auditIntents(world, EVERYTHING);
    expect(result).toMatchObject({ audited: 1, unverifiable: { total: 1, reasons: { input_removed: 1 } } });
  });

  it('records that do not decode are unverifiable, on either side', async () => {
    const world = await worldWithSnapshots();
    const broken = { key: null, value: Buffer.from([1, 2, 3]), timestamp: 0, partition: 0 };
    await world.log.append([
      { ...broken, topic: TOPICS.positionSnapshot.name },
      { ...broken, topic: TOPICS.harvestIntent.name },
    ]);
    const input = { topic: TOPICS.positionSnapshot.name, partition: 0, offset: SNAPSHOTS };
    await world.write(TOPICS.harvestIntent, intentAt(0, { input }), 0, 0);
    const result = await auditIntents(world, EVERYTHING);
    expect(result.unverifiable.reasons).toEqual({ intent_undecodable: 1, input_undecodable: 1 });
  });
});
