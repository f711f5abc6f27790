import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CcxtVenue } from '../../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../../connectors/exchange/ccxt/venue-markets.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import { connect, settingsFor } from './a-client.ts';
import { lyingProxy } from './lying-proxy.ts';

type Row = Readonly<Record<string, unknown>>;

/** The fields of a position that Binance sends. */
const FIELDS = [
  'symbol',
  'positionSide',
  'positionAmt',
  'entryPrice',
  'breakEvenPrice',
  'markPrice',
  'unRealizedProfit',
  'liquidationPrice',
  'isolatedMargin',
  'notional',
  'marginAsset',
  'initialMargin',
  'maintMargin',
  'updateTime',
] as const;

const MISSING = Symbol('missing');
const VALUES = [
  MISSING,
  null,
  '',
  'n/a',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '1e400',
  '1e30',
  '-99999999999999999999999999',
  '0x10',
  0,
  -5,
  1e21,
  true,
  [],
  {},
  '\u{1F4A3}',
] as const;

const Lie = record({ field: constantFrom(...FIELDS), value: constantFrom(...VALUES) });

describe('rows of positions that are not as they should be', () => {
  it('EXC-18: cost nobody but themselves, whatever stands in them', async () => {
    const { server } = await connect();
    for (const symbol of ['ETHUSDT', 'SOLUSDT']) server.exchange.setMarket({ symbol, price: '100', lotStep: '0.1' });
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']) {
      server.exchange.open({ symbol, side: 'SHORT', quantity: '2', price: '110' });
    }
    let lies: readonly { readonly field: string; readonly value: unknown }[] = [];
    const url = await lyingProxy(server.url, (_, path, answered) => {
      if (!path.includes('/positionRisk')) return undefined;
      const rows = (answered.body as readonly Row[]).map((row) =>
        row['symbol'] === 'ETHUSDT' ? spoilt(row, lies) : row,
      );
      return { ...answered, body: rows };
    });
    const client = await VenueClient.open(settingsFor(url), new SystemClock(), SILENT_LOGGER);
    await client.measureClock();
    const venue = new CcxtVenue(client, new VenueMarkets(client));
    let incompleteSeen = 0;
    await assert(
      asyncProperty(array(Lie, { minLength: 1, maxLength: 3 }), async (told) => {
        lies = told;
        const { holdings, incomplete } = await venue.holdings();
        const whole = holdings.filter(({ symbol }) => symbol !== 'ETHUSDT');
        expect(whole.map(({ symbol, side, quantity }) => [symbol, side, quantity])).toEqual([
          ['BTCUSDT', 'SHORT', '2'],
          ['SOLUSDT', 'SHORT', '2'],
        ]);
        for (const one of holdings) {
          for (const figure of [one.quantity, one.entryPrice, one.markPrice]) {
            expect(Number(figure)).toBeGreaterThan(0);
            expect(Number.isFinite(Number(figure))).toBe(true);
          }
        }
        for (const { lacks } of incomplete) expect(lacks).not.toBe('');
        incompleteSeen += incomplete.length;
      }),
      { numRuns: 250 },
    );
    expect(incompleteSeen).toBeGreaterThan(50);
  });
});

function spoilt(row: Row, lies: readonly { readonly field: string; readonly value: unknown }[]): Row {
  const changed: Record<string, unknown> = { ...row };
  for (const { field, value } of lies) {
    if (value === MISSING) delete changed[field];
    else changed[field] = value;
  }
  return changed;
}
