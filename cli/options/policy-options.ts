import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { readBoundedFile } from '../../connectors/system/bounded-file.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { didYouMean, nearestFirst } from '../../errors/nearest.ts';
import { checkedJson } from '../../schemas/strict-json.ts';
import { BUILT_IN_POLICIES, type Policy, policyInvalid } from '../../pipelines/scoring/policy.ts';
import { parsePolicyFile } from '../../pipelines/scoring/extend-policy.ts';
import { InvalidArgumentError, Option } from 'commander';
import {
  parseStallLimits,
  settingLines,
  DEFAULT_STALL_LIMITS,
  type StallLimits,
} from '../../pipelines/watch/stall-limits.ts';

/** A built-in policy by its id, else a policy file. Throws USAGE or POLICY_INVALID. */
export function loadPolicy(idOrFile: string): Policy {
  return BUILT_IN_POLICIES.get(idOrFile) ?? readPolicyFile(idOrFile);
}

/** The policy of a file, whole. Throws USAGE where the file cannot be read, POLICY_INVALID where it holds no policy. */
export function readPolicyFile(file: string): Policy {
  return readExtending(file, []);
}

/** A file, and the real path of it: the same file may have several names. */
interface ExtendingFile {
  readonly file: string;
  readonly path: string;
}

/** `extending` are the files that lead here, each of which extends the next. */
function readExtending(file: string, extending: readonly ExtendingFile[]): Policy {
  let bytes: Uint8Array;
  let path: string;
  try {
    // A pipe would be waited for.
    if (!statSync(file).isFile()) throw new Error(`${file} is no regular file`);
    bytes = readBoundedFile(file);
    path = realpathSync(file);
  } catch (cause) {
    const known = nearestFirst(file, BUILT_IN_POLICIES.keys()).join(', ');
    const named = didYouMean(file, BUILT_IN_POLICIES.keys());
    throw new HarvestlineError(
      'USAGE',
      `no policy ${named}: neither one of ${known} nor a readable file (${messageOf(cause)})`,
      { cause },
    );
  }
  const all = [...extending, { file, path }];
  if (extending.some((earlier) => earlier.path === path)) {
    const ring = all.map((one) => one.file).join(', which extends ');
    throw policyInvalid(file, [{ path: 'extends', why: `a policy cannot extend itself: ${ring}` }]);
  }
  const loadBase = (idOrFile: string): Policy =>
    BUILT_IN_POLICIES.get(idOrFile) ??
    readExtending(isAbsolute(idOrFile) ? idOrFile : join(dirname(file), idOrFile), all);
  return checkedJson('POLICY_INVALID', file, bytes, (value) => parsePolicyFile(value, file, loadBase));
}

/** Each candidate costs about as much as the policy in force. Unit: policies. */
const MAX_SHADOWS = 3;

/** `--shadow CANDIDATE`, up to three times. */
export function shadowOption(): Option {
  return new Option(
    '--shadow <id-or-file>',
    `scoring: a candidate policy whose decisions go to shadow.decision and are never executed; up to ${MAX_SHADOWS} times`,
  ).argParser((candidate: string, earlier: readonly string[] | undefined): readonly string[] => {
    const all = [...(earlier ?? []), candidate];
    if (all.length > MAX_SHADOWS) throw new InvalidArgumentError(`At most ${MAX_SHADOWS} candidates.`);
    return all;
  });
}

/** The candidates that were given. Throws USAGE where two policies have one id, so that records could not tell them apart, or POLICY_INVALID. */
export function loadShadows(
  given: readonly string[],
  policy: Policy,
  processors: readonly string[],
): readonly Policy[] {
  if (given.length > 0 && !processors.includes('scoring'))
    throw new HarvestlineError('USAGE', '--shadow is for scoring, which does not run here');
  const ids = new Set([policy.id]);
  return given.map((idOrFile) => {
    const candidate = loadPolicy(idOrFile);
    if (ids.has(candidate.id))
      throw new HarvestlineError(
        'USAGE',
        `--shadow ${idOrFile}: another policy here has its id, ${candidate.id}: give it its own`,
      );
    ids.add(candidate.id);
    return candidate;
  });
}

/** The option that `stallLimitsOption` adds to a command. */
export interface StallLimitsFlag {
  readonly stallLimits?: string;
}

export function stallLimitsOption(): Option {
  return new Option(
    '--stall-limits <file>',
    'when stall alerts are raised, where a policy is meant to hold longer: JSON',
  );
}

/** The settings of a file, for --help. */
export function stallLimitsHelp(): string {
  const lines = settingLines().map((line) => `  ${line}`);
  return `A file of --stall-limits has any of these, e.g. {"held_for_minutes": 720, "winner_above_r": 4}:\n${lines.join('\n')}`;
}

/** The limits of the file, or the defaults. Throws USAGE where it cannot be read, STALL_LIMITS_INVALID with every failing path. */
export function loadStallLimits({ stallLimits: file }: StallLimitsFlag): StallLimits {
  if (file === undefined) return DEFAULT_STALL_LIMITS;
  let bytes: Uint8Array;
  try {
    bytes = readBoundedFile(file);
  } catch (cause) {
    throw new HarvestlineError('USAGE', `--stall-limits ${file}: cannot be read: ${messageOf(cause)}`, { cause });
  }
  return checkedJson('STALL_LIMITS_INVALID', file, bytes, (value) => parseStallLimits(value, file));
}
