import { beforeEach, expect, test } from 'vitest';
import { statusReport } from '../../../app/status-report.ts';
import type { ConfidenceCalibration, PositionId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';
import { type MemoryWorld, memoryWorld } from '../memory-log.ts';

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

let world: MemoryWorld;

beforeEach(async () => {
  world = await memoryWorld();
});

/** A snapshot at each hour, an intent at every second one; the version is named from `usedFrom` on. */
async function hours(from: number, to: number, usedFrom: number): Promise<void> {
  for (let hour = from; hour < to; hour += 1) {
    const at = START + hour * HOUR_MS;
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, model_id: APPROVED.model_id, confidence: 0.7 }, at);
    const version = hour >= usedFrom ? APPROVED.version : null;
    if (hour % 2 === 0)
      await world.write(
        TOPICS.harvestIntent,
        { ...INTENT, model_id: APPROVED.model_id, calibration_version: version },
        at,
      );
  }
}

async function outcome(name: string, hour: number, label: 'WIN' | 'LOSS'): Promise<void> {
  const final = { status: 'FINAL', label, closed_at: START + hour * HOUR_MS } as const;
  const record = {
    ...OUTCOME,
    ...final,
    position_id: name as PositionId,
    model_id: APPROVED.model_id,
    confidence: 0.7,
  };
  await world.write(TOPICS.clmOutcome, record, START + hour * HOUR_MS);
}

test('nothing in force, nothing said', async () => {
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

test('approved but not used yet', async () => {
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
