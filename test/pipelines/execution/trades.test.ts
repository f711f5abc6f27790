import { describe, expect, it } from 'vitest';
import { excursionsOf, riskOf, tradeOf } from '../../../pipelines/execution/trades.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { OrderId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../../schemas/ids.ts';
import { OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';

const FILL_AT = OPENED_AT + 3_600_100;

function orderFor(intent: ReturnType<typeof anIntent>, price: string, fee: string | null, filledAt = FILL_AT) {
  return {
    orderId: 'v-1' as OrderId,
    clientOrderId: clientOrderIdOf(intent.intent_id),
    state: 'DONE',
    filledQuantity: '580',
    averagePrice: price,
    fee,
    feeAsset: fee === null ? null : 'USDT',
    feeAmount: fee,
    positionAfter: '420',
    filledAt,
  } as const;
}

describe('tradeOf', () => {
  it('computes the LONG of the record definition: 0.186 to 0.1832 is -1.51 %', () => {
    const intent = anIntent({ entry: 0.186, mark: 0.1832, stop: 0.18228, quantity: 1000, fraction: 0.58 });
    const trade = tradeOf(intent, 'paper', orderFor(intent, '0.1832', '0.053128'), '420');
    // -0.0028 / 0.186; -0.0028 x 580; 0.00372 x 580
    expect(trade.pnl_percent).toBeCloseTo(-1.505376344, 9);
    expect(trade.pnl_quote).toBe(-1.624);
    expect(trade.risk_quote).toBe(2.1576);
    expect(trade).toMatchObject({
      trade_id: tradeIdOf(clientOrderIdOf(intent.intent_id)),
      quantity: 580,
      remaining_quantity: 420,
      exit_price: 0.1832,
      fee_quote: 0.053128,
      confidence: intent.confidence_at_entry,
      exit_reason: intent.reason,
      origin: 'HARVEST',
      closed_at: FILL_AT,
    });
  });

  it('a SHORT gains when the price falls', () => {
    const intent = anIntent({ side: 'SHORT', entry: 100, stop: 102, fraction: 0.58 });
    const trade = tradeOf(intent, 'paper', orderFor(intent, '97', '0'), '420');
    expect([trade.pnl_percent, trade.pnl_quote, trade.risk_quote, trade.mfe_r]).toEqual([3, 1740, 1160, 1.5]);
  });

  it('is never closed before it was opened', () => {
    const intent = anIntent();
    expect(tradeOf(intent, 'paper', orderFor(intent, '101', '1', OPENED_AT - 5), '0').closed_at).toBe(OPENED_AT);
  });
});

const LONG = { side: 'LONG', entry_price: 100, initial_stop_price: 98, peak_price: 108, worst_price: 99 } as const;
const SHORT = { side: 'SHORT', entry_price: 100, initial_stop_price: 102, peak_price: 92, worst_price: 101 } as const;

it.each([
  ['inside what was observed', LONG, 107, { mae_r: -0.5, mfe_r: 4 }],
  ['better than any mark', LONG, 110, { mae_r: -0.5, mfe_r: 5 }],
  ['worse than any mark', LONG, 95, { mae_r: -2.5, mfe_r: 4 }],
  ['of a SHORT', SHORT, 93, { mae_r: -0.5, mfe_r: 4 }],
  ['of a SHORT, worse than any mark', SHORT, 106, { mae_r: -3, mfe_r: 4 }],
  ['without a stop', { ...LONG, initial_stop_price: null }, 107, { mae_r: null, mfe_r: null }],
  ['without prices', { ...LONG, peak_price: null, worst_price: null }, 107, { mae_r: null, mfe_r: null }],
])('an exit %s', (_, position, exit, expected) => {
  expect(excursionsOf(position, exit)).toEqual(expected);
});

it('a stop at the entry is no risk to measure by', () => {
  expect(riskOf({ entry_price: 100, initial_stop_price: 100 }, new Exact(1))).toBeNull();
  expect(riskOf(LONG, new Exact('0.5'))?.toNumber()).toBe(1);
});
