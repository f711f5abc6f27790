import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupsOf, isTrade } from '../../../pipelines/explain/step-lines.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { stepsOf } from './an-explanation.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';

const FATES = fc.array(fc.constantFrom('filled' as const, 'cooldown' as const, 'open' as const), { maxLength: 30 });

describe('what followed, in groups', () => {
  it('EXP-7: every step once, in order', () => {
    fc.assert(
      fc.property(FATES, (fates) => {
        const steps = stepsOf(fates);
        expect(groupsOf(steps).flatMap((group) => group.flatMap((episode) => episode.steps))).toEqual(steps);
      }),
    );
  });

  it('EXP-9: neighbours that went alike are one group, but a fill always stands by itself', () => {
    const hit = countedBranches({ 'a fill': 10, 'neighbours that differ': 10 });
    fc.assert(
      fc.property(FATES, (fates) => {
        const groups = groupsOf(stepsOf(fates));
        for (const [index, group] of groups.entries()) {
          const filled = group[0].steps.some(isTrade);
          const next = groups[index + 1];
          expect(new Set(group.map(({ kind }) => kind)).size).toBe(1);
          if (filled) {
            hit('a fill');
            expect(group).toHaveLength(1);
          } else if (next !== undefined) {
            hit('neighbours that differ');
            expect(next[0].kind).not.toBe(group[0].kind);
          }
        }
      }),
    );
  });

  it('EXP-8: an intent comes first, though its report is dated before it', () => {
    const [intent, report] = stepsOf(['cooldown'], false);
    if (!intent || !report) throw new TypeError('no steps');
    const [group] = groupsOf([{ ...report, at: intent.at - 1 }, intent]);
    expect(group?.[0].steps.map(({ topic }) => topic)).toEqual([
      TOPICS.harvestIntent.name,
      TOPICS.executionReport.name,
    ]);
  });

  it('what others closed stands by itself', () => {
    const [, , trade] = stepsOf(['filled'], false);
    if (!trade) throw new TypeError('no trade');
    const theirs = { ...trade, intent_id: null, kind: 'slice LIQUIDATION' };
    expect(groupsOf([theirs, { ...theirs, offset: 1 }]).map((group) => group.length)).toEqual([1, 1]);
  });
});
