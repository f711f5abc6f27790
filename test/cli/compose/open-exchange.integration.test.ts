import { describe, expect, it, onTestFinished } from 'vitest';
import { openExchange, openLivePaper } from '../../../cli/compose/open-exchange.ts';
import type { VenueSettings } from '../../../connectors/exchange/ccxt/venue-settings.ts';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Logger } from '../../../ports/logger.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { settingsFor } from '../../connectors/exchange/ccxt/a-client.ts';

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT'];
const clock = new SystemClock();

/** The local exchange with four markets, BTCUSDT and ETHUSDT open, and what is logged at warn or above. */
async function exchangeWith(given: Partial<VenueSettings>, symbols: readonly string[] | null) {
  const server = await BinanceServer.start({ weightPerMinute: 1e9 });
  onTestFinished(() => server.close());
  for (const symbol of SYMBOLS) server.exchange.setMarket({ symbol, price: '100', tick: '0.1', lotStep: '0.001' });
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    server.exchange.open({ symbol, side: 'LONG', quantity: '1', price: '90' });
  }
  const warnings: string[] = [];
  const warn = (_fields: object, text: string): void => void warnings.push(text);
  const logger: Logger = { debug() {}, info() {}, warn, error: warn };
  const settings = { ...settingsFor(server.url), ...given };
  const opened = await (settings.stake === 'data'
    ? openLivePaper(settings, symbols, paper(), clock, logger)
    : openExchange(settings, symbols, clock, logger));
  return { connect: opened.connect, warnings };
}

function paper(): PaperExchange {
  const made = new PaperExchange({ path: ':memory:', clock, random: new SeededRandom(1), faults: DEFAULT_FAULTS });
  onTestFinished(() => made.close());
  return made;
}

describe.each(['demo', 'live', 'data'] as const)('symbol-the-exchange-lacks, keys: at the start, stake %s', (stake) => {
  it.each([
    [
      ['BTC/USDT:USDT', 'ethusdt', 'BNBUSDT'],
      /BTC\/USDT:USDT \(its id there is BTCUSDT\), ethusdt \(did you mean ETHUSDT\?\)$/,
    ],
    [['btcusdt'], /btcusdt \(did you mean BTCUSDT\?\)$/],
    [['BTCUSDTT', 'ETHUDST'], /BTCUSDTT \(did you mean BTCUSDT\?\), ETHUDST \(did you mean ETHUSDT\?\)$/],
    [['DOGEEUR'], /has no linear market DOGEEUR$/],
  ])('%j is no list of markets: each wrong name is told, with the nearest', async (symbols, message) => {
    const { connect } = await exchangeWith({ stake }, symbols);
    await expect(connect()).rejects.toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) });
  });

  it('what is open and not named is said once; what is named is not', async () => {
    const { connect, warnings } = await exchangeWith({ stake }, ['BTCUSDT', 'SOLUSDT']);
    await connect();
    expect(warnings).toEqual([expect.stringMatching(/^open at binanceusdm and not among --symbols.*: ETHUSDT$/)]);
    const all = await exchangeWith({ stake }, null);
    await all.connect();
    expect(all.warnings).toEqual([]);
  });

  it.each([
    ['another key', { ...TEST_KEYS, key: 'k'.repeat(64) }],
    ['another secret', { ...TEST_KEYS, secret: 's'.repeat(64) }],
  ])('%s is a definite no, not an exchange that is away', async (_what, keys) => {
    const { connect } = await exchangeWith({ stake, credentials: { ...keys, passphrase: null } }, null);
    const refused = await connect().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(refused).toMatchObject({ code: 'KEYS_REFUSED', kind: 'invariant' });
    expect(String(refused)).not.toContain(keys.secret);
  });
});

it('an exchange that does not answer, or lists no market, is away: no name is wrong', async () => {
  const { connect } = await exchangeWith({ url: 'http://127.0.0.1:9' }, ['btcusdt']);
  await expect(connect()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
  const empty = await BinanceServer.start();
  onTestFinished(() => empty.close());
  const { connect: toEmpty } = await exchangeWith({ url: empty.url }, ['btcusdt']);
  await expect(toEmpty()).rejects.toMatchObject({
    code: 'EXCHANGE_AWAY',
    message: expect.stringContaining('none is listed'),
  });
});

it('without keys the paper venue asks nothing about an account', async () => {
  const { connect, warnings } = await exchangeWith({ stake: 'data', credentials: null }, ['BTCUSDT']);
  await connect();
  expect(warnings).toEqual([]);
});
