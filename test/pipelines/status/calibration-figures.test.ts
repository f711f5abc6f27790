import { beforeEach, expect, test } from 'vitest';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import type {
  ClmOutcome,
  ConfidenceCalibration,
  HarvestIntent,
  OutcomeLabel,
  PositionId,
} from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const START = 1_770_003_600_000;
const HOUR_MS = 60 * 60 * 1000;
const APPROVED: ConfidenceCalibration = {
  ...GOOD_RECORDS[TOPICS.confidenceCalibration.name],
  status: 'APPROVED',
  // By a clock that is a year ahead of the market's.
  decided_at: START + 365 * 24 * HOUR_MS,
  decided_by: 'Ada',
  reason: 'test',
  overridden: ['largest_change'],
};
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];

let world: MemorySession;

beforeEach(async () => {
  world = await memorySession();
});

/** A snapshot at each hour, an intent at every second one; the version is named from `usedFrom` on. */
async function hours(from: number, to: number, usedFrom: number): Promise<void> {
  for (let hour = from; hour < to; hour += 1) {
    const at = START + hour * HOUR_MS;
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, model_id: APPROVED.model_id, confidence: 0.7 }, at);
    const version = hour >= usedFrom ? APPROVED.version : null;
    if (hour % 2 === 0) await world.write(TOPICS.harvestIntent, intentOf(hour, version), at);
  }
}

function intentOf(hour: number, version: string | null): HarvestIntent {
  const input = { ...INTENT.input, offset: hour + 100 };
  return { ...INTENT, model_id: APPROVED.model_id, calibration_version: version, input };
}

async function outcome(
  name: string,
  hour: number,
  label: OutcomeLabel,
  patch: Partial<ClmOutcome> = {},
): Promise<void> {
  const final = { status: 'FINAL', label, closed_at: START + hour * HOUR_MS } as const;
  const record = {
    ...OUTCOME,
    ...final,
    position_id: name as PositionId,
    model_id: APPROVED.model_id,
    confidence: 0.7,
    ...patch,
  };
  await world.write(TOPICS.clmOutcome, record, START + hour * HOUR_MS);
}

test('without a calibration in force there is no result', async () => {
  await hours(0, 4, 2);
  expect((await statusReport(world)).calibrations).toEqual([]);
});

test('the boundary is the first intent that names the version, in event time', async () => {
  await hours(0, 10, 4);
  await world.write(TOPICS.confidenceCalibration, APPROVED, APPROVED.decided_at);
  await outcome('a', 1, 'WIN');
  await outcome('b', 5, 'LOSS');
  await outcome('c', 6, 'WIN');
  // A later record of the same position takes its place.
  await outcome('c', 7, 'LOSS');
  const [watch] = (await statusReport(world)).calibrations;
  expect(watch).toMatchObject({
    version: APPROVED.version,
    since: START + 4 * HOUR_MS,
    verdict: 'too_early',
    win_rate: { before: { n: 1, value: 1 }, after: { n: 2, value: 0 } },
    hold_rate: { before: { n: 4, value: 0.5 }, after: { n: 6, value: 0.5 } },
    confidence: { before: { n: 1 }, after: { n: 1 } },
  });
});

test('a version that is approved and named by no intent is not used yet', async () => {
  await hours(0, 4, 99);
  await world.write(TOPICS.confidenceCalibration, APPROVED, APPROVED.decided_at);
  expect((await statusReport(world)).calibrations).toMatchObject([{ verdict: 'not_used_yet', since: null }]);
});

test('a rollback ends the watch', async () => {
  await hours(0, 4, 2);
  await world.write(TOPICS.confidenceCalibration, APPROVED, APPROVED.decided_at);
  const back = { ...APPROVED, status: 'ROLLED_BACK', overridden: [] } as const;
  await world.write(TOPICS.confidenceCalibration, back, APPROVED.decided_at + 1);
  expect((await statusReport(world)).calibrations).toEqual([]);
});

test('where NEUTRAL counted as a loss in the fit, a map that foretells just that calls for no rollback', async () => {
  await hours(-60, 60, 0);
  // 40 of 100 won, 40 of the 60 that were WIN or LOSS: raw confidence is true to the second, the map to the first.
  const map = { x: [0.7], y: [0.4] };
  for (const hour of [-30, 30]) {
    for (let i = 0; i < 100; i += 1) await outcome(`${hour} ${i}`, hour, i < 40 ? 'WIN' : i < 60 ? 'LOSS' : 'NEUTRAL');
  }
  await world.write(TOPICS.confidenceCalibration, { ...APPROVED, map, neutral: 'LOSS' }, APPROVED.decided_at);
  const { calibrations, alerts } = await statusReport(world);
  expect(calibrations).toMatchObject([{ verdict: 'steady', win_rate: { after: { n: 60 } } }]);
  expect(alerts.filter(({ name }) => name === 'calibration_worse')).toEqual([]);
});

test('a batch that was scored twice counts once', async () => {
  await hours(0, 10, 4);
  for (const hour of [4, 6, 8])
    await world.write(TOPICS.harvestIntent, intentOf(hour, APPROVED.version), START + hour * HOUR_MS);
  await world.write(TOPICS.confidenceCalibration, APPROVED, APPROVED.decided_at);
  expect((await statusReport(world)).calibrations).toMatchObject([{ hold_rate: { after: { n: 6, value: 0.5 } } }]);
});

test.each([
  ['excluded', { excluded_from_calibration: 'EXTERNAL' }],
  ['without a model', { excluded_from_calibration: 'CONFLICTING_MODEL', model_id: null, confidence: null }],
])('an outcome whose latest record is %s does not count', async (_, patch) => {
  await hours(0, 10, 4);
  await world.write(TOPICS.confidenceCalibration, APPROVED, APPROVED.decided_at);
  await outcome('a', 5, 'WIN');
  await outcome('a', 5, 'WIN', patch);
  expect((await statusReport(world)).calibrations).toMatchObject([{ win_rate: { after: null } }]);
});
