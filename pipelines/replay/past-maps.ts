import type { ConfidenceCalibration, ModelId, PolicyApplied } from '../../schemas/generated/records.ts';
import { CalibrationVersions, type ConfidenceMap } from '../scoring/confidence-map.ts';

/** The calibration versions that scoring applied from a snapshot of a partition on. */
type AppliedMaps = Pick<PolicyApplied, 'calibrations'> & {
  readonly input: { partition: number; offset: number };
};

/** All that is recorded of calibration maps. Plain data: it is copied to threads. */
export interface MapRecords {
  readonly decisions: readonly ConfidenceCalibration[];
  readonly applied: readonly AppliedMaps[];
  /** `then`: each snapshot by the map of its own time; `now`: all by the one in force now. */
  readonly which: 'then' | 'now';
}

interface Stretch {
  readonly from: number;
  readonly versions: ReadonlyMap<string, string>;
}

interface VersionedMap {
  readonly version: string;
  readonly map: ConfidenceMap;
}

/**
 * Finds the confidence map that applied to a snapshot.
 *
 * RPL-19  From the snapshot on that a record of policy.applied names, the versions of that record count.
 * RPL-20  Before any such record a map is in force from its approval to its rollback or the next approval, by the clock.
 * RPL-21  With `now` the map in force at the end counts for all snapshots.
 */
export class PastMaps {
  readonly #which: MapRecords['which'];
  readonly #byVersion = new Map<string, ConfidenceMap>();
  readonly #stretches = new Map<number, readonly Stretch[]>();
  /** Model -> maps in the order in which they came into force; null: raw confidence. */
  readonly #times = new Map<string, { readonly at: number; readonly seen: VersionedMap | null }[]>();
  readonly #now = new CalibrationVersions();
  readonly #used = new Map<string, Set<string>>();

  constructor({ decisions, applied, which }: MapRecords) {
    this.#which = which;
    for (const decision of decisions) this.#decide(decision);
    for (const [partition, records] of Map.groupBy(applied, ({ input }) => input.partition))
      this.#stretches.set(partition, stretchesOf(records));
  }

  /** Null: raw confidence. */
  mapAt(model: ModelId, at: { partition: number; offset: number }, observedAt: number): ConfidenceMap | null {
    const seen = this.#versionAt(model, at, observedAt);
    if (seen === null) return null;
    const used = this.#used.get(model);
    if (used === undefined) this.#used.set(model, new Set([seen.version]));
    else used.add(seen.version);
    return seen.map;
  }

  /** Versions applied so far, by model. */
  used(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(Array.from(this.#used, ([model, versions]) => [model, [...versions]]));
  }

  #versionAt(model: ModelId, { partition, offset }: { partition: number; offset: number }, observedAt: number) {
    if (this.#which === 'now') {
      const record = this.#now.inForce(model);
      return record === null ? null : { version: record.version, map: record.map };
    }
    const stretches = this.#stretches.get(partition);
    const stretch = stretches === undefined ? undefined : lastWhere(stretches, ({ from }) => from <= offset);
    if (stretch === undefined)
      return lastWhere(this.#times.get(model) ?? [], ({ at }) => at <= observedAt)?.seen ?? null;
    const version = stretch.versions.get(model);
    const map = version === undefined ? undefined : this.#byVersion.get(version);
    return version === undefined || map === undefined ? null : { version, map };
  }

  #decide(decision: ConfidenceCalibration): void {
    const { model_id: model, version, map, decided_at: at } = decision;
    this.#byVersion.set(version, map);
    this.#now.apply(decision);
    const record = this.#now.inForce(model);
    const seen = record === null ? null : { version: record.version, map: record.map };
    const times = this.#times.get(model);
    if (times === undefined) this.#times.set(model, [{ at, seen }]);
    else if (times.at(-1)?.seen?.version !== seen?.version) times.push({ at, seen });
  }
}

/** In ascending order of offset: of two records that have both begun, the later one in the log counts (policy-history.ts SCO-15). */
function stretchesOf(applied: readonly AppliedMaps[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const { input, calibrations } of applied) {
    while ((stretches.at(-1)?.from ?? -1) >= input.offset) stretches.pop();
    stretches.push({
      from: input.offset,
      versions: new Map(calibrations.map(({ model_id, version }) => [model_id, version])),
    });
  }
  return stretches;
}

/** A binary search for the last item that holds, where all before it hold and none after it does. */
function lastWhere<T>(items: readonly T[], holds: (item: T) => boolean): T | undefined {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}
