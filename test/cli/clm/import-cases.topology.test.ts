import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ImportOptions, importTrades } from '../../../pipelines/clm/import-trades.ts';
import { openImportSession } from '../../../cli/log-session/import-session.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { UTC } from '../../../pipelines/clm/recorded-time.ts';
import type { ClmOutcome } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

type Patch = Partial<Pick<ImportOptions, 'pnl' | 'symbolsMap' | 'timeZone'>>;

/** Files of recorders, as they were reported; each is imported into a log of its own. */
async function imported(name: string, patch: Patch = {}) {
  const said: string[] = [];
  const world = await openImportSession({ data: folderForTest() }, false);
  try {
    const file = join(import.meta.dirname, 'cases', `${name}.jsonl`);
    const result = await importTrades([{ name: 'F', lines: createReadStream(file) }], world.target, {
      account: 'backfill',
      venue: 'backfill',
      dryRun: false,
      now: Date.parse('2026-11-01T00:00Z'),
      pnl: null,
      timeZone: UTC,
      symbolsMap: new Map(),
      onBadLine: (text) => said.push(text),
      onWarning: (text) => said.push(`warning: ${text}`),
      onRow: () => {},
      ...patch,
    });
    await world.workOff(() => {});
    const outcomes: ClmOutcome[] = [];
    if (world.target !== null)
      await forEachRecord(world.target, TOPICS.clmOutcome.name, {}, (outcome) => outcomes.push(outcome));
    const byTime = outcomes.toSorted((one, other) => (one.closed_at ?? 0) - (other.closed_at ?? 0));
    return { result, figures: result.refused === null ? result.figures : null, outcomes: byTime, said };
  } finally {
    await world.close();
  }
}

function labelsOf(outcomes: readonly ClmOutcome[]): Record<string, number> {
  const labels = Object.groupBy(outcomes, ({ label }) => label ?? 'none');
  return Object.fromEntries(Object.entries(labels).map(([label, of]) => [label, of?.length ?? 0]));
}

describe('what real recorders wrote', () => {
  test('CLM-24: zeros and words for unknown are unknown, counted and named; the trades are imported', async () => {
    const { figures, outcomes, said } = await imported('unknown-as-zero');
    expect(said).toEqual([]);
    expect(figures).toMatchObject({
      rows: 12,
      imported: 12,
      bad: 0,
      unknown: { position_size: 12, duration_seconds: 7, strategy_id: 12, exit_reason: 12 },
      unknown_written: { position_size: ['0'], exit_reason: ['null', '"unknown"'] },
      ignored_fields: { outcome_label: 12 },
      times: { iso: 12 },
    });
    expect(labelsOf(outcomes)).toEqual({ WIN: 5, LOSS: 2, NEUTRAL: 5 });
    expect(outcomes.map(({ quantity }) => quantity)).toEqual(Array.from({ length: 12 }, () => 1));
    expect(outcomes.filter((outcome) => outcome.opened_at === outcome.closed_at)).toHaveLength(7);
    expect(new Set(outcomes.flatMap(({ exit_reasons }) => exit_reasons))).toEqual(new Set(['BACKFILL']));
  });

  test('CLM-21: results with leverage in them, or as ratios, are refused with the factor found, and nothing is written', async () => {
    const leveraged = await imported('times-5');
    expect(leveraged.result).toMatchObject({
      refused: [{ file: 'F', found: { kind: 'factor', factor: 5, rows: 8, measured: 8 } }],
    });
    expect(leveraged.outcomes).toEqual([]);
    const ratio = await imported('ratio');
    expect(ratio.result).toMatchObject({ refused: [{ file: 'F', found: { kind: 'factor', factor: 0.01 } }] });
    expect(ratio.outcomes).toEqual([]);
  });

  test('the unit that is named makes them the move of the price, and labels follow it', async () => {
    const leveraged = await imported('times-5', { pnl: { kind: 'leveraged', by: 5 } });
    expect(leveraged.outcomes.map(({ pnl_percent }) => pnl_percent)).toEqual([
      0.45, 0.45, -0.3, 0.7, -0.2, 0.9, -0.4, 0.3,
    ]);
    expect(labelsOf(leveraged.outcomes)).toEqual({ WIN: 2, NEUTRAL: 6 });
    const ratio = await imported('ratio', { pnl: { kind: 'ratio' } });
    expect(ratio.outcomes.map(({ pnl_percent }) => pnl_percent)).toEqual([2, -0.75, 0.7, 0.1]);
    expect(labelsOf(ratio.outcomes)).toEqual({ WIN: 2, LOSS: 1, NEUTRAL: 1 });
  });

  test('as per cent they are taken as they stand; by a wrong leverage they are still refused', async () => {
    const { outcomes } = await imported('times-5', { pnl: { kind: 'percent' } });
    expect(labelsOf(outcomes)).toEqual({ WIN: 5, LOSS: 3 });
    const { result } = await imported('times-5', { pnl: { kind: 'leveraged', by: 10 } });
    expect(result).toMatchObject({ refused: [{ found: { kind: 'factor', factor: 5 } }] });
    expect((await imported('times-5', { pnl: { kind: 'ratio' } })).result).toMatchObject({
      refused: [{ found: { kind: 'factor', factor: 5 } }],
    });
  });

  test('by the leverage of each row, a row without one is bad', async () => {
    const { figures, said, outcomes } = await imported('times-5', { pnl: { kind: 'leveraged', by: null } });
    expect(figures).toMatchObject({ imported: 4, bad: 4 });
    expect(said[0]).toBe('F:2: leverage: is missing: --pnl leveraged divides each result by it');
    expect(outcomes.map(({ pnl_percent }) => pnl_percent)).toEqual([0.45, -0.3, -0.2, -0.4]);
  });

  test('SCH-26: a time in microseconds is recognised by its range, and a day that no calendar has is refused', async () => {
    const { figures, outcomes, said } = await imported('time-units');
    expect(said).toEqual(['F:2: timestamp: 2026-06-31 is no day of the calendar']);
    expect(figures).toMatchObject({ imported: 2, bad: 1, times: { microseconds: 1, seconds: 1 } });
    expect(outcomes.map(({ closed_at }) => closed_at)).toEqual([1772366400000, 1772370000000]);
  });

  test('CLM-25: blanks around a model make no model of its own, and a word for unknown is none', async () => {
    const { figures, outcomes } = await imported('model-ids');
    expect(figures).toMatchObject({
      imported: 7,
      bad: 0,
      trimmed: [2, 3, 4].map((line) => ({ file: 'F', line, field: 'model_id' })),
      unknown: { model_id: 3 },
      unknown_written: { model_id: ['"None"', '"nan"', '""'] },
    });
    expect(outcomes.map(({ model_id }) => model_id)).toEqual([
      ...Array.from({ length: 4 }, () => 'ranker-2'),
      null,
      null,
      null,
    ]);
    expect(outcomes.slice(4).map((outcome) => outcome.excluded_from_calibration)).toEqual([
      'NO_MODEL',
      'NO_MODEL',
      'NO_MODEL',
    ]);
  });

  test('lines left out as doubled are named, each with the line it repeats', async () => {
    const { figures } = await imported('doubled');
    expect(figures).toMatchObject({ rows: 7, imported: 4, doubled: 3 });
    expect(figures?.doubled_lines).toEqual([
      { file: 'F', line: 2, repeats: 1 },
      { file: 'F', line: 3, repeats: 1 },
      { file: 'F', line: 6, repeats: 5 },
    ]);
  });
});
