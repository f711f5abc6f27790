import type { PositionSnapshot, ConfidenceCalibration, ModelId } from '../../schemas/generated/records.ts';
import type { Policy } from './policy.ts';

/**
 * A map from raw to calibrated confidence: linear between its points, constant beyond the first and the last. `x` ascends strictly, and `y` is as
 * long; both hold probabilities. Every method of calibration gives such a map, and scoring applies it.
 */
export interface ConfidenceMap {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** The map at one confidence. O(log points). */
export function calibrate({ x, y }: ConfidenceMap, confidence: number): number {
  let low = 0;
  let high = x.length - 1;
  const first = x[low];
  const last = x[high];
  if (first === undefined || last === undefined) throw new RangeError('a confidence map has at least one point');
  if (confidence <= first) return y[low] ?? Number.NaN;
  if (confidence >= last) return y[high] ?? Number.NaN;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((x[middle] ?? Number.NaN) <= confidence) low = middle;
    else high = middle;
  }
  const left = x[low] ?? Number.NaN;
  const below = y[low] ?? Number.NaN;
  const slope = ((y[high] ?? Number.NaN) - below) / ((x[high] ?? Number.NaN) - left);
  return below + slope * (confidence - left);
}

/**
 * The snapshot as this policy judges it: with mapped confidences, where it judges those. It is never recorded: records carry raw confidences and
 * the version of the map.
 *
 * SCO-6  Confidences are mapped only for a policy that judges degradation on the calibrated scale. On every other scale a map changes no
 *        decision: degraded_by was chosen for raw confidences, and a map that narrows them would mute the factor.
 */
export function asJudgedBy(policy: Policy, snapshot: PositionSnapshot, map: ConfidenceMap | null): PositionSnapshot {
  return map !== null && judgesCalibrated(policy) ? calibrated(snapshot, map) : snapshot;
}

/** True where a confidence map can change what this policy decides. */
export function judgesCalibrated({ thresholds }: Policy): boolean {
  return thresholds.degraded_on === 'calibrated';
}

/** The snapshot with its confidences mapped, at entry and now, since they are compared with each other. Unknown stays unknown. */
export function calibrated(snapshot: PositionSnapshot, map: ConfidenceMap): PositionSnapshot {
  return {
    ...snapshot,
    confidence: mapped(snapshot.confidence, map),
    confidence_at_entry: mapped(snapshot.confidence_at_entry, map),
  };
}

function mapped(confidence: number | null | undefined, map: ConfidenceMap): number | null {
  return confidence === null || confidence === undefined ? null : calibrate(map, confidence);
}

/** Confidences are kept this far from 0 and 1, whose log-odds are infinite. Unit: probability. */
const INSIDE = 1e-6;

/** A position entered at confidence `atEntry` counts as degraded below this one. Unit: probability, on the scale that the policy judges on. */
export function degradedBelow(
  atEntry: number,
  { degraded_by: by, degraded_on: scale }: Pick<Policy['thresholds'], 'degraded_by' | 'degraded_on'>,
): number {
  if (scale !== 'log_odds') return atEntry - by;
  const inside = Math.min(1 - INSIDE, Math.max(INSIDE, atEntry));
  return 1 / (1 + Math.exp(by - Math.log(inside / (1 - inside))));
}

/** Why no confidence can ever count as degraded under this policy with this map; null where one can. */
export function whyNeverDegraded(policy: Policy, { y }: ConfidenceMap): string | null {
  if (!judgesCalibrated(policy)) return null;
  const low = y.reduce((least, value) => Math.min(least, value), Infinity);
  const high = y.reduce((most, value) => Math.max(most, value), -Infinity);
  const { degraded_by: by } = policy.thresholds;
  if (low < high - by) return null;
  return `can never be reached: the map gives ${three(low)} to ${three(high)}, so no calibrated confidence falls by more than ${by}`;
}

function three(value: number): string {
  return String(Number(value.toFixed(3)));
}

/** One version of a calibration with all of its records, oldest first; the first is its proposal. */
export interface VersionHistory {
  readonly version: string;
  readonly records: readonly [ConfidenceCalibration, ...ConfidenceCalibration[]];
}

/**
 * All versions and their states, from the records of confidence.calibration in order.
 *
 * SCO-7  In force for a model is its latest approved version that was not rolled back since; none means raw confidence.
 * SCO-8  A rollback leaves all other versions as they were: the version approved before it is in force again.
 * SCO-9  A record that comes twice changes nothing.
 */
export class CalibrationVersions {
  readonly #histories = new Map<string, VersionHistory>();
  /** Approved and not rolled back, the latest last. */
  readonly #approved = new Map<ModelId, readonly ConfidenceCalibration[]>();

  apply(record: ConfidenceCalibration): void {
    const { version, model_id: model, status } = record;
    const known = this.#histories.get(version);
    this.#histories.set(version, { version, records: known === undefined ? [record] : [...known.records, record] });
    const others = (this.#approved.get(model) ?? []).filter((approved) => approved.version !== version);
    if (status === 'APPROVED') this.#approved.set(model, [...others, record]);
    if (status === 'ROLLED_BACK') this.#approved.set(model, others);
  }

  /** The approval in force for a model; null: raw confidence. */
  inForce(model: ModelId): ConfidenceCalibration | null {
    return this.#approved.get(model)?.at(-1) ?? null;
  }

  /** The approval that would be in force without `version`. */
  inForceWithout(model: ModelId, version: string): ConfidenceCalibration | null {
    return this.#approved.get(model)?.findLast((approved) => approved.version !== version) ?? null;
  }

  allInForce(): readonly ConfidenceCalibration[] {
    return [...this.#approved.keys()].map((model) => this.inForce(model)).filter((version) => version !== null);
  }

  find(version: string): VersionHistory | undefined {
    return this.#histories.get(version);
  }

  /** In the order in which they were proposed. */
  all(): readonly VersionHistory[] {
    return [...this.#histories.values()];
  }
}
