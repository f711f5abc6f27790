import { describe, expect, test } from 'vitest';
import { parseRecordedTrade, contradictsPrices, tradeOf } from '../../../pipelines/clm/recorded-trade.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { labelOf } from '../../../pipelines/clm/accumulate.ts';
import { KeptTrades } from '../../../pipelines/clm/kept-trades.ts';
import { recordChecker } from '../../../schemas/record-rules.ts';
import type { TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';

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

describe('CLM-24: what says unknown', () => {
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

test('CLM-25: blanks around texts are taken off and named', () => {
  const { trade, trimmed } = parsed({ model_id: '\tm\n', symbol: ' BTCUSDT', side: 'BUY ', exit_reason: ' stop hit ' });
  expect(trade).toMatchObject({ model_id: 'm', symbol: 'BTCUSDT', side: 'LONG', exit_reason: 'stop hit' });
  expect(trimmed.toSorted()).toEqual(['exit_reason', 'model_id', 'side', 'symbol']);
});

function tradeFrom(patch: Readonly<Record<string, unknown>> = {}) {
  const row = parseRecordedTrade({ ...ROW, ...patch });
  if (!row.ok) throw new Error(JSON.stringify(row.problems));
  return tradeOf(row.trade, 'backfill', 'backfill');
}

function problemsOf(patch: Readonly<Record<string, unknown>>): readonly string[] {
  const row = parseRecordedTrade({ ...ROW, ...patch });
  return row.ok ? [] : row.problems.map(({ path }) => path);
}

describe('a recorded row', () => {
  test('becomes a whole trade that the topic takes', () => {
    const trade = tradeFrom({ duration_seconds: 90.5, position_size: 3, exit_reason: 'tp', strategy_id: 's' });
    expect(recordChecker(TOPICS.tradeClosed)(trade)).toEqual([]);
    expect(trade).toMatchObject({
      side: 'LONG',
      closed_at: 1_770_000_000_000,
      opened_at: 1_769_999_909_500,
      quantity: 3,
      remaining_quantity: 0,
      pnl_quote: -6,
      exit_reason: 'tp',
      origin: 'BACKFILL',
      fee_quote: null,
    });
  });

  test('whose duration and size were not recorded invents neither a time nor a reason', () => {
    expect(tradeFrom()).toMatchObject({ opened_at: ROW.timestamp, quantity: 1, exit_reason: 'BACKFILL' });
  });

  test.each([
    ['BUY', 'LONG'],
    ['sell', 'SHORT'],
    ['Long', 'LONG'],
    ['SHORT', 'SHORT'],
  ])('side %s is %s', (side, expected) => {
    expect(tradeFrom({ side }).side).toBe(expected);
  });

  test.each([
    [1_770_000_000, 1_770_000_000_000],
    [1_770_000_000.123, 1_770_000_000_123],
    [1_770_000_000_123, 1_770_000_000_123],
    ['2026-02-02T02:40:00Z', 1_770_000_000_000],
    ['2026-02-02T02:40:00.123456', 1_770_000_000_123],
    ['2026-02-02 02:40:00+00:00', 1_770_000_000_000],
    ['2026-02-02T03:40:00+0100', 1_770_000_000_000],
    ['2026-02-02', 1_769_990_400_000],
  ])('timestamp %s is %d', (timestamp, expected) => {
    expect(tradeFrom({ timestamp }).closed_at).toBe(expected);
  });

  test('names every failing path at once', () => {
    expect(
      problemsOf({
        timestamp: 'noon',
        side: 'UP',
        entry_price: 0,
        exit_price: '98',
        confidence: 1.2,
        model_id: undefined,
      }),
    ).toEqual(['timestamp', 'side', 'entry_price', 'exit_price', 'confidence', 'model_id']);
    expect(problemsOf({ pnl_percent: Number.NaN })).toEqual(['pnl_percent']);
    expect(parseRecordedTrade({ ...ROW, symbol: undefined, exit_price: '98' })).toMatchObject({
      problems: [
        { path: 'symbol', why: 'is missing' },
        { path: 'exit_price', why: 'expected number, received string' },
      ],
    });
    expect(parseRecordedTrade([])).toMatchObject({ ok: false, problems: [{ path: '(root)' }] });
  });

  test('names fields that no record has a place for', () => {
    expect(parseRecordedTrade({ ...ROW, leverage: 5 })).toMatchObject({ ok: true, ignored: ['leverage'] });
  });

  test('keeps an unknown confidence unknown', () => {
    expect(tradeFrom({ confidence: null, model_id: null })).toMatchObject({ confidence: null, model_id: null });
  });

  test('is labelled by what was recorded, also where the prices say otherwise', () => {
    const trade = tradeFrom({ pnl_percent: 2 });
    expect(trade.pnl_percent).toBe(2);
    expect(labelOf(trade.pnl_percent)).toBe('WIN');
  });
});

describe('ids', () => {
  test('derive from the content: the same row again is the same trade, another is another position', () => {
    expect(tradeFrom()).toEqual(tradeFrom());
    const other = tradeFrom({ exit_price: 97.9 });
    expect(other.trade_id).not.toBe(tradeFrom().trade_id);
    expect(other.position_id).not.toBe(tradeFrom().position_id);
  });
});

describe('a doubled row', () => {
  test.each([
    [0, true],
    [1, true],
    [50, true],
    [51, false],
    [-50, true],
    [-51, false],
  ])('%d ms apart: %s', (apart, doubled) => {
    for (const start of [0, 7, 49]) {
      const kept = new KeptTrades();
      kept.add(tradeFrom({ timestamp: ROW.timestamp + start }));
      expect(kept.has(tradeFrom({ timestamp: ROW.timestamp + start + apart }))).toBe(doubled);
    }
  });

  test.each([{ symbol: 'ETHUSDT' }, { side: 'SELL' }, { exit_price: 98.1 }, { pnl_percent: -2.1 }, { model_id: 'n' }])(
    'is no double with %o',
    (patch) => {
      const kept = new KeptTrades();
      kept.add(tradeFrom());
      expect(kept.has(tradeFrom(patch))).toBe(false);
    },
  );
});

test('CLM-20: among thousands it says what a look at every kept trade says', () => {
  const random = new SeededRandom(11).stream('trades');
  const kept = new KeptTrades();
  const all: TradeClosed[] = [];
  for (let row = 0; row < 6000; row++) {
    const trade = tradeFrom({
      timestamp: ROW.timestamp + Math.floor(40_000 * random.uniform()),
      exit_price: 98 + Math.floor(3 * random.uniform()) / 10,
    });
    const doubled = all.some(
      (other) => other.exit_price === trade.exit_price && Math.abs(other.closed_at - trade.closed_at) <= 50,
    );
    expect(kept.has(trade)).toBe(doubled);
    if (doubled) continue;
    kept.add(trade, all.push(trade) - 1);
    expect(kept.repeated(trade)).toBe(all.length - 1);
  }
  expect(all.length).toBeGreaterThan(1000);
});

describe('a result that contradicts the prices', () => {
  test.each([
    [{ pnl_percent: 2 }, true],
    [{ pnl_percent: -2 }, false],
    [{ side: 'SELL', pnl_percent: -2 }, true],
    [{ side: 'SELL', pnl_percent: 2 }, false],
    [{ exit_price: 100, pnl_percent: 2 }, false],
    [{ pnl_percent: 0 }, false],
  ])('%o: %s', (patch, contradicts) => {
    const row = parseRecordedTrade({ ...ROW, ...patch });
    expect(row.ok && contradictsPrices(row.trade)).toBe(contradicts);
  });
});
