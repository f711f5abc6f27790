import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../../pipelines/explain/explanation.ts';
import { explanationLines } from '../../../pipelines/explain/explanation-lines.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { anExplanation, stepsOf } from './an-explanation.ts';

/** As on a terminal that shows no colours. */
function linesOf(...[explanation, columns]: Parameters<typeof explanationLines>): readonly string[] {
  return explanationLines(explanation, columns).map(stripVTControlCharacters);
}

/** 97 decisions that flap, 73 intents: a fill, then five that wait for the cooldown. */
const LONG = anExplanation(
  Array.from({ length: 97 }, (_, index) => index % 7 !== 3),
  stepsOf(Array.from({ length: 73 }, (_, index) => (index % 6 === 0 ? 'filled' : 'cooldown'))),
);

function text(explanation: Explanation, columns: number | undefined): string {
  return linesOf(explanation, columns).join('\n');
}

it('names the order of an intent; of a position it would be many', () => {
  const one = { ...LONG, intent_id: 'intent-0', steps: stepsOf(['filled']) };
  expect(text(one, 100).replaceAll('\u00A0', ' ')).toContain('order hl-0');
  expect(text({ ...one, intent_id: null }, 100)).not.toContain('hl-0');
});

describe('the whole explanation', () => {
  it('EXP-2: no line is wider than the terminal, and no word is broken, at any width and for any story', () => {
    const fates = fc.array(fc.constantFrom('filled' as const, 'cooldown' as const, 'open' as const), { maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
        fates,
        fc.integer({ min: 60, max: 200 }),
        (takes, intents, columns) => {
          const explanation = anExplanation(takes, stepsOf(intents));
          const lines = linesOf(explanation, columns);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
          const words = (whole: string): string => whole.split(/\s+/).join(' ');
          const [, wide = ''] = linesOf(explanation, 2000);
          expect(words(lines.join('\n'))).toContain(words(wide));
        },
      ),
    );
  });

  it.each([0, undefined])('a terminal that reports %s columns has 80', (columns) => {
    expect(linesOf(LONG, columns)).toEqual(linesOf(LONG, 80));
  });

  it('EXP-3: every decision and every intent is in it', () => {
    const whole = text(LONG, 80);
    expect(whole).toContain('97 snapshots in 29 runs');
    expect(whole.match(/^ {2}hold \d+ = /gm)).toHaveLength(29);
    const intents = [...whole.matchAll(/\(intents? 3:(\d+)(?:–(\d+))?/g)].map(([, from, to]) =>
      to === undefined ? 1 : Number(to) - Number(from) + 1,
    );
    expect(intents.reduce((sum, n) => sum + n, 0)).toBe(73);
  });

  it('the decision that is explained stands before all the others', () => {
    const lines = linesOf(LONG, 80);
    const decision = lines.findIndex((line) => line.includes(' at 2026-01-02 '));
    const runs = lines.findIndex((line) => line.startsWith('decisions on'));
    expect(decision).toBeGreaterThan(0);
    expect(runs).toBeGreaterThan(decision);
  });
});

describe('what it says', () => {
  it('dates once, and where they change', () => {
    const lines = linesOf(LONG, 160);
    expect(lines.filter((line) => line === '2026-01-02').length).toBeLessThanOrEqual(2);
    const all = text(
      anExplanation(
        Array.from({ length: 70 }, (_, index) => index > 62),
        [],
      ),
      160,
    );
    expect(all).toContain('decisions on 2026-01-01 UTC');
    expect(all).toContain('23:00:00–2026-01-02 00:02:00  63 × HOLD');
    expect(all).toMatch(/^2026-01-02\n00:03:00–00:09:00 {2}7 × PARTIAL_CLOSE/m);
  });

  it('intents that went alike in one line, with the time between and the places', () => {
    const story = anExplanation([true], stepsOf(['filled', 'cooldown', 'cooldown', 'cooldown', 'open', 'filled']));
    const whole = text(story, 160);
    expect(whole).toContain(
      '23:01:00–23:03:00  +1.0 min 3 × PARTIAL_CLOSE, SUPPRESSED COOLDOWN +151 ms to 153 ms (intents 3:1–3, reports 3:2–6)',
    );
    expect(whole).toContain('23:04:00  +1.0 min PARTIAL_CLOSE 0.25 (intent 3:4)');
    expect(whole).toContain(
      '(intent 3:5) +10 ms SUBMITTED (report 3:10) +190 ms slice 2 at 2.77603, 1.86 % (trade 3:5)',
    );
    expect(whole).toContain(
      '+4 ms after the last slice, the latest outcome: WIN LONG 1.2 % in 3 slices (outcome 3:11)',
    );
  });

  it('a step that is dated before what caused it says so; no time is negative', () => {
    const [intent, submitted, trade, filled] = stepsOf(['filled'], false);
    if (!intent || !submitted || !trade || !filled) throw new TypeError('no steps');
    const outcome = { ...trade, topic: TOPICS.clmOutcome.name, intent_id: null, at: trade.at - 5000, figures: 'WIN' };
    const early = { ...submitted, at: intent.at - 350 };
    const whole = text(anExplanation([true], [outcome, early, intent, trade, filled]), 200);
    expect(whole).toContain('(intent 3:0) (dated 350 ms earlier) SUBMITTED (report 3:0)');
    expect(whole).toContain('(dated 5.0 s earlier) than the last slice, the latest outcome: WIN');
    expect(whole).not.toMatch(/\+-|-\d+ ms/);
  });

  it('a decision to act without an intent, unknown inputs, and a scorer that changed', () => {
    const story = anExplanation([true, true, false], []);
    const [first, second, third] = story.runs;
    if (!first || !second) throw new TypeError('no runs');
    const runs = [
      { ...first, intents: false, unknown: ['regime'], policy: 'legacy' },
      { ...second, calibration_version: 'cal-1' },
      ...(third === undefined ? [] : [third]),
    ];
    const whole = text({ ...story, runs }, 200);
    expect(whole).toMatch(/PARTIAL_CLOSE .*, no intent, policy legacy, raw confidence, unknown regime/);
    expect(whole).toMatch(/HOLD .*, policy 2026-02-07, calibration cal-1/);
    expect(whole).not.toContain('all by');
    const assumed = story.runs.map((run) => ({ ...run, intents: false, assumed: true }));
    const guessed = text({ ...story, runs: assumed }, 200);
    expect(guessed).toMatch(/2 × would PARTIAL_CLOSE [^,]*, [^,]*, 3:0–1, assumed/);
    expect(guessed).toMatch(/HOLD [^,]*, [^,]*, 3:2, assumed/);
    expect(guessed).toContain('assumed: no record tells for certain which policy decided');
    expect(guessed).toContain('all by policy 2026-02-07, raw confidence');
  });

  it('what was left out', () => {
    const [{ topic, partition, offset } = { topic: '', partition: 0, offset: 0 }] = LONG.decisions;
    const unscorable = [{ topic, partition, offset, why: 'mark_price: gives R Infinity' }];
    const whole = text({ ...LONG, unscorable, undecodable: { [topic]: 2 } }, 200);
    expect(whole).toContain(
      '1 snapshot could not be scored, the first at position.snapshot 3:0: mark_price: gives R Infinity',
    );
    expect(whole).toContain('2 of position.snapshot did not decode, and may have been of this position');
  });

  it('says where no single input would have changed the decision, and where that is not known', () => {
    const { decision } = LONG;
    if (decision === null) throw new TypeError('no decision');
    expect(text({ ...LONG, decision: { ...decision, changes: [] } }, 200)).toContain(
      'no change of one input would have changed it',
    );
    const unknown = { ...decision, changes: null };
    expect(text({ ...LONG, decision: { ...unknown, policy_available: false } }, 200)).toContain('--policy FILE');
    expect(text({ ...LONG, decision: unknown }, 200)).toContain('its policy or its map decides otherwise here');
  });

  it('factors in shorter words where they would not fit', () => {
    const story = anExplanation([true], []);
    const [run] = story.runs;
    if (!run) throw new TypeError('no run');
    const factor = { side: 'HOLD', points: 2, value: null, threshold: null } as const;
    const names = [
      'regime_intact',
      'volatility_expanding',
      'momentum_strong',
      'confidence_intact',
      'fresh',
      'near_peak',
    ];
    const factors = names.map((name) => ({ ...factor, name }));
    const of = (columns: number): string => text({ ...story, runs: [{ ...run, factors }] }, columns);
    expect(of(80)).toContain('regime 2 + vol 2 + mom 2 + conf 2 + fresh 2 + peak 2');
    expect(of(200)).toContain('regime 2 + volatility 2 + momentum 2 + confidence 2 + fresh 2 + peak 2');
  });

  it('foreign text commands no terminal', () => {
    const story = anExplanation([true], stepsOf(['filled']));
    const runs = story.runs.map((run) => ({ ...run, reason: 'x\u001B[2Jy' }));
    const whole = text({ ...story, position_id: 'a\nb', runs }, 80);
    expect(whole).not.toContain('\u001B[2J');
    expect(whole).not.toContain('a\nb');
  });
});
