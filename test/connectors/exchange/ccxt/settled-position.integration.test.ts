import { describe, expect, it } from 'vitest';
import { PositionObserver } from '../../../../pipelines/snapshots/position-observer.ts';
import { type Connected, connect, connectTo } from './a-client.ts';

const SIGNALS = { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) };

function sourceOn({ venue, client }: Pick<Connected, 'venue' | 'client'>): PositionObserver {
  return new PositionObserver({ venue, account: 'main', clock: client.clock, signals: SIGNALS, symbols: null });
}

/** An observed position whose market is delisted. */
async function delisted(symbol = 'OLDUSDT') {
  const connected = await connect();
  const { server, markets } = connected;
  server.exchange.setMarket({ symbol, price: '5', lotStep: '1' });
  server.exchange.open({ symbol, side: 'LONG', quantity: '7', price: '4' });
  const source = sourceOn(connected);
  const { snapshots } = await source.observe();
  expect(snapshots).toMatchObject([{ symbol, quantity: 7 }]);
  server.changes.add({ fault: 'symbol-dropped', symbol });
  markets.forget(symbol);
  await markets.rules(symbol);
  return { ...connected, source, snapshots };
}

describe('a position that the exchange settled in a market that is delisted', () => {
  const slice = { cause: 'SETTLEMENT', quantity: 7, price: 5, remaining_quantity: 0 };

  it('is a slice of its own', async () => {
    const { server, source } = await delisted();
    server.exchange.close('OLDUSDT', 'LONG', 'settlement');
    const { snapshots, reconciled } = await source.observe();
    expect(snapshots).toEqual([]);
    expect(reconciled).toMatchObject([{ symbol: 'OLDUSDT', reductions: [slice], differences: [] }]);
  });

  it.each(['OLDUSDT', 'OLDUSDT_261225'])('EXC-40: %s is known after a restart, too', async (symbol) => {
    const { server, snapshots } = await delisted(symbol);
    server.exchange.close(symbol, 'LONG', 'settlement');
    const restarted = await connectTo(server);
    const source = sourceOn(restarted);
    source.restore(snapshots, []);
    const { reconciled } = await source.observe();
    expect(reconciled).toMatchObject([{ symbol, reductions: [slice], differences: [] }]);
    // The remembered id affects neither later requests nor a reloaded list.
    restarted.markets.forget(symbol);
    expect(await restarted.markets.byId(symbol)).toBeNull();
    expect(await restarted.exchange.rules(symbol)).toBeNull();
  });

  it('EXC-40: a position that is still open there after a restart is reported, and not observed', async () => {
    const { server, snapshots } = await delisted();
    const restarted = await connectTo(server);
    const source = sourceOn(restarted);
    source.restore(snapshots, []);
    for (let cycle = 0; cycle < 2; cycle++) {
      const observed = await source.observe();
      expect(observed.snapshots).toEqual([]);
      expect(observed.missing).toMatchObject([{ symbol: 'OLDUSDT', what: 'positions' }]);
      await restarted.venue.fills('OLDUSDT', server.exchange.now() - 1000);
    }
  });

  it('a settlement without a fill is reported, and no price is invented for it', async () => {
    const { server, snapshots } = await delisted();
    server.exchange.close('OLDUSDT', 'LONG', 'settlement');
    const refusal = { status: 400, code: -1121, msg: 'Invalid symbol.' };
    server.faults.add({ fault: 'refuse', path: '/fapi/v1/userTrades', times: Infinity, reply: refusal });
    const source = sourceOn(await connectTo(server));
    source.restore(snapshots, []);
    const [first] = (await source.observe()).reconciled;
    expect(first).toMatchObject({ reductions: [], differences: [{ kind: 'NO_ANSWER' }] });
  });
});

it('a position of a delisted market is reported, and not observed', async () => {
  const { server, venue } = await connect();
  server.exchange.setMarket({ symbol: 'OLDUSDT', price: '5', lotStep: '1' });
  server.exchange.open({ symbol: 'OLDUSDT', side: 'SHORT', quantity: '7', price: '4' });
  server.changes.add({ fault: 'symbol-dropped', symbol: 'OLDUSDT' });
  expect(await venue.holdings()).toMatchObject({
    holdings: [],
    incomplete: [{ symbol: 'OLDUSDT', side: 'SHORT', quantity: '7', lacks: expect.stringContaining('list') }],
  });
});
