import type { CalibrationReport, Evaluation } from './report.ts';
import type { NeutralRule } from './usable-rows.ts';
import type {
  CalibrationMethod,
  CalibrationMetric,
  ConfidenceCalibration,
  MetricSample,
  ModelId,
} from '../../schemas/generated/records.ts';

/** The scores that a record carries; the report has the rest. */
const RECORDED_SCORES: ReadonlySet<string> = new Set(['brier', 'log_loss', 'ece']);

/** The PROPOSED record of a report. */
export function proposalRecord(
  report: CalibrationReport,
  neutral: NeutralRule,
  by: string | null,
): ConfidenceCalibration {
  return {
    version: report.version,
    model_id: report.model_id as ModelId,
    status: 'PROPOSED',
    decided_at: report.proposed_at,
    decided_by: by,
    reason: null,
    overridden: [],
    restores: null,
    parent: report.parent,
    method: report.method.toUpperCase() as CalibrationMethod,
    map: report.map,
    parameters: report.parameters,
    neutral: neutral === 'loss' ? 'LOSS' : 'EXCLUDE',
    label: report.label,
    half_life_days: report.half_life_days,
    evidence: report.evidence,
    counts: report.counts,
    metrics: [...metricsOf('IN_SAMPLE', report.in_sample), ...metricsOf('OUT_OF_FOLD', report.out_of_fold)],
    bounds: report.bounds.map(({ name, limit, value }) => ({ name, limit, value })),
    broken_bounds: report.bounds.filter(({ holds }) => !holds).map(({ name }) => name),
    program_version: report.program_version,
  };
}

function metricsOf(sample: MetricSample, { scores }: Evaluation): readonly CalibrationMetric[] {
  return scores
    .filter(({ name }) => RECORDED_SCORES.has(name))
    .map(({ name, before, after }) => ({ name, sample, before, after }));
}
