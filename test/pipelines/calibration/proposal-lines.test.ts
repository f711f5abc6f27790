import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { proposalLines } from '../../../pipelines/calibration/proposal-lines.ts';
import type { CalibrationReport } from '../../../pipelines/calibration/report.ts';
import { BROKEN_REPORT, SAMPLE_REPORT } from './sample-report.ts';

const KEPT = { dryRun: false, folder: 'data/calibrations' };

function summaryOf(report: CalibrationReport, { dryRun = false, width = 80 } = {}): readonly string[] {
  const proposal = { kind: 'proposed', model: report.model_id, report, rows: [] } as const;
  return proposalLines([proposal], { ...KEPT, dryRun }, width).map((line) => stripVTControlCharacters(line));
}

/** The text beside a label, on one line. */
function beside(label: string, lines: readonly string[]): string {
  const start = lines.findIndex((line) => line.startsWith(`${label} `));
  const next = lines.findIndex((line, index) => index > start && !line.startsWith('  '));
  return lines
    .slice(start, next === -1 ? undefined : next)
    .map((line) => line.slice(10))
    .join(' ');
}

describe('the summary of a proposal', () => {
  const lines = summaryOf(SAMPLE_REPORT);

  it.each([80, 100, 130])('is one screen of %i columns, but for the path and the commands to copy', (width) => {
    for (const report of [SAMPLE_REPORT, BROKEN_REPORT]) {
      const shown = summaryOf(report, { width });
      expect(shown.length).toBeLessThanOrEqual(26);
      const copied = shown.filter((line) => line.includes('harvestline calibrate') || line.includes('report.html'));
      for (const line of shown) if (!copied.includes(line)) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('begins with the verdict and ends with the page and what to type next', () => {
    expect(lines[0]).toBe('The map does better on later data, and every safety bound holds.');
    expect(lines.slice(-3)).toEqual([
      'page      data/calibrations/cal-3f9c1d0ab27e4456/report.html',
      'next      harvestline calibrate approve cal-3f9c1d0ab27e4456 --by NAME --reason TEXT',
      '          harvestline calibrate reject cal-3f9c1d0ab27e4456 --by NAME --reason TEXT',
    ]);
  });

  it('names what it was measured against, and which method won by how much', () => {
    expect(beside('against', lines)).toBe('raw confidence, since no version is in force');
    expect(beside('against', summaryOf({ ...SAMPLE_REPORT, parent: 'cal-1' }))).toBe('cal-1');
    for (const method of ['constant 0.2328', 'identity 0.2462', 'sigmoid 0.2214 (chosen)'])
      expect(beside('methods', lines)).toContain(method);
    expect(beside('winner', lines)).toMatch(/^beta did better than sigmoid by 0\.0002 .* not told apart$/);
    expect(beside('winner', summaryOf({ ...SAMPLE_REPORT, winner: null }))).toContain('no other method');
  });

  it('says AUC in plain words, and which coefficient is at its bound', () => {
    expect(beside('AUC', lines)).toContain('the win had the higher confidence 64 times in 100');
    const parameters = [
      { name: 'a', value: 0 },
      { name: 'b', value: 1.2 },
      { name: 'c', value: 0.1 },
    ];
    const beta = summaryOf({ ...SAMPLE_REPORT, method: 'beta', parameters });
    expect(beside('winner', beta)).toContain('coefficient a is at its bound, 0');
  });

  it('counts outcomes, those left out, and the shares by the fitted label', () => {
    expect(beside('outcomes', lines)).toContain('1,200 usable of 1,343 final: 752 won, 448 lost');
    expect(beside('outcomes', lines)).toContain('NEUTRAL 96, MANUAL_CLOSE 29, NO_CONFIDENCE 18');
    expect(beside('label', lines)).toBe('pnl: P(WIN) 58.0\u00A0%, P(WIN | decided) 62.7\u00A0%, NEUTRAL 7.4\u00A0%');
  });

  it('names each broken bound, and asks for the override', () => {
    expect(beside('bounds', lines)).toBe(`all ${SAMPLE_REPORT.bounds.length} hold`);
    const broken = summaryOf(BROKEN_REPORT);
    expect(beside('bounds', broken)).toMatch(/ hold; broken: largest_change 0\.2515 \(no change above 0\.15 /);
    expect(broken.at(-2)).toMatch(/ --override$/);
  });

  it('names the log in the commands to type next, where it has to be named', () => {
    const proposal = { kind: 'proposed', model: SAMPLE_REPORT.model_id, report: SAMPLE_REPORT, rows: [] } as const;
    const named = proposalLines([proposal], { ...KEPT, dryRun: false, logWords: ' --data .other' }, 120);
    expect(named.slice(-2).every((line) => line.endsWith(' --data .other'))).toBe(true);
  });

  it('offers no approval where no override passes', () => {
    const bound = {
      name: 'factors_possible',
      rule: 'every factor can occur',
      limit: 0,
      value: 1,
      holds: false,
    } as const;
    const refused = summaryOf({ ...SAMPLE_REPORT, bounds: [...SAMPLE_REPORT.bounds, bound] });
    expect(refused.slice(0, 2).join(' ')).toContain('it cannot be approved');
    expect(refused.at(-1)).toMatch(/^next {6}harvestline calibrate reject /);
    expect(refused.join('\n')).not.toContain('harvestline calibrate approve');
  });

  it('shows flips by direction, and factors before and after', () => {
    expect(beside('decisions', lines)).toBe(
      '57 of 18,240 snapshots differ under 2026-02-07: HOLD → PARTIAL_CLOSE 9, PARTIAL_CLOSE → HOLD 21, ' +
        'PARTIAL_CLOSE → CLOSE 4, CLOSE → HOLD 5, CLOSE → PARTIAL_CLOSE 18',
    );
    expect(beside('factors', lines)).toBe('confidence_intact 20,311 → 20,502, confidence_degraded 1,304 → 1,113');
    expect(beside('decisions', summaryOf({ ...SAMPLE_REPORT, flips: null }))).toContain('no snapshot');
  });

  it('offers no page and no version after a dry run', () => {
    const dry = summaryOf(SAMPLE_REPORT, { dryRun: true });
    expect(dry.join('\n')).not.toContain('report.html');
    expect(dry.join('\n')).not.toContain('harvestline calibrate approve');
    expect(beside('next', dry)).toContain('without --dry-run');
  });

  it('lets foreign texts neither break a line nor command the terminal', () => {
    const evil = summaryOf({ ...SAMPLE_REPORT, model_id: 'evil\u001B[2J\n\u0007' });
    expect(evil.some((line) => /\p{Cc}/u.test(line))).toBe(false);
    expect(evil.join('')).toContain('evil\uFFFD[2J\uFFFD\uFFFD');
  });
});

it('parts the summaries of several models by an empty line', () => {
  const proposal = { kind: 'proposed', model: 'm', report: SAMPLE_REPORT, rows: [] } as const;
  expect(proposalLines([proposal, proposal], KEPT, 80).filter((line) => line === '')).toHaveLength(1);
});

describe('a refused model', () => {
  it('is named with every unmet condition: what is there, what is needed, and why', () => {
    const unmet = [
      { model_id: 'm', condition: 'losses', have: 1, need: 10, why: 'few' },
      { model_id: 'm', condition: 'duplicate_trades', have: 2, need: 0, why: 'twice' },
    ] as const;
    const lines = proposalLines([{ kind: 'refused', model: 'm', unmet }], KEPT, 80);
    expect(lines.map((line) => stripVTControlCharacters(line))).toEqual([
      'refused m: 2 conditions are not met',
      'condition         have  need  why',
      'losses               1    10  few',
      'duplicate_trades     2  none  twice',
    ]);
  });

  it('begins with what every method found where no map is usable', () => {
    const { auc, candidates } = SAMPLE_REPORT;
    const unmet = [{ model_id: 'm', condition: 'usable_relation', have: 0.4, need: 0.5, why: 'falls' }] as const;
    const lines = proposalLines([{ kind: 'refused', model: 'm', unmet, tried: { auc, candidates } }], KEPT, 80);
    expect(stripVTControlCharacters(lines[0] ?? '')).toMatch(/^No usable relation: .*Brier 0\.2328/);
    expect(lines.at(-1)).toContain('constant 0.2328');
  });
});
