import { describe, expect, it } from 'vitest';
import type { AuditResult } from '../../../pipelines/replay/audit-intents.ts';
import { auditHeadline, isProved } from '../../../pipelines/replay/audit-lines.ts';
import { UNVERIFIABLE, type Unverifiable } from '../../../pipelines/replay/audit-intent.ts';

function audited(intents: number, reasons: Partial<Record<Unverifiable, number>> = {}, differing = 0): AuditResult {
  const total = Object.values(reasons).reduce((sum, n) => sum + n, 0);
  return {
    audited: intents,
    differing,
    differences: [],
    unverifiable: { total, reasons, listed: [] },
    policies_unreadable: 0,
    warnings: [],
    ranges: [],
  };
}

describe('the verdict of an audit', () => {
  it.each<[AuditResult, boolean, RegExp]>([
    [audited(0), true, /^No intent lies in that stretch/],
    [audited(5), true, /^All 5 intents/],
    [audited(5, {}, 1), false, /^1 of 5 intents are not what/],
    [audited(5, { input_removed: 2 }), true, /^All 5 intents .* snapshots of 2 intents are no longer kept/],
    [audited(0, { input_removed: 2 }), false, /^No intent was verified/],
    [{ ...audited(5), policies_unreadable: 1 }, false, /1 record of policy.applied cannot be read: nothing is proved/],
    [audited(5, { unknown_policy: 1 }), false, /1 intent cannot be matched/],
  ])('%#: proved or not, and a headline that says so', (result, proved, headline) => {
    expect(isProved(result)).toBe(proved);
    expect(auditHeadline(result).replaceAll('\u00A0', ' ')).toMatch(headline);
  });

  it.each(UNVERIFIABLE.filter((reason) => reason !== 'input_removed'))('one intent with %s fails all', (reason) => {
    expect(isProved(audited(1_000, { [reason]: 1 }))).toBe(false);
  });
});
