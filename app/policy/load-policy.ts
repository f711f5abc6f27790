import { readFileSync } from 'node:fs';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { BUILT_IN_POLICIES, type Policy, parsePolicy } from '../../pipelines/scoring/policy.ts';

/** A built-in policy by its id, else a policy file. Throws USAGE or POLICY_INVALID. */
export function loadPolicy(idOrFile: string): Policy {
  return BUILT_IN_POLICIES.get(idOrFile) ?? readPolicyFile(idOrFile);
}

/** Throws USAGE where the file cannot be read, POLICY_INVALID where it holds no policy. */
export function readPolicyFile(file: string): Policy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const known = [...BUILT_IN_POLICIES.keys()].join(', ');
    throw new HarvestlineError(
      'USAGE',
      `no policy ${file}: neither one of ${known} nor a readable file (${messageOf(cause)})`,
      { cause },
    );
  }
  try {
    // Some editors begin a file with a byte order mark, which is no JSON.
    return parsePolicy(JSON.parse(text.replace(/^\uFEFF/, '')), file);
  } catch (cause) {
    if (cause instanceof HarvestlineError) throw cause;
    throw new HarvestlineError('POLICY_INVALID', `${file}: is not JSON: ${messageOf(cause)}`, {
      at: { file },
      cause,
    });
  }
}
