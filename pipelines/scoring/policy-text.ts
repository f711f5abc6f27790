import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Policy } from './policy.ts';

/** The bound of policy.applied's policy_json. In any alphabet it fits a record that a broker takes. Unit: UTF-16 code units. */
const MAX_LENGTH = 131_072;

/**
 * A policy as the one JSON text that it has: names in ascending order, no white space. So equal policies have equal digests, whatever
 * file they came from. Throws POLICY_INVALID where it is too long to be recorded.
 */
export function policyText(policy: Policy): string {
  const text = canonicalJson(policy);
  if (text.length <= MAX_LENGTH) return text;
  throw new HarvestlineError(
    'POLICY_INVALID',
    `policy ${policy.id}: its JSON has ${text.length} characters, at most ${MAX_LENGTH} can be recorded`,
  );
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
