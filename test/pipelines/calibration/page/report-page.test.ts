import { describe, expect, it } from 'vitest';
import { reportPage } from '../../../../pipelines/calibration/page/report-page.ts';
import type { CalibrationReport } from '../../../../pipelines/calibration/report.ts';
import { pageText, unbalancedTags } from '../../../render/page-text.ts';
import { BROKEN_REPORT, SAMPLE_REPORT } from '../sample-report.ts';

const PAGE = reportPage(SAMPLE_REPORT);

/** A first proposal from few outcomes: no flips, no exclusions, no risks, no curves. */
const SPARSE: CalibrationReport = {
  ...SAMPLE_REPORT,
  method: 'identity',
  parameters: [],
  flips: null,
  excluded: [],
  risks: [],
  slices: [],
  map: { x: [0, 1], y: [0, 1] },
  observed: { low: 0, high: 1 },
  largest_change: { at: 0.5, from: 0.5, to: 0.5 },
};

describe('the page as a document', () => {
  it.each([
    ['the sample', SAMPLE_REPORT],
    ['a broken bound', BROKEN_REPORT],
    ['next to nothing', SPARSE],
    ['no reliability curve', withoutCurves(SAMPLE_REPORT)],
  ])('is well-formed: %s', (_name, report) => {
    const page = reportPage(report);
    expect(unbalancedTags(page)).toEqual([]);
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  it('needs no network and runs no script', () => {
    expect(PAGE).not.toMatch(/https?:\/\/|\/\/[a-z]|<script|<link|<img|@import|\son\w+=|javascript:/i);
    expect([...PAGE.matchAll(/url\(([^)]*)\)/g)].map(([, to]) => to)).toEqual(['#unseen']);
    expect(PAGE).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  it('gives each id once, and each chart a title and a description', () => {
    const ids = [...PAGE.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const charts = [...PAGE.matchAll(/role="img" aria-labelledby="(\S+) (\S+)"/g)];
    expect(charts).toHaveLength(5);
    for (const [, title, description] of charts) expect(ids).toEqual(expect.arrayContaining([title, description]));
  });

  it('offers no approval where no override passes', () => {
    const bound = {
      name: 'factors_possible',
      rule: 'every factor can occur',
      limit: 0,
      value: 1,
      holds: false,
    } as const;
    const page = reportPage({ ...SAMPLE_REPORT, bounds: [...SAMPLE_REPORT.bounds, bound] });
    expect(PAGE).toContain('harvestline calibrate approve');
    expect(page).not.toContain('harvestline calibrate approve');
    expect(page).toContain('harvestline calibrate reject');
  });

  it('escapes what others wrote, wherever it stands', () => {
    const foreign = `<b>&"'\u0007`;
    const [slice, ...slices] = SAMPLE_REPORT.slices;
    const [flip, ...flips] = SAMPLE_REPORT.flips?.examples ?? [];
    if (slice === undefined || flip === undefined || SAMPLE_REPORT.flips === null) throw new Error('an empty sample');
    const page = reportPage({
      ...SAMPLE_REPORT,
      model_id: foreign,
      parent: foreign,
      risks: [foreign],
      do_not_apply_if: [foreign],
      excluded: [{ reason: foreign, n: 1 }],
      slices: [{ ...slice, name: foreign }, ...slices],
      flips: { ...SAMPLE_REPORT.flips, examples: [{ ...flip, symbol: foreign }, ...flips] },
    });
    expect(page).not.toContain('<b>');
    expect(page).not.toContain('\u0007');
    expect(page.match(/&lt;b&gt;&amp;&quot;&#39;\uFFFD/g)?.length).toBeGreaterThan(8);
    expect(unbalancedTags(page)).toEqual([]);
  });
});

describe('what the page says', () => {
  const text = pageText(PAGE);

  it('begins with the verdict, and says what to type next', () => {
    expect(text).toMatch(
      /^Calibration proposal A confidence map for ensemble-7 .{0,140} The map does better on later data/,
    );
    expect(text).toContain('harvestline calibrate approve cal-3f9c1d0ab27e4456 --by NAME --reason TEXT ');
    expect(text).toContain('harvestline calibrate reject cal-3f9c1d0ab27e4456 --by NAME --reason TEXT ');
    expect(text).toContain('harvestline calibrate verify cal-3f9c1d0ab27e4456 ');
    expect(text).not.toContain('--override');
  });

  it('states every bound with its value and its limit', () => {
    for (const { rule, value, limit } of SAMPLE_REPORT.bounds)
      expect(text).toContain(`${rule} ${String(value).replace('-', '−')} ${limit} ✓ holds`);
  });

  it('asks for an override where a bound is broken', () => {
    const broken = pageText(reportPage(BROKEN_REPORT));
    expect(broken).toContain(
      'The map does better on later data, but it breaks 1 safety bound: approval needs an override.',
    );
    expect(broken).toMatch(/no change above 0\.15 where outcomes are thin 0\.\d+ 0\.15 ✗ broken/);
    expect(broken).toContain('harvestline calibrate approve cal-3f9c1d0ab27e4456 --by NAME --reason TEXT --override');
  });

  it('does not call chance an improvement, nor the identity a map', () => {
    expect(pageText(reportPage(SPARSE))).toContain('Nothing is to be gained: no map did better than raw confidence');
    expect(pageText(reportPage(withBrierChange(-0.02, 0.001)))).toContain('is not clear, and every safety bound holds');
    expect(pageText(reportPage(withBrierChange(0.001, 0.02)))).toContain('The map does worse on later data');
  });

  it('has the formula with its parameters, and tells observed from extrapolated', () => {
    const [a, b] = SAMPLE_REPORT.parameters;
    expect(text).toContain('1 / (1 + exp(a · x + b))');
    expect(text).toContain(`a = ${figure(a?.value)}, b = ${figure(b?.value)}`);
    expect(text).toMatch(/0\.5 0\.\d{3} −0\.\d{4} no: extrapolated 0\.6 0\.\d{3} −0\.\d{4} yes/);
  });

  it('has every score, explained, in both samples', () => {
    for (const { scores } of [SAMPLE_REPORT.in_sample, SAMPLE_REPORT.out_of_fold])
      for (const { before, after, change_interval: change } of scores)
        expect(text).toMatch(
          new RegExp(
            `${figure(before)} .{16} ${figure(after)} .{16} \\S+ ${signed(change.low)} to ${signed(change.high)}`,
          ),
        );
    for (const name of ['Brier', 'log loss', 'ECE', 'MCB', 'DSC', 'UNC']) expect(text).toContain(`${name} `);
    expect(text).toContain('15 equal-width bins');
  });

  it('says in plain words how far the methods are apart, what AUC counts, and which coefficient is at its bound', () => {
    expect(text).toContain('Beta did better than sigmoid by 0.0002 Brier out of fold');
    expect(text).toContain('they are not told apart');
    expect(text).toContain('the win had the higher confidence 64 times in 100; 50 is a coin toss');
    const beta = [
      { name: 'a', value: 0 },
      { name: 'b', value: 1.2 },
      { name: 'c', value: 0.1 },
    ];
    expect(pageText(reportPage({ ...SAMPLE_REPORT, method: 'beta', parameters: beta }))).toContain(
      'Coefficient a is at its bound, 0',
    );
    expect(text).not.toContain('at its bound');
  });

  it('tells on a telephone which tables scroll, and only there', () => {
    const wide = PAGE.match(/<p class="caption"[^>]*>[^<]*<span class="sideways">[^<]*<\/span>/g) ?? [];
    expect(wide.some((caption) => caption.includes('Before is raw confidence'))).toBe(true);
    expect(PAGE).toContain('.sideways { display: none; }');
    expect(PAGE).toMatch(/@media \(max-width: 34rem\)[^@]*\.sideways \{ display: inline/);
    expect(wide.some((caption) => caption.includes('The map at every tenth'))).toBe(false);
  });

  it('gathers symbols beyond the largest twenty', () => {
    const symbols = Array.from({ length: 23 }, (_, index) => ({
      by: 'symbol' as const,
      name: `S${index}`,
      n: 100 - index,
      wins: 50,
      confidence: 0.5,
    }));
    const page = pageText(reportPage({ ...SAMPLE_REPORT, slices: symbols }));
    expect(page).toContain(' S19 81 50 ');
    expect(page).not.toContain(' S20 ');
    expect(page).toContain(' 3 others 237 150 63.3\u00A0% ');
  });

  it('shows what would have been decided otherwise, and says so where there was nothing to replay', () => {
    expect(text).toContain('57 of 18,240 snapshots (0.3\u00A0%) would have been decided otherwise');
    expect(PAGE).toContain(
      'PARTIAL_CLOSE to HOLD: 21; PARTIAL_CLOSE to PARTIAL_CLOSE: 4,630; PARTIAL_CLOSE to CLOSE: 4',
    );
    expect(pageText(reportPage(SPARSE))).toContain('no position snapshot of this model');
  });

  it('says what the other label rules would have given, how the outcomes depend on each other, and which factors change', () => {
    expect(text).toContain('pnl (fitted) 1,296 58.0\u00A0% 62.7\u00A0% 7.4\u00A0%');
    expect(text).toContain('r:0.5 0 – – –');
    const { blocks, effective } = SAMPLE_REPORT.dependence;
    expect(text).toContain(`${blocks} blocks of 24 h are worth ${Math.round(effective)} independent ones`);
    expect(text).toContain('confidence_degraded 1,304 1,113');
  });

  it('names the evidence', () => {
    expect(text).toContain(SAMPLE_REPORT.evidence.dataset_hash);
    expect(text).toContain(`${SAMPLE_REPORT.evidence.rows.toLocaleString('en-US')} final outcomes of ensemble-7`);
    for (const { partition, from, to } of SAMPLE_REPORT.evidence.ranges)
      expect(text).toMatch(new RegExp(` ${partition} ${from} ${to}( |$)`));
  });
});

function withBrierChange(low: number, high: number): CalibrationReport {
  const { out_of_fold: later } = SAMPLE_REPORT;
  const scores = later.scores.map((one) => (one.name === 'brier' ? { ...one, change_interval: { low, high } } : one));
  return { ...SAMPLE_REPORT, out_of_fold: { ...later, scores } };
}

function withoutCurves(report: CalibrationReport): CalibrationReport {
  const nothing = { x: [], y: [], band: { x: [], low: [], high: [] }, histogram: [] };
  return { ...report, out_of_fold: { ...report.out_of_fold, reliability: { before: nothing, after: nothing } } };
}

/** As the page writes it: four decimals and a true minus. */
function figure(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(4).replace('-', '−');
}

function signed(value: number): string {
  return value > 0 ? `\\+${figure(value)}` : figure(value);
}
