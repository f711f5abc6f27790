import { InvalidArgumentError, Option } from 'commander';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import { loadPolicy } from './load-policy.ts';

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

/** The candidates by what was given. Throws USAGE where records could not tell one policy from another, or POLICY_INVALID. */
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
