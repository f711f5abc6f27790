import { expect, it } from 'vitest';
import { PositionSource } from '../../../../pipelines/snapshots/position-source.ts';
import { connect } from './a-client.ts';

it('a position that the exchange settled is a slice of its own, though its market is on no list any more', async () => {
  const { server, client, markets, venue } = await connect();
  server.exchange.setMarket({ symbol: 'OLDUSDT', price: '5', lotStep: '1' });
  server.exchange.open({ symbol: 'OLDUSDT', side: 'LONG', quantity: '7', price: '4' });
  const signals = { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) };
  const source = new PositionSource({ venue, account: 'main', clock: client.clock, signals, symbols: null });
  expect((await source.observe()).snapshots).toMatchObject([{ symbol: 'OLDUSDT', quantity: 7 }]);
  server.changes.add({ fault: 'symbol-dropped', symbol: 'OLDUSDT' });
  markets.forget('OLDUSDT');
  server.exchange.close('OLDUSDT', 'LONG', 'settlement');
  const { snapshots, reconciled } = await source.observe();
  expect(snapshots).toEqual([]);
  expect(reconciled).toMatchObject([
    { symbol: 'OLDUSDT', reductions: [{ cause: 'SETTLEMENT', quantity: 7, remaining_quantity: 0 }], differences: [] },
  ]);
});

it('a position of a market that is on no list is named, and observed by nobody', async () => {
  const { server, venue } = await connect();
  server.exchange.setMarket({ symbol: 'OLDUSDT', price: '5', lotStep: '1' });
  server.exchange.open({ symbol: 'OLDUSDT', side: 'SHORT', quantity: '7', price: '4' });
  server.changes.add({ fault: 'symbol-dropped', symbol: 'OLDUSDT' });
  expect(await venue.holdings()).toMatchObject({
    holdings: [],
    incomplete: [{ symbol: 'OLDUSDT', side: 'SHORT', quantity: '7', lacks: expect.stringContaining('list') }],
  });
});
