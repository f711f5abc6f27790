import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { approval } from '../../../pipelines/calibration/decisions.ts';
import { CalibrationVersions } from '../../../pipelines/scoring/confidence-map.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES, type Policy } from '../../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../../pipelines/scoring/scoring-processor.ts';
import type { ShadowResult } from '../../../pipelines/scoring/shadow.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { ConfidenceCalibration, PositionSnapshot, ShadowDecision } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { proposalOf } from '../../fixtures/calibration-record.ts';
import { onCalibrated } from '../../fixtures/policies.ts';

function policy(id: string): Policy {
  const found = BUILT_IN_POLICIES.get(id);
  if (found === undefined) throw new Error(`no policy ${id}`);
  return found;
}

const LEGACY = policy('legacy');
const CURRENT = policy('2026-02-07');
/** Its costs are beyond any number, so it cannot decide on anything. */
const HOPELESS: Policy = { ...CURRENT, id: 'hopeless', costs: { taker_fee: 1e308, funding_per_8h: 0 } };

let codec: RecordCodec;
beforeAll(async () => {
  codec = await RecordCodec.open(await MemoryRegistry.withOwnSchemas());
});

interface Setting {
  readonly inForce?: Policy;
  readonly candidates: readonly Policy[];
  readonly followed?: readonly ConfidenceCalibration[];
}

const at = (topic: string, offset: number): LogRecord => ({
  topic,
  partition: 2,
  offset,
  timestamp: 1000 + offset,
  key: null,
  value: null,
  headers: [],
});

/** What scoring writes for these snapshots, and the results of its candidates. */
async function score(
  snapshots: readonly PositionSnapshot[],
  { inForce = CURRENT, candidates, followed = [] }: Setting,
) {
  const results: (readonly [string, ShadowResult])[] = [];
  const processor = scoringProcessor({
    writer: new TopicWriter('scoring', codec),
    policy: inForce,
    shadow: { candidates, onResult: ({ id }, result) => void results.push([id, result]) },
  });
  const topic = TOPICS.confidenceCalibration.name;
  followed.forEach((record, offset) => processor.onBroadcast?.({ topic, record, at: at(topic, offset) }));
  const { name } = TOPICS.positionSnapshot;
  const outputs = await processor.process(
    snapshots.map((record, offset) => ({ topic: name, record, at: at(name, offset) })),
    () => Promise.resolve(),
  );
  const of = (wanted: string): readonly EncodedRecord[] => outputs.filter((output) => output.topic === wanted);
  const written = of(TOPICS.shadowDecision.name);
  const shadows = written.map(({ value }): ShadowDecision => codec.decode(TOPICS.shadowDecision.name, { value }));
  return { intents: of(TOPICS.harvestIntent.name), written, shadows, results };
}

const brief = (all: readonly ShadowDecision[]) =>
  all.map(({ symbol, current_action, action, fraction, hold_score, exit_score, reason }) =>
    [symbol, current_action, action, fraction, `${hold_score}/${exit_score}`, reason].join(' '),
  );

describe("the deployment report's table, with the fix as a candidate", () => {
  const table = [
    { symbol: 'COLLECT', r: 10.16, age: 3 },
    { symbol: 'AIO', r: 5.33, age: 3 },
    { symbol: 'FHE', r: 3.37, age: 7 },
    { symbol: 'BERA', r: -0.08, age: 7 },
    { symbol: 'STABLE', r: 1.57, age: 7 },
    { symbol: 'LA', r: 5.77, age: 3 },
  ].map((traits) => aSnapshot(traits));

  it('records what would have been closed while all was held', async () => {
    const { shadows, intents } = await score(table, { inForce: LEGACY, candidates: [CURRENT] });
    expect(intents).toEqual([]);
    expect(brief(shadows)).toEqual([
      'COLLECT HOLD CLOSE 1 4/9 emergency_profit',
      'AIO HOLD PARTIAL_CLOSE 0.58 4/7 strong_exit',
      'FHE HOLD PARTIAL_CLOSE 0.75 4/9 strong_exit',
      'BERA HOLD PARTIAL_CLOSE 0.45 4/6 moderate_exit',
      'STABLE HOLD PARTIAL_CLOSE 0.53 4/6 moderate_exit',
      'LA HOLD PARTIAL_CLOSE 0.58 4/7 strong_exit',
    ]);
  });

  it('SCO-30: names candidate, policy in force and snapshot, under the timestamp and the key of the snapshot', async () => {
    const { shadows, written } = await score(table, { inForce: LEGACY, candidates: [CURRENT] });
    expect(shadows[1]).toMatchObject({
      policy: '2026-02-07',
      against: 'legacy',
      observed_at: table[1]?.observed_at,
      position_id: table[1]?.position_id,
      calibration_version: null,
      input: { topic: TOPICS.positionSnapshot.name, partition: 2, offset: 1 },
    });
    expect(written[1]?.timestamp).toBe(1001);
    expect(Buffer.from(written[1]?.key ?? []).toString()).toBe('desk:AIO');
  });

  it('the other way round records what would have been held', async () => {
    const { shadows } = await score(table, { candidates: [LEGACY] });
    expect(shadows.map(({ action, current_action }) => `${action} for ${current_action}`)).toEqual([
      'HOLD for CLOSE',
      ...Array.from({ length: 5 }, () => 'HOLD for PARTIAL_CLOSE'),
    ]);
  });
});

describe('properties of every batch', () => {
  const snapshots = fc.array(
    fc
      .record({
        r: fc.double({ min: -3, max: 12, noNaN: true }),
        age: fc.constantFrom(0.5, 3, 7),
        regime: fc.constantFrom('TREND_UP', 'RANGE', null),
        volatility_gradient: fc.constantFrom(-0.05, 0.2, null),
        confidence: fc.constantFrom(0.7, 0.3, null),
      })
      .map(({ r, age, ...rest }) => ({ ...aSnapshot({ r, age }), ...rest })),
    { maxLength: 20 },
  );
  const candidates = fc.subarray([LEGACY, HOPELESS, { ...CURRENT, id: 'same' }]);

  it('SCO-28: the intents are those of a scorer without candidates, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(snapshots, candidates, async (batch, chosen) => {
        const without = await score(batch, { candidates: [] });
        expect((await score(batch, { candidates: chosen })).intents).toEqual(without.intents);
        expect(without.written).toEqual([]);
      }),
    );
  });

  it('SCO-29: there is a record where one of the two acts, and it has the decision of evaluate', async () => {
    await fc.assert(
      fc.asyncProperty(snapshots, async (batch) => {
        const { shadows } = await score(batch, { candidates: [LEGACY] });
        const expected = batch.flatMap((snapshot, offset) => {
          const [candidate, current] = [evaluate(snapshot, LEGACY), evaluate(snapshot, CURRENT)];
          if (candidate.action === 'HOLD' && current.action === 'HOLD') return [];
          const { action, fraction, reason, r } = candidate;
          return [{ offset, action, fraction, reason, r, current: [current.action, current.fraction] }];
        });
        expect(
          shadows.map(({ input: { offset }, action, fraction, reason, r, current_action, current_fraction }) => ({
            offset,
            action,
            fraction,
            reason,
            r,
            current: [current_action, current_fraction],
          })),
        ).toEqual(expected);
      }),
    );
  });
});

it('SCO-28: a candidate that cannot decide is skipped, and the others are not', async () => {
  const { intents, shadows, results } = await score([aSnapshot({ r: 9 }), aSnapshot({ r: 0.5, age: 1 })], {
    candidates: [HOPELESS, LEGACY],
  });
  expect(intents).toHaveLength(2);
  expect(shadows.map(({ policy: id }) => id)).toEqual(['legacy', 'legacy']);
  expect(results).toEqual([
    ['hopeless', 'failed'],
    ['legacy', 'written'],
    ['hopeless', 'failed'],
    ['legacy', 'written'],
  ]);
});

it('a candidate judges confidence on its own scale, whatever the policy in force does', async () => {
  const proposal = proposalOf('cal-1', { map: { x: [0.8, 0.9], y: [0.4, 0.7] } });
  const versions = new CalibrationVersions();
  versions.apply(proposal);
  const approved = approval(versions, 'cal-1', { by: 'Ada', reason: 'test', at: 1_770_000_000_000 }, false);
  const snapshot = { ...aSnapshot({ r: 9 }), model_id: proposal.model_id, confidence_at_entry: 0.9, confidence: 0.8 };
  const raw = await score([snapshot], { candidates: [LEGACY] });
  const followed = [proposal, approved];
  const unmapped = await score([snapshot], { candidates: [LEGACY], followed, inForce: onCalibrated(CURRENT) });
  const mapped = await score([snapshot], { candidates: [onCalibrated(LEGACY)], followed });
  expect(raw.shadows).toMatchObject([{ calibration_version: null, exit_score: 3 }]);
  expect(unmapped.shadows).toMatchObject([{ calibration_version: 'cal-1', exit_score: 3 }]);
  // Degraded now: 0.4 is below 0.7 - 0.15.
  expect(mapped.shadows).toMatchObject([{ calibration_version: 'cal-1', exit_score: 6 }]);
});
