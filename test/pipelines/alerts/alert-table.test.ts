import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALERTS, bySeverity, severityOf } from '../../../pipelines/alerts/alert-table.ts';

const RANK = { CRITICAL: 0, WARNING: 1, INFO: 2, UNRECOGNISED: 3 } as const;

describe('alerts by severity', () => {
  const alert = fc.record({ name: fc.constantFrom(...Object.keys(ALERTS), 'of_a_newer_version'), since: fc.nat() });

  it('come most severe first, then oldest first, whatever their order was', () => {
    fc.assert(
      fc.property(fc.array(alert), (alerts) => {
        const sorted = bySeverity(alerts);
        for (const [place, one] of sorted.slice(1).entries()) {
          const before = sorted[place];
          if (before === undefined) throw new Error('no alert before');
          const ranks = [RANK[severityOf(before.name)], RANK[severityOf(one.name)]] as const;
          expect(ranks[0] < ranks[1] || (ranks[0] === ranks[1] && before.since <= one.since)).toBe(true);
        }
        expect(bySeverity(alerts.toReversed())).toEqual(sorted);
      }),
    );
  });

  it('count a name that only a newer version knows as critical', () => {
    expect(severityOf('of_a_newer_version')).toBe('CRITICAL');
    expect(severityOf('toString')).toBe('CRITICAL');
  });
});
