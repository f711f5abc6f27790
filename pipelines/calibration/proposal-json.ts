import type {
  CalibrationMethod,
  CalibrationMetric,
  ConfidenceCalibration,
  MetricSample,
  ModelId,
} from '../../schemas/generated/records.ts';
import type { Proposal } from './propose.ts';
import { noRelationHeadline, verdictOf } from './report-words.ts';
import type { CalibrationReport, Evaluation } from './report.ts';
import type { NeutralRule } from './usable-rows.ts';

type BeforeAfter = Readonly<Record<'before' | 'after', number>>;

/** How proposals are kept. */
export interface Kept {
  readonly dryRun: boolean;
  readonly folder: string;
  readonly neutral: NeutralRule;
  readonly by: string | null;
}

/** One line a model; a single line where every model was refused. */
export function proposalJsonLines(proposals: readonly Proposal[], kept: Kept): readonly string[] {
  const refused = proposals.filter((proposal) => proposal.kind === 'refused');
  if (refused.length === proposals.length) {
    const [only] = refused;
    const tried = refused.length === 1 && only !== undefined ? triedOf(only) : {};
    return [JSON.stringify({ refused: true, unmet: refused.flatMap(({ unmet }) => unmet), ...tried })];
  }
  return proposals.map((proposal) => JSON.stringify(jsonOf(proposal, kept)));
}

function jsonOf(proposal: Proposal, { dryRun, folder, neutral, by }: Kept): object {
  if (proposal.kind === 'refused')
    return { refused: true, model_id: proposal.model, unmet: proposal.unmet, ...triedOf(proposal) };
  if (proposal.kind === 'known') return knownJson(proposal);
  const { version, parent, flips, risks, do_not_apply_if, largest_change, detectable } = proposal.report;
  const { auc, candidates, winner, dependence, label_rates, sliced } = proposal.report;
  return {
    ...proposalJson(proposalRecord(proposal.report, neutral, by)),
    against: parent,
    headline: verdictOf(proposal.report).headline,
    methods: candidates,
    winner,
    auc,
    dependence,
    label_rates,
    slices: sliced.slices,
    weeks: sliced.weeks,
    cusum: sliced.cusum,
    factors: flips?.factors ?? null,
    largest_change,
    detectable,
    flips,
    risks,
    do_not_apply_if,
    dry_run: dryRun,
    report: dryRun ? null : `${folder}/${version}`,
  };
}

/** The methods tried, where there is no usable relation. */
function triedOf({ tried }: Extract<Proposal, { kind: 'refused' }>): object {
  if (tried === undefined) return {};
  const { auc, candidates } = tried;
  return { headline: noRelationHeadline(candidates), auc, methods: candidates };
}

/** A known version; where it is in force, before and after are the same and the gain is 0. */
function knownJson({ proposal, status, inForce }: Extract<Proposal, { kind: 'known' }>): object {
  const json = { ...proposalJson(proposal), status, known: true };
  if (!inForce) return { ...json, against: proposal.parent };
  const same = proposal.metrics.map((metric) => ({ ...metric, before: metric.after }));
  const { metrics } = proposalJson({ ...proposal, metrics: same });
  return { ...json, in_force: true, against: proposal.version, gain: 0, metrics };
}

/** A version as JSON. Programs rely on these names. */
function proposalJson(record: ConfidenceCalibration): Readonly<Record<string, unknown>> {
  const metrics = new Map<string, Map<string, BeforeAfter>>();
  for (const { name, sample, before, after } of record.metrics)
    metrics.set(name, (metrics.get(name) ?? new Map()).set(sample.toLowerCase(), { before, after }));
  return {
    version: record.version,
    model_id: record.model_id,
    status: record.status,
    method: record.method.toLowerCase(),
    map: record.map,
    ...Object.fromEntries(record.parameters.map(({ name, value }) => [name, value])),
    metrics: Object.fromEntries(Array.from(metrics, ([name, samples]) => [name, Object.fromEntries(samples)])),
    counts: record.counts,
    bounds: record.bounds.map((bound) => ({ ...bound, holds: !record.broken_bounds.includes(bound.name) })),
    neutral: record.neutral.toLowerCase(),
    label: record.label ?? 'pnl',
    half_life_days: record.half_life_days ?? null,
    parent: record.parent,
    evidence: record.evidence,
    proposed_at: record.decided_at,
    program_version: record.program_version,
  };
}

/** The scores that a record has; the report has all. */
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
