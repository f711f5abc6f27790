/** Confidence maps that do worse than what was before them, found again from intents and outcomes: a person has to decide about them. */
import { differenceInterval, wilsonInterval } from '../../../pipelines/calibration/statistics.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';
import type { ClmOutcome, ConfidenceCalibration } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { Evidence } from './evidence.ts';

/** With fewer nobody can tell. Unit: outcomes. */
const FEWEST_OUTCOMES = 30;

/** Whether one that is in force in the end does worse. */
export function isCalibrationWorse(evidence: Evidence): boolean {
  const intents = evidence.sorted(TOPICS.harvestIntent.name).good;
  const latest = new Map(evidence.good(TOPICS.clmOutcome.name).map((outcome) => [outcome.position_id, outcome]));
  return inForce(evidence).some((approval) => {
    const named = intents.filter(({ record }) => record.calibration_version === approval.version);
    const since = named.reduce((first, { at }) => Math.min(first, at.timestamp), Infinity);
    return isWorse(approval, since, [...latest.values()]);
  });
}

/** By model, the version that was approved last and not rolled back. A version that is approved twice counts once. */
function inForce(evidence: Evidence): readonly ConfidenceCalibration[] {
  const byModel = Map.groupBy(evidence.good(TOPICS.confidenceCalibration.name), ({ model_id: model }) => model);
  return Array.from(byModel.values(), (records) => {
    let approved: readonly ConfidenceCalibration[] = [];
    for (const record of records) {
      if (record.status !== 'APPROVED' && record.status !== 'ROLLED_BACK') continue;
      const others = approved.filter(({ version }) => version !== record.version);
      approved = record.status === 'APPROVED' ? [...others, record] : others;
    }
    return approved.at(-1);
  }).filter((approval) => approval !== undefined);
}

function isWorse({ model_id, map }: ConfidenceCalibration, since: number, outcomes: readonly ClmOutcome[]): boolean {
  const rated = outcomes.flatMap(({ model_id: model, label, confidence, closed_at: at, excluded_from_calibration }) =>
    model === model_id && confidence !== null && at !== null && excluded_from_calibration === null
      ? [{ label, confidence, at }]
      : [],
  );
  const decided = rated.filter(({ label }) => label === 'WIN' || label === 'LOSS');
  const before = decided.filter(({ at }) => at < since);
  const after = decided.filter(({ at }) => at >= since);
  if (after.length < FEWEST_OUTCOMES) return false;
  const winsOf = (some: typeof decided): number => some.filter(({ label }) => label === 'WIN').length;
  const now = { successes: winsOf(after), n: after.length };
  if (before.length > 0 && differenceInterval(now, { successes: winsOf(before), n: before.length }).high < 0)
    return true;
  const { low, high } = wilsonInterval(now);
  const mean = (of: (confidence: number) => number): number =>
    after.reduce((sum, { confidence }) => sum + of(confidence), 0) / after.length;
  const [raw, mapped] = [mean((confidence) => confidence), mean((confidence) => calibrate(map, confidence))];
  return raw >= low && raw <= high && (mapped < low || mapped > high);
}
