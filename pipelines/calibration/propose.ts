import type { EpochMillis } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { ConfidenceCalibration, ModelId } from '../../schemas/generated/records.ts';
import { calibrationVersionOf } from '../../schemas/ids.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import { type CalibrationVersions, type ConfidenceMap, whyNeverDegraded } from '../scoring/confidence-map.ts';
import type { Policy } from '../scoring/policy.ts';
import { type Assessment, type NoRelation, assess } from './assess.ts';
import { decisionBounds, reasonsNotToApply, risksOf } from './bounds-and-risks.ts';
import { type Dataset, type OutcomeRow, datasetHash, rowsByModel } from './dataset.ts';
import { replayFlips } from './decision-effect.ts';
import type { Method } from './fit.ts';
import { type LabelRule, labelRatesOf, labelRuleText, labelRuleWords } from './label-rule.ts';
import type { Bound, CalibrationReport, Flips } from './report.ts';
import { type SlicedBy, sliceFigures } from './slice-figures.ts';
import {
  type NeutralRule,
  type Selection,
  type Unmet,
  noUsableRelation,
  samplesOf,
  selectRows,
  slicesOf,
  unmetConditions,
  weighsTooLittle,
} from './usable-rows.ts';

interface ProposeOptions {
  /** Null: every model of the dataset. */
  readonly model: string | null;
  /** Null: cross-validation chooses. */
  readonly method: Method | null;
  readonly neutral: NeutralRule;
  readonly label: LabelRule;
  /** What the outcomes are split by for the figures of their parts. */
  readonly by: readonly SlicedBy[];
  /** Null: all outcomes weigh alike. */
  readonly halfLifeDays: number | null;
  /** Scores past snapshots, to find the decisions that would change. */
  readonly policy: Policy;
  readonly random: Random;
  readonly now: EpochMillis;
  readonly programVersion: string;
  readonly onStep: (step: string) => void;
}

/** The result for one model. */
export type Proposal =
  | {
      readonly kind: 'refused';
      readonly model: string | null;
      readonly unmet: readonly Unmet[];
      /** What was tried, where all conditions hold and there is no usable relation. */
      readonly tried?: Pick<NoRelation, 'auc' | 'candidates'>;
    }
  /** The same evidence was proposed before, or gives the map that is in force. */
  | {
      readonly kind: 'known';
      readonly model: string;
      readonly proposal: ConfidenceCalibration;
      readonly status: string;
      /** The evidence gives the map in force, so there is nothing to gain. */
      readonly inForce: boolean;
    }
  | {
      readonly kind: 'proposed';
      readonly model: string;
      readonly report: CalibrationReport;
      readonly rows: readonly OutcomeRow[];
    };

/** Judges each model of the dataset on its own, and writes nothing. */
export async function proposeAll(
  topics: ReadableTopics,
  dataset: Dataset,
  versions: CalibrationVersions,
  options: ProposeOptions,
): Promise<readonly Proposal[]> {
  const byModel = rowsByModel(dataset.rows);
  const models = options.model === null ? [...byModel.keys()].filter((model) => model !== null) : [options.model];
  if (models.length === 0) {
    const none = selectRows([], options.neutral, options.label);
    return [{ kind: 'refused', model: null, unmet: unmetConditions(null, [], none) }];
  }
  const proposals: Proposal[] = [];
  for (const model of models) {
    proposals.push(await proposeOne(topics, dataset, versions, options, model, byModel.get(model) ?? []));
  }
  return proposals;
}

async function proposeOne(
  topics: ReadableTopics,
  dataset: Dataset,
  versions: CalibrationVersions,
  options: ProposeOptions,
  model: string,
  rows: readonly OutcomeRow[],
): Promise<Proposal> {
  const { neutral, label, policy } = options;
  const selection = selectRows(rows, neutral, label);
  const unmet = unmetConditions(model, rows, selection);
  if (unmet.length > 0) return { kind: 'refused', model, unmet };
  const samples = samplesOf(selection, options.halfLifeDays);
  const tooLittle = options.halfLifeDays === null ? null : weighsTooLittle(model, samples);
  if (tooLittle !== null) return { kind: 'refused', model, unmet: [tooLittle] };
  options.onStep(`${model}: evidence`);
  const parent = versions.inForce(model as ModelId);
  const hash = datasetHash(rows, label);
  const assessment = assess(samples, options.method, options.random, {
    inForce: parent?.map ?? null,
    onStep: (step) => options.onStep(`${model}: ${step}`),
  });
  if (assessment.fit === null)
    return { kind: 'refused', model, unmet: [noUsableRelation(model, assessment)], tried: assessment };
  const { method, map } = assessment.fit;
  if (parent !== null && sameMap(parent.map, map))
    return { kind: 'known', model, proposal: parent, status: parent.status, inForce: true };
  // The recorded label and equal weights are not part of the id: versions from before there was a choice keep theirs.
  const rule = [
    ...(label.kind === 'pnl' ? [] : [labelRuleText(label)]),
    ...(options.halfLifeDays === null ? [] : [`half_life:${options.halfLifeDays}`]),
  ];
  const version = calibrationVersionOf([model, dataset.topic, hash, neutral, method, parent?.version ?? null, ...rule]);
  const history = versions.find(version);
  if (history !== undefined) {
    const [proposal] = history.records;
    return {
      kind: 'known',
      model,
      proposal,
      status: history.records.at(-1)?.status ?? proposal.status,
      inForce: false,
    };
  }
  options.onStep(`${model}: past decisions`);
  const flips = await replayFlips(topics, {
    modelId: model as ModelId,
    current: parent?.map ?? null,
    candidate: map,
    policy,
  });
  const bounds = [...assessment.bounds, ...decisionBounds(flips, whyNeverDegraded(policy, map) !== null)];
  const facts = { dataset, hash, rows, selection, assessment, flips, bounds, parent: parent?.version ?? null };
  return { kind: 'proposed', model, report: reportOf(version, model, facts, options), rows };
}

interface Facts {
  readonly dataset: Dataset;
  readonly hash: string;
  readonly rows: readonly OutcomeRow[];
  readonly selection: Selection;
  readonly assessment: Assessment;
  readonly flips: Flips | null;
  readonly bounds: readonly Bound[];
  readonly parent: string | null;
}

function reportOf(version: string, model: string, facts: Facts, options: ProposeOptions): CalibrationReport {
  const { dataset, selection, assessment } = facts;
  const { usable, counts, excluded } = selection;
  const { label, neutral } = options;
  const report = {
    model_id: model,
    proposed_at: options.now,
    program_version: options.programVersion,
    parent: facts.parent,
    method: assessment.fit.method,
    method_asked_for: options.method !== null,
    candidates: assessment.candidates,
    winner: assessment.winner,
    half_life_days: options.halfLifeDays,
    label: labelRuleText(label),
    label_rule: `${labelRuleWords(label)}, NEUTRAL ${neutral === 'loss' ? 'counts as 0' : 'is left out'}${recencyWords(options)}`,
    label_rates: labelRatesOf(facts.rows, label),
    counts,
    slices: slicesOf(selection),
    sliced: sliceFigures(model, selection, options.by),
    excluded,
    map: assessment.fit.map,
    parameters: assessment.fit.parameters,
    auc: assessment.auc,
    dependence: assessment.dependence,
    observed: assessment.observed,
    largest_change: assessment.largest_change,
    in_sample: assessment.in_sample,
    out_of_fold: assessment.out_of_fold,
    detectable: assessment.detectable,
    flips: facts.flips,
    bounds: facts.bounds,
    evidence: {
      topic: dataset.topic,
      ranges: dataset.ranges,
      dataset_hash: facts.hash,
      rows: facts.rows.length,
      schema_ids: dataset.schemaIds,
    },
  } satisfies Omit<CalibrationReport, 'version' | 'risks' | 'do_not_apply_if'>;
  return {
    version,
    ...report,
    risks: risksOf(report, usable, dataset.undecodable),
    do_not_apply_if: reasonsNotToApply(report, usable),
  };
}

function recencyWords({ halfLifeDays }: ProposeOptions): string {
  return halfLifeDays === null
    ? ''
    : `, and an outcome ${halfLifeDays} days older than the latest weighs half as much in the fit`;
}

/** Equal but for rounding. */
function sameMap(one: ConfidenceMap, other: ConfidenceMap): boolean {
  const alike = (values: readonly number[], others: readonly number[]): boolean =>
    values.length === others.length && values.every((value, at) => Math.abs(value - (others[at] ?? Infinity)) < 1e-9);
  return alike(one.x, other.x) && alike(one.y, other.y);
}
