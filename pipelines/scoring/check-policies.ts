import { isDeepStrictEqual } from 'node:util';
import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import { judgesCalibrated } from './calibrated.ts';
import { whyNeverDegraded } from './degradation.ts';
import { lintPolicy } from './lint-policy.ts';
import type { Policy } from './policy.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';

export interface PolicyFinding extends Problem {
  readonly level: 'problem' | 'warning';
  readonly file: string;
}

/** A confidence map in force. */
export type MapInForce = Pick<ConfidenceCalibration, 'model_id' | 'version' | 'map'>;

/** Reads a policy file. Throws USAGE where it cannot be read, POLICY_INVALID where it holds no policy. */
export type ReadPolicy = (file: string) => Policy;

/** Everything that is wrong with these files, and what is legal but hardly meant. Never stops at the first. */
export function checkPolicies(files: readonly string[], read: ReadPolicy): readonly PolicyFinding[] {
  const checked = files.map((file) => checkFile(file, read));
  return checked.flatMap(({ file, policy, findings }, index) => {
    if (policy === null) return findings;
    const twin = checked
      .slice(0, index)
      .find((other) => other.policy?.id === policy.id && !isDeepStrictEqual(other.policy, policy));
    if (twin === undefined) return findings;
    const why = `is that of ${twin.file}, too, which is another policy: intents would name both alike`;
    return [...findings, { level: 'warning', file, path: 'id', why }];
  });
}

/** Thresholds that a map in force cannot reach. The log is read only where a policy judges confidence by its map. */
export async function checkAgainstMaps(
  files: readonly string[],
  read: ReadPolicy,
  mapsInForce: () => Promise<readonly MapInForce[]>,
): Promise<readonly PolicyFinding[]> {
  const checked = files.map((file) => checkFile(file, read));
  const mapped = checked.flatMap(({ file, policy }) => {
    return policy !== null && judgesCalibrated(policy) ? [{ file, policy }] : [];
  });
  if (mapped.length === 0) return [];
  const inForce = await mapsInForce();
  return mapped.flatMap(({ file, policy }) => unreachable(file, policy, inForce));
}

function unreachable(file: string, policy: Policy, inForce: readonly MapInForce[]): readonly PolicyFinding[] {
  return inForce.flatMap(({ model_id: model, version, map }): readonly PolicyFinding[] => {
    const why = whyNeverDegraded(policy, map);
    if (why === null) return [];
    return [{ level: 'warning', file, path: 'thresholds.degraded_by', why: `${why} (${version} of ${model})` }];
  });
}

interface CheckedFile {
  readonly file: string;
  /** Null where the file is none. */
  readonly policy: Policy | null;
  readonly findings: readonly PolicyFinding[];
}

function checkFile(file: string, read: ReadPolicy): CheckedFile {
  try {
    const policy = read(file);
    return { file, policy, findings: lintPolicy(policy).map((problem) => ({ level: 'warning', file, ...problem })) };
  } catch (thrown) {
    // One file that cannot be read must not hide what is wrong with the others.
    if (!isKind(thrown, 'poison') && !isKind(thrown, 'usage')) throw thrown;
    const problems = thrown.problems.length > 0 ? thrown.problems : [{ path: '(root)', why: thrown.message }];
    return { file, policy: null, findings: problems.map((problem) => ({ level: 'problem', file, ...problem })) };
  }
}
