import { Exact } from '../../ports/exact-decimal.ts';
import type { Direction } from './account.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import {
  type EndpointCall,
  type Endpoint,
  type EndpointTable,
  open,
  limitOf,
  mandatory,
  symbolOf,
  wholeOf,
} from './endpoint.ts';
import type { Level } from './market.ts';
import { marketReply } from './replies.ts';

/** Unit: candles. */
const USUAL_CANDLES = 500;
const MOST_CANDLES = 1500;

/** Unit: levels of one side of the book. */
const USUAL_LEVELS = 500;
const MOST_LEVELS = 1000;

/** The interval of funding. Unit: milliseconds. */
const FUNDING_MS = 8 * 60 * 60 * 1000;

/** Public endpoints. */
export const MARKET_ENDPOINTS: EndpointTable = {
  'GET /fapi/v1/ping': open(() => ({})),
  'GET /fapi/v1/time': open(({ exchange }) => ({ serverTime: exchange.now() })),
  'GET /fapi/v1/exchangeInfo': open(({ exchange, allowances }) => ({
    timezone: 'UTC',
    serverTime: exchange.now(),
    futuresType: 'U_MARGINED',
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: allowances.weightPerMinute },
      { rateLimitType: 'ORDERS', interval: 'MINUTE', intervalNum: 1, limit: allowances.ordersPerMinute },
      { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: allowances.ordersPer10Seconds },
    ],
    exchangeFilters: [],
    assets: ['USDT', 'USDC'].map((asset) => ({ asset, marginAvailable: true, autoAssetExchange: '-10000' })),
    symbols: [...exchange.orders.markets.values()].map(marketReply),
  })),
  'GET /fapi/v1/klines': open(({ exchange, parameters }) => {
    const level = exchange.priceLevel(symbolOf(parameters));
    const query = {
      interval: mandatory(parameters, 'interval'),
      startTime: wholeOf(parameters, 'startTime') ?? null,
      endTime: wholeOf(parameters, 'endTime') ?? null,
      limit: limitOf(parameters, USUAL_CANDLES, MOST_CANDLES),
    };
    return exchange.candles.of(level, query, exchange.now());
  }),
  'GET /fapi/v1/premiumIndex': eachSymbol((exchange, symbol) => {
    const mark = exchange.orders.mark(symbol).toFixed();
    return {
      symbol,
      markPrice: mark,
      indexPrice: mark,
      estimatedSettlePrice: mark,
      lastFundingRate: '0.00010000',
      interestRate: '0.00010000',
      nextFundingTime: (Math.floor(exchange.now() / FUNDING_MS) + 1) * FUNDING_MS,
      time: exchange.now(),
    };
  }),
  'GET /fapi/v1/ticker/price': eachSymbol(lastPrice),
  'GET /fapi/v2/ticker/price': eachSymbol(lastPrice),
  'GET /fapi/v1/ticker/bookTicker': eachSymbol((exchange, symbol) => {
    const [bid, ask] = [offersOf(exchange, symbol, 'SELL')[0], offersOf(exchange, symbol, 'BUY')[0]];
    return {
      symbol,
      bidPrice: bid?.price.toFixed() ?? '0',
      bidQty: bid?.quantity.toFixed() ?? '0',
      askPrice: ask?.price.toFixed() ?? '0',
      askQty: ask?.quantity.toFixed() ?? '0',
      time: exchange.now(),
      lastUpdateId: 1,
    };
  }),
  'GET /fapi/v1/depth': open(({ exchange, parameters }) => {
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    const limit = limitOf(parameters, USUAL_LEVELS, MOST_LEVELS);
    const side = (direction: Direction): readonly (readonly string[])[] =>
      offersOf(exchange, symbol, direction)
        .slice(0, limit)
        .map(({ price, quantity }) => [price.toFixed(), quantity.toFixed()]);
    const now = exchange.now();
    return { lastUpdateId: 1, E: now, T: now, bids: side('SELL'), asks: side('BUY') };
  }),
};

/** A market without a book shows one level at a tick from the mark price. */
function offersOf(exchange: BinanceExchange, symbol: string, direction: Direction): readonly Level[] {
  const offers = exchange.orders.offers(symbol, direction, exchange.now());
  if (offers !== null) return offers;
  const mark = exchange.orders.mark(symbol);
  const { tick } = exchange.orders.market(symbol);
  return [{ index: 0, price: direction === 'SELL' ? mark.sub(tick) : mark.add(tick), quantity: new Exact(1000) }];
}

function lastPrice(exchange: BinanceExchange, symbol: string): object {
  return { symbol, price: exchange.orders.mark(symbol).toFixed(), time: exchange.now() };
}

/** An object for the given symbol, or a list of all symbols. */
function eachSymbol(of: (exchange: BinanceExchange, symbol: string) => object): Endpoint {
  return open(({ exchange, parameters }: EndpointCall) =>
    parameters.has('symbol')
      ? of(exchange, symbolOf(parameters))
      : [...exchange.orders.markets.keys()].map((symbol) => of(exchange, symbol)),
  );
}
