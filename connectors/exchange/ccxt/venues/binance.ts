/** Binance USD-M futures, by its list of error codes and its documentation of each endpoint. */
import type { Exchange as CcxtExchange } from 'ccxt';
import {
  ABSENT,
  AGAIN,
  DUPLICATE_ID,
  OTHER_MODE,
  RESYNC,
  TAKEN_OR_NOT,
  codeTable,
  otherRules,
  refused,
} from './code-rules.ts';
import type { EpochMillis } from '../../../../ports/clock.ts';
import { type NamedMarket, type UnlistedMarket, type VenueTraits, UNTRIED } from './venue-traits.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** Income is told of for three months; a day less, so that the first one is whole. Unit: milliseconds. */
const FUNDING_REACH_MS = 89 * 24 * 60 * 60 * 1000;

const CODES = codeTable({
  // Internal error, disconnected, unexpected response, time-out: execution status unknown.
  '-1000': TAKEN_OR_NOT,
  '-1001': TAKEN_OR_NOT,
  '-1006': TAKEN_OR_NOT,
  '-1007': TAKEN_OR_NOT,
  '-4116': DUPLICATE_ID,
  // Too many requests or orders, system overloaded.
  '-1003': AGAIN,
  '-1008': AGAIN,
  '-1015': AGAIN,
  // At the gateway, or at the matching engine.
  '-1021': RESYNC,
  '-5028': RESYNC,
  // The order names no side where the account is in hedge mode, or one where it is not; reduceOnly where that goes without saying.
  '-4061': OTHER_MODE,
  '-1106': OTHER_MODE,
  // Filters of the market, and no such market.
  '-1111': otherRules('precision'),
  '-4003': otherRules('min-quantity'),
  '-4004': otherRules('min-quantity'),
  '-1013': otherRules('min-quantity'),
  '-4005': otherRules('max-quantity'),
  '-4023': otherRules('other'),
  '-4164': otherRules('min-notional'),
  '-1121': otherRules('symbol'),
  // Price: too low, too high, off the tick; PERCENT_PRICE of the order, or of the best price on the other side.
  '-4001': otherRules('price'),
  '-4002': otherRules('price'),
  '-4014': otherRules('price'),
  '-4016': refused('price'),
  '-4024': refused('price'),
  '-4131': refused('price'),
  '-5022': refused('would-take'),
  '-2022': refused('reduce-only'),
  // The position is bespoken by orders that rest.
  '-4118': refused('blocked'),
  '-2019': refused('margin'),
  '-2013': ABSENT,
  // An order that is to be cancelled does not rest.
  '-2011': ABSENT,
  // The signature, the key's form, the key or what it may do.
  '-1002': refused('keys'),
  '-1022': refused('keys'),
  '-2008': refused('keys'),
  '-2014': refused('keys'),
  '-2015': refused('keys'),
});

/**
 * The client order ids that Binance gives to orders of its own making, by their beginnings (its documentation of the
 * ORDER_TRADE_UPDATE event). The longer one of two comes first.
 */
const MADE_BY = [
  ['adl_autoclose', 'ADL'],
  ['settlement_autoclose-', 'SETTLEMENT'],
  ['delivery_autoclose-', 'SETTLEMENT'],
  ['autoclose-', 'LIQUIDATION'],
] as const;

export const BINANCE: VenueTraits = {
  ...UNTRIED,
  codes: CODES,
  allowance: { perMinute: 2400, burst: 600, usedHeader: 'x-mbx-used-weight-1m' },
  clientOrderIds: 'verbatim',
  practice: 'demo-trading',
  // An empty table keeps ccxt from asking for brackets that only margins need.
  ccxtOptions: { leverageBrackets: {} },
  fills: { ...UNTRIED.fills, page: 1000, windowMs: WEEK_MS, next: { kind: 'from-id', parameter: 'fromId' } },
  // Accounts of the European Economic Area in credits mode are charged in BNFCR.
  credits: { BNFCR: ['USDT', 'USDC', 'USD'] },
  funding: { reachMs: FUNDING_REACH_MS, page: fundingByRow },
  unlisted: unlistedMarket,
  positions: positionsByRow,
  madeBy: (clientOrderId) => MADE_BY.find(([beginning]) => clientOrderId?.startsWith(beginning) === true)?.[1] ?? null,
  unfit: ({ options }) =>
    Promise.resolve(
      options['portfolioMargin'] === true
        ? 'portfolio margin (its endpoints, /papi, have not been tried): use a futures account'
        : null,
    ),
};

/** USD-M ids are base, quote and, of contracts that are delivered, the day; each contract is of one of the base currency. */
function unlistedMarket(id: string, quotes: ReadonlySet<string>): UnlistedMarket | null {
  const [, pair, day] = /^(.+?)(_\d{6})?$/u.exec(id) ?? [];
  const quote = [...quotes].find((one) => pair?.endsWith(one) === true && pair.length > one.length);
  if (pair === undefined || quote === undefined) return null;
  return { base: pair.slice(0, -quote.length), quote, contractSize: '1', perpetual: day === undefined };
}

/** Of ccxt's client of Binance what its type does not say. */
interface BinanceApi {
  fapiPrivateV3GetPositionRisk(parameters: object): Promise<unknown>;
  parsePositionRisk(row: unknown): unknown;
  fapiPrivateGetIncome(parameters: object): Promise<unknown>;
  parseIncome(row: unknown): unknown;
}

/** Each row by itself: ccxt's list leaves out one without a time, and takes an answer that is no list for an empty one. */
async function fundingByRow(api: CcxtExchange, since: EpochMillis, limit: number): Promise<readonly unknown[]> {
  const binance = api as unknown as BinanceApi;
  const rows = await binance.fapiPrivateGetIncome({ incomeType: 'FUNDING_FEE', startTime: since, limit });
  if (!Array.isArray(rows)) throw new Error('the list of payments is no list');
  return rows.map((row) => binance.parseIncome(row));
}

/** Each row by itself: ccxt's list fails whole where one figure of one row is none. */
async function positionsByRow(api: CcxtExchange, market: NamedMarket | null): Promise<readonly unknown[]> {
  await api.loadMarkets();
  const binance = api as unknown as BinanceApi;
  const rows = await binance.fapiPrivateV3GetPositionRisk(market === null ? {} : { symbol: market.id });
  if (!Array.isArray(rows)) throw new Error('the list of positions is no list');
  return rows.map((row: unknown) => {
    const info = typeof row === 'object' && row !== null ? { ...row } : {};
    const symbol: unknown = 'symbol' in info ? info.symbol : null;
    try {
      return binance.parsePositionRisk(row);
    } catch {
      return { symbol, info };
    }
  });
}
