import type { NeutralRule } from '../../pipelines/calibration/usable-rows.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { proposalRecord } from './proposal-record.ts';
import type { Proposal } from './propose.ts';

type BeforeAfter = Readonly<Record<'before' | 'after', number>>;

/** How proposals were kept. */
export interface Kept {
  readonly dryRun: boolean;
  readonly folder: string;
  readonly neutral: NeutralRule;
  readonly by: string | null;
}

/** A line for each model; one line for all where every model was refused. */
export function proposalJsonLines(proposals: readonly Proposal[], kept: Kept): readonly string[] {
  const refused = proposals.filter((proposal) => proposal.kind === 'refused');
  if (refused.length === proposals.length)
    return [JSON.stringify({ refused: true, unmet: refused.flatMap(({ unmet }) => unmet) })];
  return proposals.map((proposal) => JSON.stringify(jsonOf(proposal, kept)));
}

function jsonOf(proposal: Proposal, { dryRun, folder, neutral, by }: Kept): object {
  if (proposal.kind === 'refused') return { refused: true, model_id: proposal.model, unmet: proposal.unmet };
  if (proposal.kind === 'known') return { ...proposalJson(proposal.proposal), status: proposal.status, known: true };
  const { version, flips, risks, do_not_apply_if, largest_change, detectable } = proposal.report;
  return {
    ...proposalJson(proposalRecord(proposal.report, neutral, by)),
    largest_change,
    detectable,
    flips,
    risks,
    do_not_apply_if,
    dry_run: dryRun,
    report: dryRun ? null : `${folder}/${version}`,
  };
}

/** What is said of a version as JSON: programs rely on these names. */
export function proposalJson(record: ConfidenceCalibration): Readonly<Record<string, unknown>> {
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
    parent: record.parent,
    evidence: record.evidence,
    proposed_at: record.decided_at,
    program_version: record.program_version,
  };
}
