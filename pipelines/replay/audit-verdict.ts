import type { AuditResult } from './audit-intents.ts';

/** Intents that rest on something that cannot be found, though it must be there: a forged intent looks like that. */
export function unfounded({ unverifiable: { total, reasons } }: AuditResult): number {
  // Only retention takes away what was there honestly.
  return total - (reasons.input_removed ?? 0);
}

/** No difference, nothing unfounded, all of policy.applied read; and an audit that could verify nothing at all must not look like one that found nothing wrong. */
export function isProved(result: AuditResult): boolean {
  const nothingVerified = result.audited === 0 && result.unverifiable.total > 0;
  return result.differing === 0 && unfounded(result) === 0 && result.policies_unreadable === 0 && !nothingVerified;
}
