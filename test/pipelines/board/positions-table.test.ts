import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { explainNames, positionsTable } from '../../../pipelines/board/positions-table.ts';
import { type OrderName, ORDERS, chosenPositions } from '../../../pipelines/board/choose-positions.ts';
import { listLines } from '../../../pipelines/board/list-lines.ts';
import type { Board, BoardPosition } from '../../../ports/board.ts';
import { positionIdOf } from '../../../schemas/ids.ts';

const MINUTE_MS = 60_000;
const AT = Date.parse('2026-01-02T15:00:00Z');

function open(symbol: string, traits: Partial<BoardPosition> = {}): BoardPosition {
  const { account = 'desk', side = 'LONG' } = traits;
  return {
    position_id: positionIdOf(account, symbol, side, AT),
    account,
    venue: 'paper',
    symbol,
    side,
    quantity: 1,
    entry_price: 100.123_456_789,
    mark_price: 104,
    stop_price: null,
    take_profit_price: null,
    r: 2,
    r_history: [1, 2],
    age_minutes: 95,
    confidence: 0.8,
    calibrated_confidence: null,
    regime: 'TREND_UP',
    resting: [],
    last_snapshot_at: AT,
    cooldown_until: null,
    action: 'HOLD',
    fraction: 0,
    reason: 'no_rule_applies',
    hold_score: 5,
    exit_score: 1,
    policy: 'p',
    ...traits,
  };
}

const PARTIAL = { action: 'PARTIAL_CLOSE', fraction: 0.28, cooldown_until: AT + 30 * MINUTE_MS } as const;
const text = (positions: readonly BoardPosition[], width: number): string =>
  positionsTable(positions, { width }).join('\n');

describe('the table of positions', () => {
  it.each([
    {
      width: 200,
      said: 'PARTIAL_CLOSE 28 % · cooldown until 15:30',
      heads: ['entry', 'conf', 'reason', 'position_id'],
    },
    { width: 110, said: 'PARTIAL_CLOSE 28 % · cooldown until 15:30', heads: ['mark', 'conf', 'hold/exit'] },
    { width: 80, said: 'PARTIAL 28 % · cooldown 15:30', heads: ['conf', 'hold/exit'] },
    { width: 60, said: 'PARTIAL 28 % from 15:30', heads: ['age', 'R'] },
  ])('$width columns: $said', ({ width, said, heads }) => {
    const table = text([open('BTCUSDT', PARTIAL), open('ETHUSDT')], width);
    expect(table).toContain(said);
    for (const head of [...heads, 'position', 'side', 'age', 'R', 'decision'])
      expect(
        table
          .split('\n')[0]
          ?.split(/ {2,}/)
          .map((one) => one.trim()),
      ).toContain(head);
  });

  it('fits from 60 columns on, whatever is in it, and shows no position twice', () => {
    const position = fc.record({
      symbol: fc.constantFrom('BTCUSDT', '1000PEPEUSDT', 'ETHUSDT'),
      r: fc.integer({ min: -99, max: 99 }),
      partial: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(position, { maxLength: 12 }),
        fc.integer({ min: 60, max: 220 }),
        fc.integer({ min: 3, max: 20 }),
        (list, width, rows) => {
          const positions = list.map(({ symbol, r, partial }, index) =>
            open(symbol, { account: `a${index}`, r, ...(partial ? PARTIAL : {}) }),
          );
          const unique = positions.filter(
            ({ symbol }, index) => positions.findIndex((one) => one.symbol === symbol) === index,
          );
          const lines = positionsTable(unique, { width, rows });
          for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
          expect(lines.length).toBeLessThanOrEqual(rows);
          const more = / (\d+) more$/.exec(lines.at(-1) ?? '');
          expect(lines.length - 1 - (more === null ? 0 : 1) + Number(more?.[1] ?? 0)).toBe(unique.length);
        },
      ),
    );
  });

  it('names each position as explain takes it: by its symbol where that says which, else by the beginning of its id', () => {
    const alone = open('ETHUSDT');
    const [one, other] = [open('BTCUSDT'), open('BTCUSDT', { account: 'two' })];
    const hedged = open('BTCUSDT', { side: 'SHORT' });
    const foreign = {
      ...open('BTCUSDT', { account: 'three' }),
      position_id: 'of-another-kind' as BoardPosition['position_id'],
    };
    const names = explainNames([alone, one, other, hedged, foreign]);
    expect([...names.values()]).toEqual([
      'ETHUSDT',
      'desk:BTCUSDT:LONG',
      'two:BTCUSDT',
      'desk:BTCUSDT:SHORT',
      'of-another-kind',
    ]);
  });

  it('shows raw and mapped confidence, and what is unknown as such', () => {
    const mapped = { confidence: 0.8, calibrated_confidence: 0.612 };
    expect(text([open('BTCUSDT', mapped)], 200)).toContain('0.80→0.61');
    expect(text([open('BTCUSDT', { confidence: null, regime: null })], 200)).toMatch(/\?.*\?/);
  });
});

describe('the choice of positions', () => {
  it.each<readonly [OrderName, readonly string[]]>([
    ['r', ['B', 'C', 'A']],
    ['age', ['C', 'A', 'B']],
    ['symbol', ['A', 'B', 'C']],
    ['confidence', ['A', 'B', 'C']],
    ['exit', ['C', 'B', 'A']],
  ])('by %s', (sort, expected) => {
    const positions = [
      open('C', { r: 2, age_minutes: 9, confidence: null, exit_score: 7 }),
      open('A', { r: 1, age_minutes: 5, confidence: 0.9, exit_score: 1 }),
      open('B', { r: 3, age_minutes: 1, confidence: 0.2, exit_score: 3 }),
    ];
    const choice = { sort, symbols: null, accounts: null };
    expect(chosenPositions(positions, choice).map(({ symbol }) => symbol)).toEqual(expected);
    expect(Object.keys(ORDERS)).toContain(sort);
    expect(chosenPositions(positions, { ...choice, symbols: new Set(['A']) })).toHaveLength(1);
    expect(chosenPositions(positions, { ...choice, accounts: new Set(['other']) })).toEqual([]);
  });
});

describe('the list for people', () => {
  const board = (positions: readonly BoardPosition[], traits: Partial<Board> = {}) => ({
    at: AT,
    headline: 'all is well',
    ok: true,
    positions,
    ...traits,
  });
  const place = { width: 80, logFlags: ' --data d', starts: { words: 'dev', args: [] } };

  it('says what to type next, and what is the matter first', () => {
    const positions = [open('BTCUSDT')];
    const lines = listLines(board(positions, { ok: false, headline: 'HALTED: desk' }), positions, place);
    expect(lines[0]).toContain('HALTED: desk');
    expect(lines.at(-1)).toMatch(/harvestline explain --data d BTCUSDT$/);
  });

  it('says what to do where nothing is open, where nothing was ever observed, and where none is asked for', () => {
    expect(listLines(board([]), [], place).join('\n')).toContain('harvestline status --data d');
    expect(listLines(board([], { at: null }), [], place).join('\n')).toContain('harvestline dev --data d');
    expect(listLines(board([open('BTCUSDT')]), [], place).join('\n')).toContain('BTCUSDT');
  });
});
