/**
 * `npm run bench -- weight [--hours 24]`: what a desk of thirty positions costs an exchange in requests, looked at every thirty seconds. ccxt's
 * real client on the local exchange, whose count of each minute it is; the clock of both is moved by hand, so that a day takes minutes. Each order
 * is asked about as a whole close is. The user data stream, which costs a listen key and a look at each change, is left out.
 */
import { CcxtExchange, AccountMode } from '../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../connectors/exchange/ccxt/ccxt-venue.ts';
import { PRIORITIES } from '../connectors/exchange/ccxt/request-queue.ts';
import { VenueClient } from '../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../connectors/exchange/ccxt/venue-markets.ts';
import { BINANCE } from '../connectors/exchange/ccxt/venues/binance.ts';
import { SeededRandom } from '../connectors/system/seeded-random.ts';
import { BINANCE_ALLOWANCES, TEST_KEYS, BinanceServer } from '../packages/fake-binance/binance-server.ts';
import { PositionObserver } from '../pipelines/snapshots/position-observer.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { ClientOrderId, PositionSnapshot } from '../schemas/generated/records.ts';
import { HandClock, settled } from '../test/connectors/exchange/ccxt/hand-clock.ts';
import { type Figure, spread } from './measure.ts';

const POSITIONS = 30;
const CYCLE_MS = 30_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A desk of thirty closes a part of one every ten minutes; by hand one is opened anew every hour. Unit: cycles. */
const CYCLES_AN_ORDER = 20;
const CYCLES_AN_OPENING = 120;

/** The oldest was opened so long ago. Unit: days. */
const OLDEST = 150;

export async function benchWeight(hours: number, add: (figure: Figure) => void): Promise<void> {
  const clock = new HandClock(Date.UTC(2026, 6, 1));
  const stream = new SeededRandom(1).stream('desk');
  const server = await BinanceServer.start({ clock });
  const credentials = { ...TEST_KEYS, passphrase: null };
  const settings = {
    id: 'binanceusdm',
    stake: 'demo',
    credentials,
    url: server.url,
    traits: BINANCE,
    ccxt: {},
  } as const;
  const client = await VenueClient.open(settings, clock, SILENT_LOGGER);
  const underWay = countRequests(client);
  const during = <T>(work: Promise<T>): Promise<T> => whileTimePasses(work, clock, underWay);
  /** By minute. Unit: share of the allowance. */
  const used = new Map<number, number>();
  const note = (): void => {
    const minute = Math.floor(clock.now() / MINUTE_MS);
    used.set(minute, Math.max(used.get(minute) ?? 0, client.queue.used ?? 0));
  };
  try {
    const symbols = Array.from({ length: POSITIONS }, (_, index) => `S${index}USDT`);
    for (const [index, symbol] of symbols.entries()) {
      server.exchange.setMarket({ symbol, price: '100', tick: '0.01', lotStep: '0.01' });
      const days = OLDEST * (index / POSITIONS) ** 2;
      server.exchange.open({ symbol, side: 'LONG', quantity: '20', price: '95', at: clock.now() - days * DAY_MS - 1 });
    }
    await during(client.measureClock());
    const markets = new VenueMarkets(client);
    await during(markets.ready());
    const exchange = new CcxtExchange(client, markets, await during(AccountMode.of(client)));
    const signals = { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) };
    const venue = new CcxtVenue(client, markets);
    const source = new PositionObserver({ venue, account: 'main', clock: client.clock, signals, symbols: null });
    let observed: readonly PositionSnapshot[] = [];
    let fewest = Infinity;
    for (let cycle = 0; cycle < (hours * HOUR_MS) / CYCLE_MS; cycle++) {
      const startedAt = clock.now();
      for (const symbol of symbols) server.exchange.setMark(symbol, (100 + 5 * stream.uniform()).toFixed(2));
      const symbol = symbols[stream.integer(0, POSITIONS - 1)] ?? '';
      if (cycle % CYCLES_AN_OPENING === CYCLES_AN_OPENING - 1) {
        server.exchange.close(symbol, 'LONG');
        server.exchange.open({ symbol, side: 'LONG', quantity: '20', price: '100', at: clock.now() });
      } else if (cycle % CYCLES_AN_ORDER === CYCLES_AN_ORDER - 1) {
        const position = observed.find((one) => one.symbol === symbol);
        if (position !== undefined) {
          await during(exchange.position(position));
          const clientOrderId = `bench-${cycle}` as ClientOrderId;
          await during(exchange.place({ clientOrderId, position, quantity: '0.5', pricing: { kind: 'market' } }));
          // What a whole close asks besides: what rests, and what it cost.
          await during(exchange.resting(symbol, 'LONG'));
          await during(exchange.charges(position));
        }
      }
      ({ snapshots: observed } = await during(source.observe()));
      fewest = Math.min(fewest, observed.length);
      note();
      while (clock.step(startedAt + CYCLE_MS)) {
        note();
        await settled();
      }
      clock.set(startedAt + CYCLE_MS);
    }
    const shares = [...used.values()].map((share) => 100 * share);
    add({ name: `weight a minute, ${POSITIONS} positions, ${hours} h`, unit: '% of the limit', value: spread(shares) });
    add({ name: 'the limit', unit: 'weight/min', value: spread([BINANCE_ALLOWANCES.weightPerMinute]) });
    for (const priority of PRIORITIES) {
      const value = spread([client.queue.spent[priority] / (hours * 60)]);
      add({ name: `of it for ${priority}`, unit: 'weight/min', value });
    }
    add({ name: 'positions observed in each cycle', unit: 'at least', value: spread([fewest]) });
  } finally {
    await server.close();
  }
}

/** How many requests have no answer yet. */
function countRequests({ api }: VenueClient): () => number {
  const original = api.fetch.bind(api);
  let underWay = 0;
  const counted: typeof original = async (...request) => {
    underWay += 1;
    try {
      return await original(...request);
    } finally {
      underWay -= 1;
    }
  };
  Object.assign(api, { fetch: counted });
  return () => underWay;
}

/** Requests take no time by the clock; what waits for its turn in the queue does. */
async function whileTimePasses<T>(work: Promise<T>, clock: HandClock, underWay: () => number): Promise<T> {
  const state = { isDone: false };
  const end = (): void => {
    state.isDone = true;
  };
  work.then(end, end);
  for (let idle = 0; !state.isDone;) {
    await settled();
    idle = underWay() > 0 ? 0 : idle + 1;
    if (idle < IDLE_TURNS) continue;
    clock.step(Infinity);
    idle = 0;
  }
  return work;
}

/** So many turns of the event loop without a request, and everything waits for time to pass. */
const IDLE_TURNS = 20;
