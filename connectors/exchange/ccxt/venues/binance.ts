/** Binance USD-M futures, from its list of error codes and its documentation of each endpoint. */
import type { Exchange as CcxtExchange } from 'ccxt';
import {
  ABSENT,
  RETRY,
  DUPLICATE_ID,
  WRONG_MODE,
  RESYNC,
  EXECUTION_UNKNOWN,
  codeTable,
  rulesChanged,
  rejected,
} from './code-rules.ts';
import type { EpochMillis } from '../../../../ports/clock.ts';
import type { KeyRights } from '../../../../ports/desk-probe.ts';
import { type Info, type NamedMarket, type UnlistedMarket, type VenueTraits, DEFAULT_TRAITS } from './venue-traits.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** Binance lists three months of income; a day less, so that the first day is complete. Unit: milliseconds. */
const FUNDING_REACH_MS = 89 * 24 * 60 * 60 * 1000;

const CODES = codeTable({
  // Internal error, disconnected, unexpected response, time-out.
  '-1000': EXECUTION_UNKNOWN,
  '-1001': EXECUTION_UNKNOWN,
  '-1006': EXECUTION_UNKNOWN,
  '-1007': EXECUTION_UNKNOWN,
  '-4116': DUPLICATE_ID,
  // Too many requests or orders, system overloaded.
  '-1003': RETRY,
  '-1008': RETRY,
  '-1015': RETRY,
  // The timestamp, checked by the gateway or by the matching engine.
  '-1021': RESYNC,
  '-5028': RESYNC,
  // positionSide missing in hedge mode or given in one-way mode; reduceOnly given in hedge mode.
  '-4061': WRONG_MODE,
  '-1106': WRONG_MODE,
  // The market's filters; no such market.
  '-1111': rulesChanged('precision'),
  '-4003': rulesChanged('min-quantity'),
  '-4004': rulesChanged('min-quantity'),
  '-1013': rulesChanged('min-quantity'),
  '-4005': rulesChanged('max-quantity'),
  '-4023': rulesChanged('other'),
  '-4164': rulesChanged('min-notional'),
  '-1121': rulesChanged('symbol'),
  // The price is too low, too high or off the tick; PERCENT_PRICE for the order, or for the best price of the other side.
  '-4001': rulesChanged('price'),
  '-4002': rulesChanged('price'),
  '-4014': rulesChanged('price'),
  '-4016': rejected('price'),
  '-4024': rejected('price'),
  '-4131': rejected('price'),
  '-5022': rejected('would-take'),
  '-2022': rejected('reduce-only'),
  // Resting orders already reduce the whole position.
  '-4118': rejected('blocked'),
  '-2019': rejected('margin'),
  '-2013': ABSENT,
  // The order to be cancelled is not open.
  '-2011': ABSENT,
  // The signature, the form of the key, the key itself or its permissions.
  '-1002': rejected('keys'),
  '-1022': rejected('keys'),
  '-2008': rejected('keys'),
  '-2014': rejected('keys'),
  '-2015': rejected('keys'),
});

/**
 * Prefixes of the client order ids that Binance gives to its own orders (documented with the ORDER_TRADE_UPDATE event). A prefix that
 * contains another comes first.
 */
const MADE_BY = [
  ['adl_autoclose', 'ADL'],
  ['settlement_autoclose-', 'SETTLEMENT'],
  ['delivery_autoclose-', 'SETTLEMENT'],
  ['autoclose-', 'LIQUIDATION'],
] as const;

export const BINANCE: VenueTraits = {
  ...DEFAULT_TRAITS,
  codes: CODES,
  allowance: { perMinute: 2400, burst: 600, usedHeader: 'x-mbx-used-weight-1m' },
  clientOrderIds: 'verbatim',
  practice: 'demo-trading',
  // An empty table keeps ccxt from requesting leverage brackets, which are needed for margins only.
  ccxtOptions: { leverageBrackets: {} },
  fills: { ...DEFAULT_TRAITS.fills, page: 1000, windowMs: WEEK_MS, next: { kind: 'from-id', parameter: 'fromId' } },
  // Accounts of the European Economic Area in credits mode pay fees in BNFCR.
  credits: { BNFCR: ['USDT', 'USDC', 'USD'] },
  funding: { reachMs: FUNDING_REACH_MS, page: fundingByRow },
  unlisted: unlistedMarket,
  positions: positionsByRow,
  madeBy: (clientOrderId) => MADE_BY.find(([beginning]) => clientOrderId?.startsWith(beginning) === true)?.[1] ?? null,
  unsupportedAccount: ({ options }) =>
    Promise.resolve(
      options['portfolioMargin'] === true
        ? 'portfolio margin (its endpoints, /papi, have not been tried): use a futures account'
        : null,
    ),
  keyRights,
};

/** A USD-M id is base and quote, and the day of delivery where there is one. A contract is one unit of the base currency. */
function unlistedMarket(id: string, quotes: ReadonlySet<string>): UnlistedMarket | null {
  const [, pair, day] = /^(.+?)(_\d{6})?$/u.exec(id) ?? [];
  const quote = [...quotes].find((one) => pair?.endsWith(one) === true && pair.length > one.length);
  if (pair === undefined || quote === undefined) return null;
  return { base: pair.slice(0, -quote.length), quote, contractSize: '1', perpetual: day === undefined };
}

/** Methods of ccxt's Binance client that its types leave out. */
interface BinanceApi {
  fapiPrivateV3GetPositionRisk(parameters: object): Promise<unknown>;
  parsePositionRisk(row: unknown): unknown;
  fapiPrivateGetIncome(parameters: object): Promise<unknown>;
  sapiGetAccountApiRestrictions(): Promise<unknown>;
  parseIncome(row: unknown): unknown;
}

/** The restrictions of the key, which belong to the whole account and not to futures. */
async function keyRights(api: CcxtExchange): Promise<KeyRights> {
  const found = await (api as unknown as BinanceApi).sapiGetAccountApiRestrictions();
  const fields: Info = typeof found === 'object' && found !== null ? { ...found } : {};
  const flag = (name: string): boolean | null => (typeof fields[name] === 'boolean' ? fields[name] : null);
  const bound = flag('ipRestrict');
  return {
    withdraw: flag('enableWithdrawals'),
    trade: flag('enableFutures'),
    anyAddress: bound === null ? null : !bound,
  };
}

/** Parses each row on its own: ccxt's list drops rows without a time, and takes an answer that is no list for an empty one. */
async function fundingByRow(api: CcxtExchange, since: EpochMillis, limit: number): Promise<readonly unknown[]> {
  const binance = api as unknown as BinanceApi;
  const rows = await binance.fapiPrivateGetIncome({ incomeType: 'FUNDING_FEE', startTime: since, limit });
  if (!Array.isArray(rows)) throw new Error('the list of payments is no list');
  return rows.map((row) => binance.parseIncome(row));
}

/** Parses each row on its own: ccxt's list fails as a whole over one malformed number in one row. */
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
