import { type Assessment, assess } from '../../pipelines/calibration/assess.ts';
import { reasonsNotToApply, risksOf } from '../../pipelines/calibration/advice.ts';
import { type OutcomeRow, datasetHash } from '../../pipelines/calibration/dataset.ts';
import type { Method } from '../../pipelines/calibration/method.ts';
import type { CalibrationReport, Flips } from '../../pipelines/calibration/report.ts';
import { type Unmet, unmetConditions } from '../../pipelines/calibration/requirements.ts';
import {
  type NeutralRule,
  type Selection,
  samplesOf,
  selectRows,
  slicesOf,
} from '../../pipelines/calibration/usable-rows.ts';
import type { CalibrationVersions } from '../../pipelines/calibration/versions.ts';
import { LOSS_BELOW_PERCENT, WIN_ABOVE_PERCENT } from '../../pipelines/clm/accumulate.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { ConfidenceCalibration, ModelId } from '../../schemas/generated/records.ts';
import { calibrationVersionOf } from '../../schemas/ids.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { type Dataset, rowsByModel } from './read-dataset.ts';
import { replayFlips } from './replay-flips.ts';

export interface ProposeOptions {
  /** Null: every model of the dataset. */
  readonly model: string | null;
  /** Null: cross-validation chooses. */
  readonly method: Method | null;
  readonly neutral: NeutralRule;
  /** What past snapshots are scored with, to find the decisions that would change. */
  readonly policy: Policy;
  readonly random: Random;
  readonly now: EpochMillis;
  readonly programVersion: string;
  readonly onStep: (step: string) => void;
}

/** What became of one model. */
export type Proposal =
  | { readonly kind: 'refused'; readonly model: string | null; readonly unmet: readonly Unmet[] }
  /** The same evidence was proposed before. */
  | {
      readonly kind: 'known';
      readonly model: string;
      readonly proposal: ConfidenceCalibration;
      readonly status: string;
    }
  | {
      readonly kind: 'proposed';
      readonly model: string;
      readonly report: CalibrationReport;
      readonly rows: readonly OutcomeRow[];
    };

/** Judges each model of the dataset on its own. Writes nothing. */
export async function proposeAll(
  world: ReadableTopics,
  dataset: Dataset,
  versions: CalibrationVersions,
  options: ProposeOptions,
): Promise<readonly Proposal[]> {
  const byModel = rowsByModel(dataset.rows);
  const models = options.model === null ? [...byModel.keys()].filter((model) => model !== null) : [options.model];
  if (models.length === 0) {
    const none = selectRows([], options.neutral);
    return [{ kind: 'refused', model: null, unmet: unmetConditions(null, [], none) }];
  }
  const proposals: Proposal[] = [];
  for (const model of models) {
    proposals.push(await proposeOne(world, dataset, versions, options, model, byModel.get(model) ?? []));
  }
  return proposals;
}

async function proposeOne(
  world: ReadableTopics,
  dataset: Dataset,
  versions: CalibrationVersions,
  options: ProposeOptions,
  model: string,
  rows: readonly OutcomeRow[],
): Promise<Proposal> {
  const selection = selectRows(rows, options.neutral);
  const unmet = unmetConditions(model, rows, selection);
  if (unmet.length > 0) return { kind: 'refused', model, unmet };
  options.onStep(`${model}: evidence`);
  const parent = versions.inForce(model as ModelId);
  const hash = datasetHash(rows);
  const samples = samplesOf(selection.usable);
  const assessment = assess(samples, options.method, options.random, (step) => options.onStep(`${model}: ${step}`));
  const method = assessment.fit.method;
  const version = calibrationVersionOf([model, dataset.topic, hash, options.neutral, method, parent?.version ?? null]);
  const history = versions.find(version);
  if (history !== undefined) {
    const [proposal] = history.records;
    return { kind: 'known', model, proposal, status: history.records.at(-1)?.status ?? proposal.status };
  }
  options.onStep(`${model}: past decisions`);
  const flips = await replayFlips(world, {
    modelId: model as ModelId,
    current: parent?.map ?? null,
    candidate: assessment.fit.map,
    policy: options.policy,
  });
  const facts = { dataset, hash, rows, selection, assessment, flips, parent: parent?.version ?? null };
  return { kind: 'proposed', model, report: reportOf(version, model, facts, options), rows };
}

interface Facts {
  readonly dataset: Dataset;
  readonly hash: string;
  readonly rows: readonly OutcomeRow[];
  readonly selection: Selection;
  readonly assessment: Assessment;
  readonly flips: Flips | null;
  readonly parent: string | null;
}

function reportOf(version: string, model: string, facts: Facts, options: ProposeOptions): CalibrationReport {
  const { dataset, selection, assessment } = facts;
  const { usable, counts, excluded } = selection;
  const report = {
    model_id: model,
    proposed_at: options.now,
    program_version: options.programVersion,
    parent: facts.parent,
    method: assessment.fit.method,
    method_asked_for: options.method !== null,
    candidates: assessment.candidates,
    label_rule: labelRule(options.neutral),
    counts,
    slices: slicesOf(usable),
    excluded,
    map: assessment.fit.map,
    parameters: assessment.fit.parameters,
    observed: assessment.observed,
    largest_change: assessment.largest_change,
    in_sample: assessment.in_sample,
    out_of_fold: assessment.out_of_fold,
    detectable: assessment.detectable,
    flips: facts.flips,
    bounds: assessment.bounds,
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

function labelRule(neutral: NeutralRule): string {
  const rest = neutral === 'loss' ? 'NEUTRAL counts as 0' : 'NEUTRAL is left out';
  return `WIN is 1 (pnl_percent above +${WIN_ABOVE_PERCENT}), LOSS is 0 (below ${LOSS_BELOW_PERCENT}), ${rest}`;
}
