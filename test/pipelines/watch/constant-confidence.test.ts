import { describe, expect, it } from 'vitest';
import { DAY, type Step, evidence, observations, names, snapshot, recorded } from './stall-steps.ts';

describe('confidence_constant', () => {
  const confident = (count: number, symbols: number, value: (i: number) => number, traits: object = {}): Step[] =>
    Array.from({ length: count }, (_, i) => {
      const symbol = `S${i % symbols}`;
      const name = `${symbol} ${JSON.stringify(traits)}`;
      return snapshot(name, Math.floor(i / symbols), 0, { symbol, confidence: value(i), ...traits });
    });
  const varied = (i: number): number => 0.5 + i / 100;

  it.each([
    { what: '20 of 3 symbols', steps: confident(20, 3, () => 0.7), raised: ['confidence_constant'] },
    { what: '19 of 3 symbols', steps: confident(19, 3, () => 0.7), raised: [] },
    { what: '20 of 2 symbols', steps: confident(20, 2, () => 0.7), raised: [] },
    { what: 'one that differs', steps: confident(30, 3, (i) => (i === 7 ? 0.71 : 0.7)), raised: [] },
    {
      what: 'one that differed an hour before',
      steps: [snapshot('S0 {}', -60, 0, { confidence: 0.1 }), ...confident(60, 3, () => 0.7)],
      raised: ['confidence_constant'],
    },
    {
      what: 'WAT-2: that one read late',
      steps: [...confident(60, 3, () => 0.7), snapshot('S0 {}', -60, 0, { confidence: 0.1 })],
      raised: ['confidence_constant'],
    },
    {
      what: '20 of 3 symbols that are observed once in fifty minutes',
      steps: Array.from({ length: 21 }, (_, i) =>
        snapshot(`S${i % 3}`, 50 * Math.floor(i / 3), 0, { symbol: `S${i % 3}`, confidence: 0.7 }),
      ),
      raised: ['confidence_constant'],
    },
    { what: 'repeats', steps: [...confident(15, 3, () => 0.7), ...confident(15, 3, () => 0.7)], raised: [] },
    {
      what: 'too few of them within an hour, and one that differed before',
      steps: [
        ...[0, 1, 2].map((i) => snapshot(`S${i} {}`, -100, 0, { symbol: `S${i}`, confidence: 0.1 })),
        ...confident(15, 3, () => 0.7),
      ],
      raised: [],
    },
    { what: 'none known', steps: observations('A', [0, 200], 0), raised: [] },
    {
      what: 'WAT-3: beside a model that varies',
      steps: [...confident(21, 3, () => 0.7, { model_id: 'stuck' }), ...confident(21, 3, varied, { model_id: 'fine' })],
      raised: ['confidence_constant'],
    },
    {
      what: 'WAT-3: beside another desk of the same model that varies',
      steps: [...confident(21, 3, () => 0.7, { account: 'one' }), ...confident(21, 3, varied, { account: 'other' })],
      raised: ['confidence_constant'],
    },
    {
      what: 'WAT-3: on accounts with one symbol each',
      steps: [1, 2, 3].flatMap((i) => confident(10, 1, () => 0.7, { account: `sub-${i}`, symbol: `S${i}` })),
      raised: ['confidence_constant'],
    },
    {
      what: 'WAT-10: after one snapshot that is 400 days ahead',
      steps: [...confident(21, 3, () => 0.7), snapshot('S9', 400 * DAY, 0, { confidence: 0.1 })],
      raised: ['confidence_constant'],
    },
  ])('$what: $raised', ({ steps, raised }) => {
    expect(names(recorded(steps))).toEqual(raised);
  });

  it('names the model, the value, and how many confidences on how many symbols', () => {
    const watch = recorded(confident(21, 3, () => 0.7, { model_id: 'stuck' }));
    expect(evidence(watch, 'confidence_constant')).toMatch(/ 21 .*stuck.* 3 symbols.* 0\.7/);
  });

  it('WAT-4: forgets what fell out of the window, not what is in it', () => {
    const watch = recorded(confident(60, 3, () => 0.7));
    watch.forget();
    expect(names(watch)).toEqual(['confidence_constant']);
    const seldom = Array.from({ length: 21 }, (_, i) =>
      snapshot(`S${i % 3}`, 50 * Math.floor(i / 3), 0, { symbol: `S${i % 3}`, confidence: 0.7 }),
    );
    const forgetful = recorded([]);
    for (const step of seldom) {
      recorded([step], forgetful);
      forgetful.forget();
    }
    expect(names(forgetful)).toEqual(['confidence_constant']);
  });
});
