import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reportPage } from '../../../pipelines/calibration/page/report-page.ts';
import { terminalReport } from '../../../pipelines/calibration/terminal-report.ts';
import type { CalibrationReport } from '../../../pipelines/calibration/report.ts';
import { pageText } from '../../render/page-text.ts';
import { BROKEN_REPORT, SAMPLE_REPORT } from './sample-report.ts';

const textOf = (report: CalibrationReport, width?: number) =>
  terminalReport(report, width).map((line) => stripVTControlCharacters(line));

describe('the report on a terminal', () => {
  it('says the verdict first and what to type last', () => {
    const lines = textOf(SAMPLE_REPORT);
    expect(lines[1]).toBe('The map does better on later data, and every safety bound holds.');
    expect(lines.at(-2)).toBe('next        harvestline calibrate approve cal-3f9c1d0ab27e4456 --by NAME --reason TEXT');
    expect(textOf(BROKEN_REPORT).at(-2)).toMatch(/ --override$/);
  });

  it.each([80, 100, 130])('fits %i columns, but for the commands to copy', (width) => {
    const lines = textOf(SAMPLE_REPORT, width).slice(1, -2);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
    expect(lines.length).toBeLessThanOrEqual(90);
  });

  it('leaves the table of the map out where there is no room beside the sketches', () => {
    expect(textOf(SAMPLE_REPORT, 70).some((line) => line.includes('raw → map'))).toBe(false);
    expect(textOf(SAMPLE_REPORT, 80).some((line) => line.includes('raw → map'))).toBe(true);
  });

  it('sketches the fit below the diagonal before, and on it after', () => {
    const line = { x: [0.025, 0.975], y: [0, 0.5] };
    const straight = { x: [0.025, 0.975], y: [0.025, 0.975] };
    const band = { x: [], low: [], high: [] };
    const histogram = [...Array.from({ length: 19 }, () => 1), 8];
    const reliability = { before: { ...line, band, histogram }, after: { ...straight, band, histogram } };
    const report = { ...SAMPLE_REPORT, out_of_fold: { ...SAMPLE_REPORT.out_of_fold, reliability } };
    const lines = textOf(report, 70);
    const start = lines.findIndex((text) => text.includes('before: win rate'));
    expect(lines.slice(start, start + 13)).toMatchInlineSnapshot(`
      [
        "    before: win rate          after (out of fold)",
        "1.0                   ··  1.0                   ●●",
        "                    ··                        ●●",
        "                  ··                        ●●",
        "                ··                        ●●",
        "              ··       ●                ●●",
        "0.5         ··      ●●●   0.5         ●●",
        "          ··    ●●●●                ●●",
        "        ··  ●●●●                  ●●",
        "      ··●●●●                    ●●",
        "0.0 ●●●●                  0.0 ●●",
        "    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█      ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█",
        "    0       0.5        1      0       0.5        1",
      ]
    `);
  });

  it('lets foreign texts neither break a line nor command the terminal', () => {
    const lines = terminalReport({ ...SAMPLE_REPORT, model_id: 'evil\u001B[2J\n\u0007' });
    expect(lines.some((line) => /\p{Cc}/u.test(stripVTControlCharacters(line)))).toBe(false);
    expect(lines.join('')).toContain('evil\uFFFD[2J\uFFFD\uFFFD');
  });

  it('does without flips, exclusions and risks', () => {
    const lines = textOf({ ...SAMPLE_REPORT, flips: null, excluded: [], risks: [] });
    expect(lines).toContain('left out    nothing');
    expect(lines).toContain('past        no snapshot of this model to replay');
  });
});

describe('page, terminal and JSON', () => {
  const json = JSON.parse(JSON.stringify(SAMPLE_REPORT)) as CalibrationReport;
  const texts = { page: pageText(reportPage(SAMPLE_REPORT)), terminal: textOf(SAMPLE_REPORT).join('\n') };

  it('has finite numbers only, or JSON would say null', () => {
    expect(json).toEqual(SAMPLE_REPORT);
  });

  it.each(Object.entries(texts))('agree: %s', (_name, text) => {
    const four = (value: number) => value.toFixed(4).replace('-', '−');
    for (const { before, after, change } of json.out_of_fold.scores) {
      expect(text).toContain(four(before));
      expect(text).toContain(four(after));
      expect(text).toContain(four(change));
    }
    for (const { before, after } of json.in_sample.scores) {
      expect(text).toContain(four(before));
      expect(text).toContain(four(after));
    }
    for (const { value, limit } of json.bounds)
      expect(text).toMatch(new RegExp(`\\s${String(value).replace('-', '−')}\\s+${limit}\\s`));
    for (const n of [json.counts.usable, json.counts.final, json.flips?.snapshots ?? 0, json.evidence.rows])
      expect(text).toContain(n.toLocaleString('en-US'));
    expect(text).toContain(json.evidence.dataset_hash);
    expect(text).toContain(`${(100 * json.detectable.gap).toFixed(1)}\u00A0points`);
  });
});
