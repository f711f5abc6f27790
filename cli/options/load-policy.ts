import { readFileSync } from 'node:fs';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { didYouMean, nearestFirst } from '../../errors/nearest.ts';
import { checkedJson } from '../../schemas/strict-json.ts';
import { BUILT_IN_POLICIES, type Policy, parsePolicy } from '../../pipelines/scoring/policy.ts';

/** A built-in policy by its id, else a policy file. Throws USAGE or POLICY_INVALID. */
export function loadPolicy(idOrFile: string): Policy {
  return BUILT_IN_POLICIES.get(idOrFile) ?? readPolicyFile(idOrFile);
}

/** Throws USAGE where the file cannot be read, POLICY_INVALID where it holds no policy. */
export function readPolicyFile(file: string): Policy {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const known = nearestFirst(file, BUILT_IN_POLICIES.keys()).join(', ');
    const named = didYouMean(file, BUILT_IN_POLICIES.keys());
    throw new HarvestlineError(
      'USAGE',
      `no policy ${named}: neither one of ${known} nor a readable file (${messageOf(cause)})`,
      { cause },
    );
  }
  return checkedJson('POLICY_INVALID', file, bytes, (value) => parsePolicy(value, file));
}
