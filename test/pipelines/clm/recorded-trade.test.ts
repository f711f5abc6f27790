import { describe, expect, test } from 'vitest';
import { parseRecordedTrade } from '../../../pipelines/clm/recorded-trade.ts';

const ROW = {
  timestamp: 1_770_000_000_000,
  symbol: 'BTCUSDT',
  side: 'BUY',
  entry_price: 100,
  exit_price: 98,
  pnl_percent: -2,
  confidence: 0.7,
  model_id: 'm',
};

function parsed(patch: Readonly<Record<string, unknown>>) {
  const row = parseRecordedTrade({ ...ROW, ...patch });
  if (!row.ok) throw new Error(JSON.stringify(row.problems));
  return row;
}

function pathsOf(patch: Readonly<Record<string, unknown>>): readonly string[] {
  const row = parseRecordedTrade({ ...ROW, ...patch });
  return row.ok ? [] : row.problems.map(({ path }) => path);
}

describe('RT1: what says unknown', () => {
  test.each([0, '', ' ', null, 'nan', 'NaN', 'None', 'NULL', 'n/a', 'unknown'])(
    '%j is unknown in every optional field',
    (word) => {
      const fields = { duration_seconds: word, strategy_id: word, position_size: word, exit_reason: word };
      const { trade, unknown } = parsed(fields);
      expect(trade).toMatchObject({
        duration_seconds: null,
        strategy_id: null,
        position_size: null,
        exit_reason: null,
      });
      expect(unknown.map(({ field }) => field).toSorted()).toEqual(Object.keys(fields).toSorted());
    },
  );

  test('is unknown in confidence and model_id, but 0 is a confidence', () => {
    expect(parsed({ confidence: 'nan', model_id: 'None' }).trade).toMatchObject({ confidence: null, model_id: null });
    expect(parsed({ confidence: 0 }).trade.confidence).toBe(0);
    expect(parsed({ confidence: 0 }).unknown).toEqual([]);
  });

  test('is refused where a value is needed', () => {
    expect(pathsOf({ entry_price: 0 })).toEqual(['entry_price']);
    expect(pathsOf({ exit_price: 'nan', pnl_percent: null, symbol: 'None', side: '', timestamp: '' })).toEqual([
      'timestamp',
      'symbol',
      'side',
      'exit_price',
      'pnl_percent',
    ]);
    expect(pathsOf({ timestamp: 0 })).toEqual(['timestamp']);
  });

  test('a wrong value is no unknown one', () => {
    expect(pathsOf({ position_size: -1, duration_seconds: -1, exit_reason: 7, confidence: 1.2 })).toEqual([
      'confidence',
      'duration_seconds',
      'position_size',
      'exit_reason',
    ]);
  });

  test('a field that was left out says nothing, and is not counted', () => {
    expect(parsed({}).unknown).toEqual([]);
  });
});

test('RT2: blanks around texts are taken off and named', () => {
  const { trade, trimmed } = parsed({ model_id: '\tm\n', symbol: ' BTCUSDT', side: 'BUY ', exit_reason: ' stop hit ' });
  expect(trade).toMatchObject({ model_id: 'm', symbol: 'BTCUSDT', side: 'LONG', exit_reason: 'stop hit' });
  expect(trimmed.toSorted()).toEqual(['exit_reason', 'model_id', 'side', 'symbol']);
});
