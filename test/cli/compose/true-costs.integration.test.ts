import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../../schemas/topics.ts';
import type { BinanceExchange } from '../../../packages/fake-binance/binance-exchange.ts';
import { DeskOnBinance } from './desk-on-binance.ts';

/** What trades cost, on the whole chain with a local exchange: the case fee-in-another-asset. */

const MINUTE_MS = 60_000;
const BTCUSDT = { symbol: 'BTCUSDT', price: '60000', tick: '0.1', lotStep: '0.001' };
const TRADES = TOPICS.tradeClosed.name;

const CANDLE_MS = 5 * MINUTE_MS;

/** Far more than an indicator looks back, and than the test lasts. Unit: candles. */
const CANDLES = 200;

/** Gives BTCUSDT candles of equal range: those that the exchange makes up differ by the time of day, and whether volatility expands decides too. */
function calm(exchange: BinanceExchange): void {
  const latest = Math.floor(exchange.now() / CANDLE_MS);
  const candle = { open: '60000', high: '60010', low: '59990', close: '60000' };
  const candles = Array.from({ length: CANDLES }, (_, index) => ({
    ...candle,
    openTime: (latest - CANDLES + 10 + index) * CANDLE_MS,
  }));
  exchange.candles.set('BTCUSDT', '5m', candles);
}

/** A LONG of 0.1 opened a minute ago at 60000 with a stop at 59000, harvested at 67000. */
async function harvested(desk: DeskOnBinance, before: (exchange: BinanceExchange) => void = () => {}) {
  const { exchange } = desk.server;
  exchange.setMarket(BTCUSDT);
  calm(exchange);
  exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1', price: '60000', at: exchange.now() - MINUTE_MS });
  exchange.placeStop({ symbol: 'BTCUSDT', side: 'LONG', orderType: 'STOP_MARKET', triggerPrice: '59000' });
  before(exchange);
  await desk.run({}, ['scoring']);
  await desk.recordWhere(TOPICS.harvestIntent.name, ({ initial_stop_price }) => initial_stop_price !== null);
  exchange.setMark('BTCUSDT', '67000');
  await desk.run({}, ['execution', 'clm']);
  return exchange;
}

describe('a fee in another asset', () => {
  it.each([
    ['USDT', '1', 1.507_498_85, 6.936_448_914],
    ['BNFCR', '1', 1.507_498_85, 6.936_448_914],
    ['BNB', '600', 1.507_494, 6.936_449_022],
  ])('%s: converted at the price of the fill, and R takes both legs', async (asset, price, feeQuote, rNet) => {
    const desk = await DeskOnBinance.open({ fills: 2, commissionAsset: asset, commissionAssetPrice: price });
    desk.server.exchange.setMarket({ symbol: 'BNBUSDT', price: '600', tick: '0.01', lotStep: '0.01' });
    await harvested(desk);
    const trade = await desk.recordWhere(TRADES, () => true);
    expect(trade).toMatchObject({
      quantity: 0.045,
      pnl_quote: 314.9977,
      risk_quote: 45,
      fee_quote: feeQuote,
      fee_asset: asset,
      opening_fee_quote: 1.35,
      opening_fee_asset: asset,
      funding_quote: 0,
      unknown_costs: [],
    });
    expect(trade.r_net).toBeCloseTo(rNet, 9);
    const report = await desk.recordWhere(TOPICS.executionReport.name, ({ status }) => status === 'FILLED');
    expect(report).toMatchObject({ fee: feeQuote, fee_asset: asset });
    const outcome = await desk.recordWhere(TOPICS.clmOutcome.name, () => true);
    expect(outcome.r_net).toBeCloseTo(rNet, 9);
    expect(outcome).toMatchObject({ initial_risk_quote: 45, policy_at_close: null, unknown_costs: [] });
  });

  it('without a market for it the figures are null, and the asset is named', async () => {
    const desk = await DeskOnBinance.open({ fills: 2, commissionAsset: 'XYZ', commissionAssetPrice: '3' });
    await harvested(desk);
    expect(await desk.recordWhere(TRADES, () => true)).toMatchObject({
      fee_quote: null,
      fee_asset: 'XYZ',
      fee_amount: 0.502_499_62,
      opening_fee_quote: null,
      opening_fee_asset: 'XYZ',
      funding_quote: 0,
      r_net: null,
      unknown_costs: [
        'fee_quote: no price of XYZ at that time can be had',
        'opening_fee_quote: no price of XYZ at that time can be had',
      ],
    });
  });
});

describe('funding', () => {
  it('is shared by the slices of the position, and their sums are what was paid', async () => {
    const desk = await DeskOnBinance.open({ fills: 2 });
    const exchange = await harvested(desk, (opened) => {
      opened.funding.charge(opened, { symbol: 'BTCUSDT', amount: '4', at: opened.now() - 30_000 });
      opened.funding.charge(opened, { symbol: 'BTCUSDT', amount: '-1', at: opened.now() - 20_000 });
    });
    const first = await desk.recordWhere(TRADES, () => true);
    expect(first).toMatchObject({ quantity: 0.045, funding_quote: 1.35, pnl_net_quote: 310.790_201_15 });
    exchange.close('BTCUSDT', 'LONG', 'web');
    await desk.recordWhere(TRADES, ({ remaining_quantity }) => remaining_quantity === 0);
    const outcome = await desk.recordWhere(TOPICS.clmOutcome.name, ({ status }) => status === 'FINAL');
    expect(outcome.opening_fee_quote).toBeCloseTo(3, 9);
    expect(outcome.funding_quote).toBeCloseTo(3, 9);
  });

  it('that the exchange does not tell is null and named, and holds up no trade', async () => {
    const desk = await DeskOnBinance.open({ fills: 2 });
    for (let fault = 0; fault < 100; fault++) desk.server.faults.add({ fault: '500', path: '/fapi/v1/income' });
    await harvested(desk);
    const trade = await desk.recordWhere(TRADES, () => true);
    expect(trade).toMatchObject({ fee_quote: 1.507_498_85, opening_fee_quote: 1.35, funding_quote: null, r_net: null });
    expect(trade.unknown_costs).toEqual([expect.stringMatching(/^funding_quote: .*income|funding/)]);
  });
});
