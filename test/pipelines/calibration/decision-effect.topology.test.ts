import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { replayFlips } from '../../../pipelines/calibration/decision-effect.ts';
import type { ConfidenceMap } from '../../../pipelines/scoring/confidence-map.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import type { ModelId, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { onCalibrated } from '../../fixtures/policies.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const MODEL = 'ensemble-7' as ModelId;
const SNAPSHOTS = TOPICS.positionSnapshot;
const IDENTITY: ConfidenceMap = { x: [0, 1], y: [0, 1] };

/** Halves every confidence: a drop of 0.2 becomes one of 0.1, which is not degraded by the policy. */
const HALVED: ConfidenceMap = { x: [0, 1], y: [0, 0.5] };

const raw = BUILT_IN_POLICIES.get('2026-02-07') ?? fail();
const policy = onCalibrated(raw);

/** Degraded by 0.2: exit 7 (contracting 3, degraded 4) against hold 3, so thesis_broken closes. Without it exit 3, hold 4: a part. */
const degraded = (traits: Parameters<typeof aSnapshot>[0] = {}, overrides: Partial<PositionSnapshot> = {}) =>
  aSnapshot(traits, { confidence_at_entry: 0.8, confidence: 0.6, ...overrides });

async function worldWith(snapshots: readonly PositionSnapshot[]) {
  const log = EmbeddedLog.open(folderForTest(), new SystemClock());
  onTestFinished(() => log.close());
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const codec = await RecordCodec.open(log.registry);
  const writer = new TopicWriter('snapshots', codec);
  await log.append(snapshots.map((snapshot) => writer.encode(SNAPSHOTS, snapshot, snapshot.observed_at)));
  return { log, codec };
}

async function replay(
  snapshots: readonly PositionSnapshot[],
  candidate: ConfidenceMap,
  current: ConfidenceMap | null = null,
) {
  return replayFlips(await worldWith(snapshots), { modelId: MODEL, current, candidate, policy });
}

const NONE = { HOLD: 0, PARTIAL_CLOSE: 0, CLOSE: 0 };

describe('replaying past decisions', () => {
  it('finds the close that the candidate map would not have made', async () => {
    const snapshot = degraded();
    expect(await replay([snapshot], HALVED)).toEqual({
      policy: '2026-02-07',
      snapshots: 1,
      flips: 1,
      against_direction: 0,
      factors: {
        before: expect.objectContaining({ confidence_degraded: 1, confidence_intact: 0 }) as object,
        after: expect.objectContaining({ confidence_degraded: 0, confidence_intact: 1 }) as object,
      },
      matrix: { HOLD: NONE, PARTIAL_CLOSE: NONE, CLOSE: { ...NONE, PARTIAL_CLOSE: 1 } },
      examples: [
        {
          position_id: snapshot.position_id,
          symbol: 'BTCUSDT',
          observed_at: snapshot.observed_at,
          from: 'CLOSE',
          to: 'PARTIAL_CLOSE',
          confidence: 0.6,
          calibrated: 0.3,
          partition: expect.any(Number) as number,
          offset: 0,
        },
      ],
    });
  });

  it('changes nothing where degradation is judged on raw confidence, and counts the factor all the same', async () => {
    const world = await worldWith([degraded()]);
    const flips = await replayFlips(world, { modelId: MODEL, current: null, candidate: HALVED, policy: raw });
    expect(flips).toMatchObject({
      flips: 0,
      factors: { before: { confidence_degraded: 1 }, after: { confidence_degraded: 1 } },
    });
  });

  it('compares with the map in force, not with raw confidence', async () => {
    expect(await replay([degraded()], HALVED, HALVED)).toMatchObject({
      flips: 0,
      matrix: { CLOSE: NONE, PARTIAL_CLOSE: { ...NONE, PARTIAL_CLOSE: 1 } },
      examples: [],
    });
    expect(await replay([degraded()], IDENTITY, HALVED)).toMatchObject({
      flips: 1,
      matrix: { PARTIAL_CLOSE: { ...NONE, CLOSE: 1 } },
    });
  });

  it('leaves unknown confidences unknown: no map changes what they decide', async () => {
    const unknown = [
      degraded({}, { confidence: null, confidence_at_entry: null }),
      degraded({}, { confidence: null }),
      degraded({}, { confidence_at_entry: null }),
    ];
    expect(await replay(unknown, HALVED)).toMatchObject({ snapshots: 3, flips: 0 });
  });

  it('counts only snapshots of the model, and is null without one', async () => {
    const others = [degraded({}, { model_id: 'other' as ModelId }), degraded({}, { model_id: null })];
    expect(await replay(others, HALVED)).toBeNull();
    expect(await replay([...others, degraded()], HALVED)).toMatchObject({ snapshots: 1, flips: 1 });
    expect(await replay([], HALVED)).toBeNull();
  });

  it('keeps the twenty latest, the latest first, whatever partition they are in', async () => {
    const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT'];
    const snapshots = Array.from({ length: 50 }, (_, age) =>
      degraded({ symbol: symbols[age % 5] ?? '', age: 1 + age }),
    );
    const flips = await replay(snapshots, HALVED);
    expect(flips).toMatchObject({ snapshots: 50, flips: 50 });
    expect(new Set(flips?.examples.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    expect(flips?.examples.map(({ observed_at: at }) => at)).toEqual(
      snapshots
        .map(({ observed_at: at }) => at)
        .toReversed()
        .slice(0, 20),
    );
  });

  it('passes over what cannot be scored or decoded', async () => {
    const world = await worldWith([
      degraded({}, { mark_price: 1e12, peak_price: 1e12, initial_stop_price: 100 - 1e-12 }),
      degraded(),
    ]);
    await world.log.append([{ topic: SNAPSHOTS.name, key: null, value: Buffer.from('no record'), timestamp: 1 }]);
    const flips = await replayFlips(world, { modelId: MODEL, current: null, candidate: HALVED, policy });
    expect(flips).toMatchObject({ snapshots: 1, flips: 1 });
  });
});

function fail(): never {
  throw new Error('no default policy');
}
