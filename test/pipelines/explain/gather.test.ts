import { beforeEach, describe, expect, it } from 'vitest';
import { explain } from '../../../pipelines/explain/gather.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { type Policy, defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { intentOf } from '../../../pipelines/scoring/scoring-processor.ts';
import { calibrated } from '../../../pipelines/scoring/confidence-map.ts';
import { smallestChanges } from '../../../pipelines/scoring/smallest-changes.ts';
import type { PositionId, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';
import { LEGACY_POLICY, onCalibrated } from '../../fixtures/policies.ts';

const PARTITION = 3;
const MINUTE_MS = 60_000;
const SNAPSHOT = aSnapshot({ r: 2.5 }, { confidence: 0.66 });
const START = SNAPSHOT.observed_at;

/** So steep that a loss of 0.04 becomes one of more than 0.5: degraded. */
const STEEP = { x: [0.65, 0.71], y: [0.1, 0.9] };

let world: MemorySession;
let snapshots = 0;

beforeEach(async () => {
  world = await memorySession();
  snapshots = 0;
});

/** Writes the snapshot and, where `policy` is given, the intent that it asks for. */
async function snapshot(
  overrides: Partial<PositionSnapshot>,
  policy: Policy | null = null,
  version: string | null = null,
  seen: (raw: PositionSnapshot) => PositionSnapshot = (raw) => raw,
): Promise<PositionSnapshot> {
  const at = START + snapshots * MINUTE_MS;
  const record = { ...SNAPSHOT, observed_at: at, ...overrides };
  await world.write(TOPICS.positionSnapshot, record, at, PARTITION);
  if (policy !== null) {
    const { name: topic } = TOPICS.positionSnapshot;
    const place = {
      topic,
      partition: PARTITION,
      offset: snapshots,
      timestamp: at,
      key: null,
      value: null,
      headers: [],
    };
    const intent = intentOf(record, evaluate(seen(record), policy), place, version);
    expect(intent).not.toBeNull();
    if (intent !== null) await world.write(TOPICS.harvestIntent, intent, at, PARTITION);
  }
  snapshots += 1;
  return record;
}

describe('what explain gathers', () => {
  it('an intent of another policy is explained by its own, also beside a later one of another', async () => {
    const changed = { regime: 'RANGE' };
    const first = await snapshot(changed, LEGACY_POLICY);
    await snapshot({}, defaultPolicy());
    await snapshot({ position_id: `${SNAPSHOT.position_id}0` as PositionId }, defaultPolicy());
    const found = await explain(world, SNAPSHOT.position_id, null);
    expect(found?.policy).toBe('2026-02-07');
    expect(found?.decisions.map(({ policy }) => policy)).toEqual(['legacy', '2026-02-07']);
    const [{ intent_id } = { intent_id: null }] = found?.decisions ?? [];
    const one = await explain(world, intent_id ?? '', null);
    expect(one?.decision?.policy).toBe('legacy');
    expect(one?.decision?.changes).toEqual(smallestChanges(first, LEGACY_POLICY));
    expect(one?.decision?.changes).not.toEqual(smallestChanges(first, defaultPolicy()));
  });

  it('a policy that is not known here: what was recorded, and no changes of another policy', async () => {
    const own = { ...LEGACY_POLICY, id: 'my-policy' };
    const first = await snapshot({ regime: 'RANGE' }, own);
    const found = await explain(world, SNAPSHOT.position_id, null);
    const { action, factors, reason } = evaluate(first, own);
    expect(found?.decision).toMatchObject({
      policy: 'my-policy',
      action,
      factors,
      reason,
      changes: null,
    });
    const known = await explain(world, SNAPSHOT.position_id, own);
    expect(known?.decision?.changes).toEqual(smallestChanges(first, own));
  });

  it('the map that scored is applied to a HOLD and to the changes of an intent', async () => {
    const proposal = { ...GOOD_RECORDS[TOPICS.confidenceCalibration.name], map: STEEP };
    await world.write(TOPICS.confidenceCalibration, proposal, START);
    const { version } = proposal;
    const steep = (raw: PositionSnapshot): PositionSnapshot => calibrated(raw, STEEP);
    const mapped = { ...onCalibrated(defaultPolicy()), id: 'mapped' };
    const first = await snapshot({}, mapped, version, steep);
    // By raw confidence it would be held no less, but for other points.
    const held = await snapshot({ confidence: 0.7, volatility_gradient: 0.5 });
    const found = await explain(world, SNAPSHOT.position_id, mapped);
    expect(found?.decisions.map(({ calibration_version }) => calibration_version)).toEqual([version, version]);
    const [taken, hold] = found?.decisions ?? [];
    expect(taken?.factors.map(({ name }) => name)).toContain('confidence_degraded');
    expect(hold?.factors).toEqual(evaluate(steep(held), mapped).factors);
    expect(hold?.factors).not.toEqual(evaluate(held, mapped).factors);
    const one = await explain(world, taken?.intent_id ?? '', mapped);
    expect(one?.decision?.changes).toEqual(smallestChanges(steep(first), mapped));
    expect(one?.decision?.changes).not.toEqual(smallestChanges(first, mapped));
  });

  it('snapshots that cannot be scored are counted with their place, those that do not decode by topic', async () => {
    await snapshot({});
    // Profit over such a risk is beyond what any position can have.
    const extreme = { entry_price: 1e-12, initial_stop_price: null, mark_price: 1e12, peak_price: 1e12 };
    await snapshot(extreme);
    await snapshot({ ...extreme, position_id: `${SNAPSHOT.position_id}0` as PositionId });
    const { name: topic } = TOPICS.positionSnapshot;
    await world.log.append([
      { topic, partition: PARTITION, timestamp: START, key: null, value: Buffer.from('no'), headers: [] },
    ]);
    const found = await explain(world, SNAPSHOT.position_id, null);
    expect(found?.decisions).toHaveLength(1);
    expect(found?.unscorable).toMatchObject([
      { topic, partition: PARTITION, offset: 1, why: expect.stringMatching(/^mark_price: gives R 5e\+25/) },
    ]);
    expect(found?.undecodable).toEqual({ [topic]: 1 });
  });

  it('reports how many records there are, then those read, batch by batch', async () => {
    for (let i = 0; i < 7; i += 1) await snapshot({}, defaultPolicy());
    const reported = { total: 0, read: 0, batches: 0 };
    await explain(world, SNAPSHOT.position_id, null, {
      onTotal: (records) => (reported.total += records),
      onRecords: (records) => {
        reported.read += records;
        reported.batches += 1;
      },
    });
    expect(reported).toMatchObject({ total: 14, read: 14 });
    expect(reported.batches).toBeGreaterThan(2);
  });
});
