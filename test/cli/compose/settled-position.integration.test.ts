import { expect, it } from 'vitest';
import { TOPICS } from '../../../schemas/topics.ts';
import { DeskOnBinance } from './desk-on-binance.ts';

it.each([
  ['all symbols', null],
  ['--symbols that name it', ['OLDUSDT', 'BTCUSDT']],
])(
  'EXC-40, %s: a position that is settled while the desk is down is a trade at the price of its settlement, though its market is gone',
  async (_, symbols) => {
    const desk = await DeskOnBinance.open({}, symbols);
    const { exchange } = desk.server;
    for (const symbol of ['OLDUSDT', 'BTCUSDT']) {
      exchange.setMarket({ symbol, price: '101', lotStep: '0.1' });
      exchange.open({ symbol, side: 'LONG', quantity: '7', price: '100', at: exchange.now() - 60_000 });
    }
    const before = await desk.run({}, ['scoring']);
    const { position_id } = await desk.recordWhere(TOPICS.positionSnapshot.name, ({ symbol }) => symbol === 'OLDUSDT');
    before.drain.abort();
    await before.done;
    exchange.setMark('OLDUSDT', '90');
    exchange.close('OLDUSDT', 'LONG', 'settlement');
    desk.server.changes.add({ fault: 'symbol-dropped', symbol: 'OLDUSDT' });
    await desk.run();
    const trade = await desk.recordWhere(TOPICS.tradeClosed.name, ({ symbol }) => symbol === 'OLDUSDT');
    const [fill] = exchange.orders.account.fillsOf('OLDUSDT').slice(-1);
    expect(trade).toMatchObject({
      position_id,
      origin: 'EXTERNAL',
      exit_reason: 'settlement',
      quantity: 7,
      remaining_quantity: 0,
      exit_price: fill?.price.toNumber(),
      fee_quote: fill?.commission.toNumber(),
      funding_quote: 0,
      unknown_costs: [],
    });
    const outcome = await desk.recordWhere(TOPICS.clmOutcome.name, ({ status }) => status === 'FINAL');
    expect(outcome).toMatchObject({ position_id, slices: [trade.trade_id] });
  },
);
