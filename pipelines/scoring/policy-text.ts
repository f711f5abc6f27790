import type { Policy } from './policy.ts';

/**
 * A policy as the one JSON text that it has: names in ascending order, no white space. So equal policies have equal digests, whatever
 * file they came from.
 */
export function policyText(policy: Policy): string {
  return canonicalJson(policy);
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
