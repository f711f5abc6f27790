import type { ConfidenceCalibration, ModelId } from '../../schemas/generated/records.ts';

/** One version with everything that was said of it, oldest first; the first is its proposal. */
export interface VersionHistory {
  readonly version: string;
  readonly records: readonly [ConfidenceCalibration, ...ConfidenceCalibration[]];
}

/**
 * The state of all versions, from the records of confidence.calibration in order. Invariants:
 * V1  In force for a model is its latest approved version that was not rolled back since; none means raw confidence.
 * V2  A rollback of any version leaves the others as they were: what was approved before it is in force again.
 * V3  A record that comes twice changes nothing.
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

  /** What would be in force without `version`. */
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
