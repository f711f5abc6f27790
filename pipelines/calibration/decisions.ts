import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { ConfidenceCalibration, EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { CalibrationVersions, type VersionHistory } from '../scoring/confidence-map.ts';
import type { BoundName } from './report.ts';

/** Every version that was proposed, with every decision so far. */
export async function readVersions(topics: ReadableTopics): Promise<CalibrationVersions> {
  const versions = new CalibrationVersions();
  await forEachRecord(topics, TOPICS.confidenceCalibration.name, {}, (record) => versions.apply(record));
  return versions;
}

/** The person who decides, with reason and time. */
export interface Decider {
  readonly by: string;
  readonly reason: string;
  readonly at: EpochMillis;
}

/** Named among the overridden bounds where the version in force is not the one that the approved version was compared with. */
const PARENT_IN_FORCE = 'parent_in_force';

/** The bound that no override passes: a factor of the policy in force could no longer occur. */
const NEVER_OVERRIDDEN: BoundName = 'factors_possible';

/**
 * The record that approves `version`. Throws VERSION_UNKNOWN; DECISION_REFUSED where it is in force already, where a factor of the
 * policy could no longer occur, and, unless `override` is set, where a safety bound does not hold or another version is in force
 * than the one that it was compared with.
 */
export function approval(
  versions: CalibrationVersions,
  version: string,
  decider: Decider,
  override: boolean,
): ConfidenceCalibration {
  const latest = latestOf(versions, version);
  if (versions.inForce(latest.model_id)?.version === version)
    throw new HarvestlineError('DECISION_REFUSED', `${version} is in force already`);
  if (latest.broken_bounds.includes(NEVER_OVERRIDDEN))
    throw new HarvestlineError(
      'DECISION_REFUSED',
      `${version} leaves a factor of the policy in force that could no longer occur, and no override passes that. Let the policy judge raw confidence (degraded_on), or propose another map`,
    );
  const inForce = versions.inForce(latest.model_id)?.version ?? null;
  const stale = inForce !== latest.parent;
  if (stale && !override)
    throw new HarvestlineError(
      'DECISION_REFUSED',
      `${version} was compared with ${named(latest.parent)}, and ${named(inForce)} is in force now: its report says nothing of that change. Propose again, or approve it with --override, and say in --reason why it is right`,
    );
  if (latest.broken_bounds.length > 0 && !override) {
    const broken = latest.bounds
      .filter(({ name }) => latest.broken_bounds.includes(name))
      .map(({ name, value, limit }) => `${name} is ${Number(value.toPrecision(4))}, the limit is ${limit}`);
    throw new HarvestlineError(
      'DECISION_REFUSED',
      `${version} breaks a safety bound: ${broken.join('; ')}. Approve it only with --override, and say in --reason why it is right`,
    );
  }
  return decided(latest, 'APPROVED', decider, {
    overridden: [...latest.broken_bounds, ...(stale ? [PARENT_IN_FORCE] : [])],
  });
}

function named(version: string | null): string {
  return version ?? 'raw confidence';
}

/** The record that rejects `version`. Throws VERSION_UNKNOWN, or DECISION_REFUSED where it is in force. */
export function rejection(versions: CalibrationVersions, version: string, decider: Decider): ConfidenceCalibration {
  const latest = latestOf(versions, version);
  if (versions.inForce(latest.model_id)?.version === version)
    throw new HarvestlineError('DECISION_REFUSED', `${version} is in force: roll it back instead`);
  if (latest.status === 'REJECTED') throw new HarvestlineError('DECISION_REFUSED', `${version} is REJECTED already`);
  return decided(latest, 'REJECTED', decider, {});
}

/**
 * The record that takes `version` back, or the one version in force where none is named. Throws VERSION_UNKNOWN, or
 * DECISION_REFUSED where nothing, several, or another version is in force.
 */
export function rollback(
  versions: CalibrationVersions,
  version: string | undefined,
  decider: Decider,
): ConfidenceCalibration {
  const latest = version === undefined ? onlyInForce(versions) : latestOf(versions, version);
  const inForce = versions.inForce(latest.model_id);
  if (inForce?.version !== latest.version) {
    const now = inForce === null ? 'raw confidence is' : `${inForce.version} is`;
    throw new HarvestlineError(
      'DECISION_REFUSED',
      `${latest.version} is not in force for ${latest.model_id}: ${now}. Only what is in force can be rolled back`,
    );
  }
  const restored = versions.inForceWithout(latest.model_id, latest.version);
  return decided(latest, 'ROLLED_BACK', decider, { restores: restored?.version ?? null });
}

/** The records of a version so far. Throws VERSION_UNKNOWN. */
export function historyOf(versions: CalibrationVersions, version: string): VersionHistory {
  const history = versions.find(version);
  if (history !== undefined) return history;
  const known = versions.all().map((one) => one.version);
  throw new HarvestlineError(
    'VERSION_UNKNOWN',
    `no version ${version}${known.length === 0 ? ': nothing was proposed yet' : `; there are ${known.slice(-5).join(', ')}`}`,
  );
}

function latestOf(versions: CalibrationVersions, version: string): ConfidenceCalibration {
  const { records } = historyOf(versions, version);
  return records.at(-1) ?? records[0];
}

function onlyInForce(versions: CalibrationVersions): ConfidenceCalibration {
  const inForce = versions.allInForce();
  const [only] = inForce;
  if (only !== undefined && inForce.length === 1) return only;
  throw new HarvestlineError(
    'DECISION_REFUSED',
    only === undefined
      ? 'no version is in force: there is nothing to roll back'
      : `several versions are in force, name one: ${inForce.map((one) => `${one.version} (${one.model_id})`).join(', ')}`,
  );
}

function decided(
  latest: ConfidenceCalibration,
  status: ConfidenceCalibration['status'],
  { by, reason, at }: Decider,
  more: Partial<Pick<ConfidenceCalibration, 'overridden' | 'restores'>>,
): ConfidenceCalibration {
  return { ...latest, status, decided_at: at, decided_by: by, reason, overridden: [], restores: null, ...more };
}
