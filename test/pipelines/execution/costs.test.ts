import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { chargesOf, withCosts } from '../../../pipelines/execution/costs.ts';
import type { Charge, ChargedFill, Charges, FundingPayment } from '../../../ports/exchange.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { recordChecker } from '../../../schemas/record-rules.ts';
import type { FillId, OrderId, Side, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { anIntent } from '../../fixtures/an-intent.ts';

const OPENED = 1_770_000_000_000;
const checkTrade = recordChecker(TOPICS.tradeClosed);

const usdt = (amount: string): Charge => ({ asset: 'USDT', amount, quote: amount });
const bnb = (amount: string, price: string | null): Charge => ({
  asset: 'BNB',
  amount,
  quote: price === null ? null : new Exact(amount).mul(price).toFixed(),
});

function aFill(
  id: number,
  direction: 'BUY' | 'SELL',
  quantity: string,
  at: number,
  fee: Charge = usdt('0'),
  positionSide: Side | null = null,
): ChargedFill {
  return {
    fillId: String(id) as FillId,
    orderId: `order-${id}` as OrderId,
    positionSide,
    direction,
    quantity,
    fee,
    filledAt: OPENED + at,
  };
}

function records(fills: readonly ChargedFill[], funding: readonly FundingPayment[] = []): Charges {
  return { kind: 'records', fills: { listed: fills }, funding: { listed: funding } };
}

function paid(quote: string, at: number): FundingPayment {
  return { charge: usdt(quote), paidAt: OPENED + at };
}

/** A slice of a LONG opened at 60,000 with a stop at 59,000. */
function aSlice(fields: Partial<TradeClosed>): TradeClosed {
  const quantity = fields.quantity ?? 0.045;
  const entry = 60_000;
  const exit = fields.exit_price ?? 66_999.948888888888;
  const pnl = (exit - entry) * quantity;
  return {
    ...GOOD_RECORDS[TOPICS.tradeClosed.name],
    opened_at: OPENED,
    closed_at: OPENED + 100,
    entry_price: entry,
    exit_price: exit,
    quantity,
    remaining_quantity: 0.055,
    pnl_percent: (exit / entry - 1) * 100,
    pnl_quote: pnl,
    initial_stop_price: 59_000,
    risk_quote: 1000 * quantity,
    ...fields,
  };
}

/** The fills of fills.json, with what the venue said of the closing order. */
function closing(fees: readonly [Charge, Charge, Charge]): { fills: ChargedFill[]; fee: Charge } {
  const [opening, first, second] = fees;
  const fills = [
    aFill(1, 'BUY', '0.1', 0, opening),
    aFill(2, 'SELL', '0.022', 100, first),
    { ...aFill(3, 'SELL', '0.023', 100, second), orderId: 'order-2' as OrderId },
  ];
  const quote =
    first.quote === null || second.quote === null ? null : new Exact(first.quote).add(second.quote).toFixed();
  return {
    fills,
    fee: { asset: first.asset, amount: new Exact(first.amount ?? 0).add(second.amount ?? 0).toFixed(), quote },
  };
}

const isOrder2 = ({ orderId }: { orderId: OrderId }): boolean => orderId === 'order-2';

describe('the case fee-in-another-asset', () => {
  test.each([
    ['USDT', [usdt('3'), usdt('0.737'), usdt('0.77049885')], 1.507_498_85, 6.936_448_914],
    ['BNB', [bnb('0.005', '600'), bnb('0.00122833', '600'), bnb('0.00128416', '600')], 1.507_494, 6.936_449_022],
  ] as const)('%s: R after the fees of both legs', (asset, fees, feeQuote, rNet) => {
    const { fills, fee } = closing(fees);
    const trade = withCosts(aSlice({ pnl_quote: 314.9977 }), { isOwn: isOrder2, fee }, records(fills));
    expect(trade).toMatchObject({
      fee_quote: feeQuote,
      fee_asset: asset,
      opening_fee_quote: 1.35,
      opening_fee_asset: asset,
      funding_quote: 0,
      unknown_costs: [],
    });
    expect(trade.r_net).toBeCloseTo(rNet, 9);
    expect(checkTrade(trade)).toEqual([]);
  });

  test('without a price of the asset the figures are null, and asset, amount and reason are there', () => {
    const { fills, fee } = closing([bnb('0.005', null), bnb('0.00122833', null), bnb('0.00128416', null)]);
    const trade = withCosts(aSlice({ pnl_quote: 314.9977 }), { isOwn: isOrder2, fee }, records(fills));
    expect(trade).toMatchObject({
      fee_quote: null,
      fee_asset: 'BNB',
      fee_amount: 0.002_512_49,
      opening_fee_quote: null,
      opening_fee_amount: 0.002_25,
      pnl_net_quote: null,
      r_net: null,
      unknown_costs: [
        'fee_quote: no price of BNB at that time can be had',
        'opening_fee_quote: no price of BNB at that time can be had',
      ],
    });
    expect(checkTrade(trade)).toEqual([]);
  });

  test('BNB that ran out in the middle: both assets are named', () => {
    const { fills, fee } = closing([bnb('0.005', '600'), bnb('0.00122833', '600'), usdt('0.77049885')]);
    const trade = withCosts(
      aSlice({}),
      { isOwn: isOrder2, fee: { ...fee, asset: 'BNB+USDT', amount: null } },
      records(fills),
    );
    expect(trade).toMatchObject({ fee_asset: 'BNB+USDT', fee_amount: null, fee_quote: 1.507_496_85 });
  });
});

describe('EXE-16: what is not known is null and named', () => {
  const own = { isOwn: isOrder2, fee: usdt('1.5') };

  test.each([
    ['no opening', [aFill(2, 'SELL', '0.045', 100)], 'no fill that the venue tells of opened the position'],
    [
      'an opening that is a part of it',
      [aFill(1, 'BUY', '0.09', 0, usdt('3')), aFill(2, 'SELL', '0.045', 100)],
      'leave 0.045, where 0.055 were left',
    ],
    [
      'more closed than was open',
      [aFill(1, 'BUY', '0.1', 0, usdt('3')), aFill(7, 'SELL', '0.2', 50), aFill(2, 'SELL', '0.045', 100)],
      'close more than was open, at 7',
    ],
    [
      'a position in between',
      [
        aFill(1, 'BUY', '0.1', 0, usdt('3')),
        aFill(7, 'SELL', '0.1', 50),
        aFill(8, 'BUY', '0.1', 60),
        aFill(2, 'SELL', '0.045', 100),
      ],
      'the position was closed before, by 7',
    ],
  ])('%s', (_, fills, why) => {
    const trade = withCosts(aSlice({}), own, records(fills, [paid('1', 10)]));
    expect(trade).toMatchObject({ fee_quote: 1.5, opening_fee_quote: null, funding_quote: null, r_net: null });
    expect(trade.unknown_costs).toEqual([
      expect.stringMatching(new RegExp(`^opening_fee_quote: .*${why}`)),
      expect.stringMatching(new RegExp(`^funding_quote: .*${why}`)),
    ]);
  });

  test('funding that the venue does not tell costs nothing else', () => {
    const charges: Charges = {
      kind: 'records',
      fills: { listed: [aFill(1, 'BUY', '0.1', 0, usdt('3')), aFill(2, 'SELL', '0.045', 100)] },
      funding: { why: 'told for three months' },
    };
    const trade = withCosts(aSlice({}), own, charges);
    expect(trade).toMatchObject({ opening_fee_quote: 1.35, funding_quote: null, pnl_net_quote: null });
    expect(trade.unknown_costs).toEqual(['funding_quote: told for three months']);
  });

  test('the own fee that was not said with the order is that of its fills, once they are listed', () => {
    const { fills } = closing([usdt('3'), usdt('0.737'), usdt('0.77049885')]);
    const unsaid = { isOwn: isOrder2, fee: { asset: null, amount: null, quote: null } };
    expect(withCosts(aSlice({}), unsaid, records(fills))).toMatchObject({ fee_quote: 1.507_498_85, fee_asset: 'USDT' });
    expect(withCosts(aSlice({}), unsaid, records(fills.slice(0, 1)))).toMatchObject({
      fee_quote: null,
      opening_fee_quote: 1.35,
      unknown_costs: ['fee_quote: the venue did not tell it'],
    });
  });
});

test('a cost beyond what a record may have is not recorded', () => {
  const huge = withCosts(aSlice({}), { isOwn: isOrder2, fee: usdt('1e28') }, records([]));
  expect(huge.fee_quote).toBeNull();
  expect(checkTrade(huge)).toEqual([]);
});

test('funding counts while the position was open: what was paid is positive, what was received negative', () => {
  const fills = [aFill(1, 'BUY', '0.1', 0), aFill(2, 'SELL', '0.045', 100)];
  const funding = [paid('7', 0), paid('10', 50), paid('-4', 100), paid('99', 101)];
  const trade = withCosts(aSlice({}), { isOwn: isOrder2, fee: usdt('0') }, records(fills, funding));
  expect(trade.funding_quote).toBe(2.7);
});

test('in hedge mode the fills of the other side are not its own', () => {
  const fills = [
    aFill(1, 'BUY', '0.1', 0, usdt('3'), 'LONG'),
    aFill(5, 'SELL', '3', 50, usdt('90'), 'SHORT'),
    aFill(2, 'SELL', '0.045', 100, usdt('1'), 'LONG'),
  ];
  const trade = withCosts(aSlice({}), { isOwn: isOrder2, fee: usdt('1') }, records(fills));
  expect(trade.opening_fee_quote).toBe(1.35);
});

test('a venue of rates charges the opening at its entry price, and no funding', () => {
  const trade = withCosts(aSlice({}), { isOwn: isOrder2, fee: usdt('1.5') }, { kind: 'rates', feeRate: '0.0005' });
  expect(trade).toMatchObject({
    opening_fee_quote: 1.35,
    opening_fee_asset: null,
    funding_quote: 0,
    unknown_costs: [],
  });
});

/** A history of one position: growths, reductions and payments in any order, until it is flat. */
interface Step {
  readonly kind: 'grow' | 'reduce' | 'pay';
  readonly size: number;
  readonly cost: number;
  readonly wait: number;
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('grow', 'reduce', 'reduce', 'pay'),
    size: fc.integer({ min: 1, max: 50 }),
    cost: fc.integer({ min: -500, max: 500 }),
    wait: fc.integer({ min: 0, max: 2 }),
  } as const),
  { maxLength: 30 },
);

describe('EXE-15: the shares of all slices add up to what was charged', () => {
  function costsOfAll(given: readonly Step[], side: Side) {
    const [into, out] = side === 'LONG' ? (['BUY', 'SELL'] as const) : (['SELL', 'BUY'] as const);
    const fills: ChargedFill[] = [aFill(0, into, '100', 0, usdt('30'))];
    const funding: FundingPayment[] = [];
    const slices: TradeClosed[] = [];
    let [open, at, charged, payments] = [100, 1, 30, 0];
    const reduce = (quantity: number): void => {
      open -= quantity;
      fills.push(aFill(fills.length, out, String(quantity), at));
      slices.push(
        aSlice({
          side,
          quantity,
          remaining_quantity: open,
          closed_at: OPENED + at,
          order_id: fills.at(-1)?.orderId ?? null,
        }),
      );
    };
    for (const { kind, size, cost, wait } of given) {
      at += wait;
      if (kind === 'grow') {
        open += size;
        charged += Math.abs(cost);
        fills.push(aFill(fills.length, into, String(size), at, usdt(String(Math.abs(cost)))));
      } else if (kind === 'pay') {
        payments += cost;
        funding.push(paid(String(cost), at));
      } else if (open > 1) reduce(Math.min(size, open - 1));
    }
    at += 1;
    reduce(open);
    const trades = slices.map((slice) =>
      withCosts(slice, { isOwn: ({ orderId }) => orderId === slice.order_id, fee: usdt('0') }, records(fills, funding)),
    );
    return { trades, charged, payments };
  }

  test.each(['LONG', 'SHORT'] as const)('of a %s', (side) => {
    let several = 0;
    fc.assert(
      fc.property(steps, (given) => {
        const { trades, charged, payments } = costsOfAll(given, side);
        const sum = (of: (trade: TradeClosed) => number | null) =>
          trades.reduce((total, one) => total + (of(one) ?? NaN), 0);
        expect(sum((trade) => trade.opening_fee_quote)).toBeCloseTo(charged, 8);
        expect(sum((trade) => trade.funding_quote)).toBeCloseTo(payments, 8);
        for (const { unknown_costs } of trades) expect(unknown_costs).toEqual([]);
        if (trades.length > 2) several += 1;
      }),
      { numRuns: 300 },
    );
    expect(several).toBeGreaterThan(100);
  });
});

describe('EXE-17: a venue', () => {
  test('that is unavailable leaves every cost unknown', async () => {
    const away = () => Promise.reject(new HarvestlineError('EXCHANGE_AWAY', 'no answer'));
    expect(await chargesOf({ charges: away }, anIntent())).toEqual({
      kind: 'records',
      fills: { why: 'no answer' },
      funding: { why: 'no answer' },
    });
  });

  test('is not blamed for a fault of the program', async () => {
    const broken = () => Promise.reject(new TypeError('a bug'));
    await expect(chargesOf({ charges: broken }, anIntent())).rejects.toThrow('a bug');
  });
});
