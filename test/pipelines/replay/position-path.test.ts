import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PositionPath, Growth } from '../../../pipelines/replay/position-path.ts';
import { NO_COSTS, RecordedCosts, type TradingCosts } from '../../../pipelines/replay/trading-costs.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const COOLDOWN = 30 * MINUTE;

type Step = readonly ['HOLD' | 'PARTIAL_CLOSE' | 'CLOSE', fraction: number, r: number, minutes: number];

function follow(steps: readonly Step[]): PositionPath {
  const path = opened(NO_COSTS);
  for (const [action, fraction, r, minutes] of steps)
    path.obey({ action, fraction }, { price: markAt(r), at: minutes * MINUTE });
  return path;
}

/** Ten contracts at 100 with a stop at 98: a risk of 20. */
function opened(costs: TradingCosts, side: Side = 'LONG'): PositionPath {
  const path = new PositionPath(COOLDOWN, side, 0, costs);
  path.grow({ quantity: 10, price: 100, risk: 20 });
  return path;
}

function markAt(r: number): number {
  return 100 + 2 * r;
}

describe('PositionPath', () => {
  it.each<[string, readonly Step[], number, number, number]>([
    ['held throughout, it earns the last R', [['HOLD', 0, 1, 0]], 4, 1, 4],
    ['RPL-22: half at 2, the rest at 4', [['PARTIAL_CLOSE', 0.5, 2, 0]], 4, 0.5, 3],
    [
      'RPL-23: within the cooldown a partial close is passed over',
      [
        ['PARTIAL_CLOSE', 0.5, 2, 0],
        ['PARTIAL_CLOSE', 0.5, 3, 29],
      ],
      4,
      0.5,
      3,
    ],
    [
      'RPL-23: after exactly the cooldown it is obeyed, of what is left',
      [
        ['PARTIAL_CLOSE', 0.5, 2, 0],
        ['PARTIAL_CLOSE', 0.5, 3, 30],
      ],
      4,
      0.25,
      2.75,
    ],
    [
      'RPL-23: CLOSE ignores the cooldown',
      [
        ['PARTIAL_CLOSE', 0.5, 2, 0],
        ['CLOSE', 1, 3, 5],
      ],
      -9,
      0,
      2.5,
    ],
    [
      'RPL-24: nothing is earned or lost after a close',
      [
        ['CLOSE', 1, 3, 0],
        ['PARTIAL_CLOSE', 0.75, 9, 60],
        ['CLOSE', 1, 20, 90],
      ],
      -5,
      0,
      3,
    ],
  ])('%s', (_name, steps, lastR, left, result) => {
    const path = follow(steps);
    expect(path.left).toBeCloseTo(left, 12);
    expect(path.result(markAt(lastR)).gross).toBeCloseTo(result, 12);
  });

  it('RPL-22: at a constant R every path earns exactly it', () => {
    const step = fc.tuple(
      fc.constantFrom('HOLD', 'PARTIAL_CLOSE', 'CLOSE'),
      fc.double({ min: 0.01, max: 0.75, noNaN: true }),
      fc.nat({ max: 120 }),
    );
    fc.assert(
      fc.property(fc.array(step), fc.double({ min: -10, max: 10, noNaN: true }), (steps, r) => {
        let minutes = 0;
        const path = follow(steps.map(([action, fraction, wait]) => [action, fraction, r, (minutes += wait)] as const));
        expect(path.result(markAt(r)).gross).toBeCloseTo(r, 9);
        expect(path.left).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('RPL-25: what was added weighs by its own risk', () => {
    const path = opened(NO_COSTS);
    // Ten more at 104, whose stop at 98 is a risk of 60: at 106 the first ten made 60 and these 20, of a risk of 80.
    path.grow({ quantity: 10, price: 104, risk: 60 });
    expect(path.result(106).gross).toBeCloseTo(80 / 80, 12);
    path.obey({ action: 'PARTIAL_CLOSE', fraction: 0.5 }, { price: 106, at: HOUR });
    expect(path.left).toBeCloseTo(0.5, 12);
    expect(path.result(102).gross).toBeCloseTo((10 * (106 - 102) + 10 * (102 - 102)) / 80, 12);
  });

  it('RPL-26: fees of both legs and funding of what is held, by hand', () => {
    const costs: TradingCosts = { source: 'given', fee: 0.001, funding_per_8h: { LONG: 0.0008, SHORT: -0.0008 } };
    const path = opened(costs);
    path.obey({ action: 'PARTIAL_CLOSE', fraction: 0.5 }, { price: 104, at: 4 * HOUR });
    path.obey({ action: 'HOLD', fraction: 0 }, { price: 102, at: 8 * HOUR });
    // Opened 1000; four hours of 10 at 104; 5 sold at 104; four hours of 5 at 102; 5 marked at 102.
    const fees = 0.001 * (10 * 100 + 5 * 104 + 5 * 102);
    const funding = 0.0004 * (10 * 104 + 5 * 102);
    const { gross, net } = path.result(102);
    expect(gross).toBeCloseTo((5 * 4 + 5 * 2) / 20, 12);
    expect(net).toBeCloseTo((5 * 4 + 5 * 2 - fees - funding) / 20, 12);
    const short = opened(costs, 'SHORT');
    short.obey({ action: 'CLOSE', fraction: 1 }, { price: 100, at: 8 * HOUR });
    expect(short.result(50).net).toBeCloseTo((0.0008 * 1000 - 0.001 * 2000) / 20, 12);
  });
});

it('recorded costs are what was paid over what was traded, unknown ones left out', () => {
  const costs = new RecordedCosts();
  const trade = {
    ...GOOD_RECORDS[TOPICS.tradeClosed.name],
    side: 'LONG',
    quantity: 2,
    entry_price: 100,
    exit_price: 110,
  } as const;
  const held = { opened_at: 0, closed_at: 16 * HOUR };
  expect(costs.rates()).toBeNull();
  costs.add({ ...trade, ...held, fee_quote: 0.11, opening_fee_quote: 0.1, funding_quote: 0.044 });
  costs.add({ ...trade, ...held, fee_quote: null, opening_fee_quote: null, funding_quote: null });
  const rates = costs.rates();
  expect(rates?.fee).toBeCloseTo(0.21 / 420, 12);
  expect(rates?.funding_per_8h.LONG).toBeCloseTo(0.044 / (220 * 2), 12);
  expect(rates?.funding_per_8h.SHORT).toBe(0);
});

const at = (quantity: number, entry_price: number, mark_price = 104, initial_stop_price: number | null = 98) =>
  aSnapshot({}, { quantity, entry_price, mark_price, initial_stop_price });

it('all is added at first, then what the quantity grows by, at the price that the average entry tells', () => {
  const growth = new Growth(0.02);
  expect(growth.next(at(10, 100))).toEqual({ quantity: 10, price: 100, risk: 20 });
  expect(growth.next(at(10, 100))).toBeNull();
  // (10 * 100 + 10 * 104) / 20 = 102.
  expect(growth.next(at(20, 102))).toEqual({ quantity: 10, price: 104, risk: 60 });
});

it('a partial close in between adds nothing, and what grows after it is measured from what was left', () => {
  const growth = new Growth(0.02);
  growth.next(at(10, 100));
  expect(growth.next(at(4, 100))).toBeNull();
  expect(growth.next(at(8, 102))).toMatchObject({ quantity: 4, price: 104 });
});

it('without a stop the risk is the default one; a price that cannot be is the mark', () => {
  const growth = new Growth(0.02);
  expect(growth.next(at(10, 100, 104, null))).toMatchObject({ risk: 20 });
  expect(growth.next(at(10.001, 150))).toMatchObject({ price: 104 });
});
