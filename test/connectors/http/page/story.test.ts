import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, positionAt } from '../../../../connectors/http/page/address.js';
import * as story from '../../../../connectors/http/page/story.js';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import type { Explanation } from '../../../../pipelines/explain/explanation.ts';
import { FakePosition } from '../../../fixtures/fake-position.ts';
import { storyOf } from '../../../fixtures/fake-story.ts';

const NOW = 1_770_000_000_000;
const RANDOM = new SeededRandom(7);

function explanationOf(index: number): Explanation {
  // storyOf makes a whole explanation; the port knows no more of it than that it is an object.
  return storyOf(new FakePosition(index, RANDOM, NOW), RANDOM, NOW).explanation as Explanation;
}

function plain(text: string): string {
  return text.replaceAll('\u00A0', ' ');
}

describe('the latest decision in words', () => {
  it('shows every factor once, on its side, with its points and what it was compared with', () => {
    fc.assert(
      fc.property(fc.nat(300), (index) => {
        const { decision } = explanationOf(index);
        const factors = decision?.factors ?? [];
        const shown = [...story.onSide(factors, 'HOLD'), ...story.onSide(factors, 'EXIT')];
        expect(new Set(shown)).toEqual(new Set(factors));
        for (const factor of shown) expect(story.factorText(factor).figures === '').toBe(factor.value === null);
        const points = (side: string): number =>
          story.onSide(factors, side).reduce((sum, factor) => sum + factor.points, 0);
        expect([points('HOLD'), points('EXIT')]).toEqual([decision?.hold_score, decision?.exit_score]);
      }),
      { numRuns: 20 },
    );
  });

  it('says a factor of tomorrow by its name', () => {
    const factor = { name: 'funding_paid', side: 'EXIT', points: 1, value: 0.5, threshold: null };
    expect(story.factorText(factor)).toEqual({ says: 'Funding paid', figures: '0.5' });
  });

  it.each([
    ['exit_at_least_hold_plus', -1, -1, 'leaving may trail holding by 1 point at most (it trails by 1)'],
    ['exit_at_least_hold_plus', 3, 2, 'leaving must lead by at least 2 points (it leads by 3)'],
    ['exit_at_least_hold_plus', 0, 0, 'leaving must not trail holding (they are level)'],
    ['exit_above_hold_plus', 3, 1, 'leaving must lead by more than 1 point (it leads by 3)'],
    ['exit_above_hold_plus', 2, 0, 'leaving must lead (it leads by 2)'],
    ['exit_above_hold_plus', -1, -2, 'leaving must trail holding by less than 2 points (it trails by 1)'],
    ['gave_back_above', 0.41234, 0.4, 'gave back 41.23 %, more than 40 %'],
    ['r_above', 1.5, 1, 'R 1.5 is above 1'],
  ])('says what the rule asked by %s: %s to %s', (name, value, threshold, text) => {
    expect(plain(story.conditionText({ name, value, threshold }))).toBe(text);
  });

  it.each([
    ['volatility_contracting', 'volatility', -0.092, 0.10123456, '10.12 %', '−9.2 %'],
    ['off_peak', 'off_peak', 0.0123456, 0.0099, '0.99 %', '1.235 %'],
    ['confidence_degraded', 'confidence', 0.512345, 0.61, '0.61', '0.5123'],
    ['momentum_strong', 'momentum', 0.41, 0.04, 'R +0.04', 'R +0.41'],
  ])('writes %s in one unit as a factor and as an input', (factor, input, from, to, toText, fromText) => {
    const { decision } = explanationOf(0);
    if (decision === null) throw new Error('the story has a decision');
    const changes = [{ action: 'HOLD', reason: 'no_rule_applies', input, from, to }];
    const [other] = story.otherwise({ ...decision, confidence_mapped: false, changes });
    expect(plain(other?.ways[0] ?? '')).toContain(`were ${toText} (is ${fromText})`);
    const { figures } = story.factorText({ name: factor, side: 'EXIT', points: 1, value: from, threshold: to });
    expect(plain(figures)).toMatch(
      new RegExp(`^${fromText.replace('+', String.raw`\+`)}, .* ${toText.replace('+', String.raw`\+`)}$`),
    );
  });

  it('says what would have made it another, the ways to one decision together', () => {
    const decided = explanationOf(0).decision;
    if (decided === null) throw new Error('the story has a decision');
    const change = { action: 'CLOSE' as const, reason: 'thesis_broken' };
    const changes = [
      { ...change, input: 'confidence' as const, from: 0.62, to: 0.469 },
      { ...change, input: 'regime' as const, from: 'RANGE', to: 'another' },
      { action: 'HOLD' as const, reason: 'no_rule_applies', input: 'age_hours' as const, from: 66.7, to: 6 },
    ];
    expect(story.otherwise({ ...decided, confidence_mapped: true, changes })).toEqual([
      {
        decision: 'Close',
        reason: 'thesis_broken',
        ways: ['mapped confidence were 0.469 (is 0.62)', 'the regime were another (is RANGE)'],
      },
      {
        decision: 'Hold',
        reason: 'no_rule_applies',
        ways: [expect.stringMatching(/^the age were 6.0.h \(is 66.7.h\)$/)],
      },
    ]);
  });
});

describe('the timeline', () => {
  it('has every run and every intent, and stands in order, the newest first', () => {
    fc.assert(
      fc.property(fc.nat(300), (index) => {
        const explanation = explanationOf(index);
        const entries = story.timelineOf(explanation);
        expect(entries.filter(({ kind }) => kind === 'run')).toHaveLength(explanation.runs.length);
        const times = (detail: string): number => Number(/(\d+)\stimes alike/.exec(plain(detail))?.[1] ?? 1);
        const intents = entries.filter(({ kind }) => kind === 'step').reduce((sum, one) => sum + times(one.detail), 0);
        expect(intents).toBe(new Set(explanation.steps.map(({ intent_id: id }) => id)).size);
        expect(entries.every(({ until }, at) => until <= (entries[at - 1]?.until ?? Infinity))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps each fill in a line of its own, and marks intents, fills and slices on the time axis', () => {
    const { steps } = explanationOf(0);
    const marks = story.marksOf(steps);
    const fills = steps.filter(({ kind }) => kind === 'FILLED').length;
    expect(fills).toBeGreaterThan(0);
    expect(story.timelineOf({ runs: [], steps }).filter(({ traded }) => traded)).toHaveLength(fills);
    expect(marks.filter(({ kind }) => kind === 'fill')).toHaveLength(fills);
    expect(marks.filter(({ kind }) => kind === 'slice')).toHaveLength(fills);
    expect(new Set(marks.map(({ kind }) => kind))).toEqual(new Set(['intent', 'fill', 'slice']));
  });
});

describe('a line of the timeline', () => {
  it('is called by its record, and says nothing twice', () => {
    const outcome = { topic: 'alpha.clm.outcome', partition: 0, offset: 1, at: NOW, intent_id: null };
    const steps = [{ ...outcome, kind: 'WIN', figures: 'WIN LONG 1.2 % in 3 slices' }];
    expect(story.timelineOf({ runs: [], steps })).toMatchObject([
      { title: 'Outcome', detail: 'WIN LONG 1.2 % in 3 slices', traded: false },
    ]);
  });
});

describe('the address of an opened position', () => {
  it('names any id there can be, and nothing else is one (PAGE-4)', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (id) => {
        expect(positionAt(addressOf(id))).toBe(id);
      }),
    );
    expect(['', '#positions', '#/positions/', '#/positions/%E0%A4%A'].map(positionAt)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});
