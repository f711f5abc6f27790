import type { ConfidenceCalibration, ModelId, PolicyApplied } from '../../schemas/generated/records.ts';
import { CalibrationVersions, type ConfidenceMap } from '../scoring/confidence-map.ts';

/** From a snapshot of a partition on, scoring applied these versions. In the order of the log. */
export type AppliedMaps = Pick<PolicyApplied, 'calibrations'> & {
  readonly input: { partition: number; offset: number };
};

/** What is known of maps in the past. Plain data: it is copied to threads. */
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

interface Seen {
  readonly version: string;
  readonly map: ConfidenceMap;
}

/**
 * The confidence map that a snapshot was seen with. Invariants:
 * PM1  Where scoring has recorded what it applied, that counts, from the snapshot that it names on.
 * PM2  Where it has not, a map is in force from the time of its approval to that of its rollback or of the next approval.
 * PM3  With `now` the map in force at the end counts for all.
 */
export class PastMaps {
  readonly #which: MapRecords['which'];
  readonly #byVersion = new Map<string, ConfidenceMap>();
  readonly #stretches = new Map<number, readonly Stretch[]>();
  /** By model, in time: what came into force; null: raw confidence. */
  readonly #times = new Map<string, { readonly at: number; readonly seen: Seen | null }[]>();
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
    const seen = this.#seenAt(model, at, observedAt);
    if (seen === null) return null;
    const used = this.#used.get(model);
    if (used === undefined) this.#used.set(model, new Set([seen.version]));
    else used.add(seen.version);
    return seen.map;
  }

  /** The versions that had a say so far, by model. */
  used(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(Array.from(this.#used, ([model, versions]) => [model, [...versions]]));
  }

  #seenAt(model: ModelId, { partition, offset }: { partition: number; offset: number }, observedAt: number) {
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

/** By offset: of two records the later one in the log counts wherever both have begun (SCO-15). */
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

/** Of items that hold up to some place and not beyond it, the last that holds. */
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
