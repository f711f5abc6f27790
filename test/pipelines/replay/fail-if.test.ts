import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { failedConditions, failedText, parseFailIf } from '../../../pipelines/replay/fail-if.ts';
import { sumPartitions } from '../../../pipelines/replay/comparison.ts';
import { thrownBy } from '../../fixtures/thrown-by.ts';

const EMPTY = sumPartitions([], { random: new SeededRandom(1), listed: 0 }).figures;

const SOME = {
  ...EMPTY,
  snapshots: 200,
  flips: 10,
  close_flips: 4,
  hold_flips: 0,
  longest_hold: {
    current: null,
    candidate: { position_id: 'p' as never, symbol: 'BTCUSDT', from: 0, to: 1, hours: 40, peak_r: 5 },
  },
  results: { ...EMPTY.results, change: -0.25 },
};

describe('parseFailIf', () => {
  it.each([
    ['flips>5%', { figure: 'flips', operator: '>', limit: 5, percent: true }],
    [' close_flips >= 12 ', { figure: 'close_flips', operator: '>=', limit: 12, percent: false }],
    ['hold_flips<=.5 %', { figure: 'hold_flips', operator: '<=', limit: 0.5, percent: true }],
    ['longest_hold_hours>24', { figure: 'longest_hold_hours', operator: '>', limit: 24, percent: false }],
    ['mean_r_change<-0.05', { figure: 'mean_r_change', operator: '<', limit: -0.05, percent: false }],
  ])('takes %s', (text, parsed) => {
    expect(parseFailIf(text)).toMatchObject({ ...parsed, text: text.trim() });
  });

  it.each([
    ['flips', 'is no condition'],
    ['flips=5', 'is no condition'],
    ['flips>', 'is no condition'],
    ['flips>5%%', 'is no condition'],
    ['flips>five', 'is no condition'],
    ['flops>5', 'is no condition'],
    ['toString>5', 'is no condition'],
    ['constructor>5', 'is no condition'],
    ['longest_hold_hours>5%', 'longest_hold_hours has no %'],
    ['mean_r_change<0%', 'mean_r_change has no %'],
    ['', 'is no condition'],
  ])('refuses %s, and names what is allowed', (text, why) => {
    const error = thrownBy(() => parseFailIf(text));
    expect(error).toMatchObject({ code: 'USAGE' });
    expect(error.message).toContain(why);
    for (const name of ['flips', 'close_flips', 'hold_flips', 'longest_hold_hours', 'mean_r_change', '> >= < <='])
      expect(error.message).toContain(name);
  });
});

describe('failedConditions', () => {
  it.each([
    ['flips>5%', null],
    ['flips>=5%', 5],
    ['flips>9', 10],
    ['close_flips>=2%', 2],
    ['hold_flips>0', null],
    ['hold_flips<=0', 0],
    ['longest_hold_hours>=40', 40],
    ['longest_hold_hours>40', null],
    ['mean_r_change<0', -0.25],
    ['mean_r_change<-0.25', null],
  ])('%s finds %s', (text, value) => {
    const failed = failedConditions([parseFailIf(text)], SOME);
    expect(failed).toEqual(value === null ? [] : [{ condition: text, value }]);
  });

  it('what cannot be judged is never fine', () => {
    expect(failedConditions([parseFailIf('flips>5%')], EMPTY)).toEqual([{ condition: 'flips>5%', value: null }]);
  });

  it('are said with the unit of their limit, in as many digits as matter', () => {
    expect(failedText({ condition: 'flips>5%', value: 68.054_771 })).toBe('fails: flips>5%, found 68.05 %');
    expect(failedText({ condition: 'flips>9', value: 10 })).toBe('fails: flips>9, found 10');
    expect(failedText({ condition: 'flips>5%', value: null })).toBe('fails: flips>5%, found nothing to judge by');
  });
});
