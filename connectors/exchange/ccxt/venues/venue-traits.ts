import type { Exchange as CcxtExchange } from 'ccxt';
import type { EpochMillis } from '../../../../ports/clock.ts';
import type { KeyRights } from '../../../../ports/desk-probe.ts';
import type { DecimalText } from '../../../../ports/exchange.ts';
import { type CodeTable, codeTable } from './code-rules.ts';

/** An exchange's rate limit for one address. */
export interface Allowance {
  /** Unit: weight, as ccxt counts requests. */
  readonly perMinute: number;
  /** The most that may be spent at once. Unit: weight. */
  readonly burst: number;
  /** The reply header with the weight used in the running minute; null where there is none. */
  readonly usedHeader: string | null;
}

/** A market by the exchange's id and by ccxt's symbol. */
export interface NamedMarket {
  /** The exchange's id. */
  readonly id: string;
  /** ccxt's symbol. */
  readonly symbol: string;
}

/** An order by the exchange's id, or by its client order id in the exchange's form. */
export type OrderName = { readonly orderId: string } | { readonly clientOrderId: string };

/** In one-way mode a symbol has one position; in hedge mode a long and a short one, and orders name the side. */
export type PositionMode = 'one-way' | 'hedge';

/** The exchange's own fields of a market, order, fill or position: ccxt's `info`. */
export type Info = Readonly<Record<string, unknown>>;

/**
 * How the page after a full page of fills is requested:
 * - `from-id`  pages are oldest first; the next one starts at the id of the last fill, without times, up to the newest fill
 * - `older`    pages are newest first; a cursor made of the page's rows leads to older ones, null where there are none
 * - `by-time`  pages are oldest first; the next one starts at the time of the last fill
 */
type NextFills =
  | { readonly kind: 'from-id'; readonly parameter: string }
  | { readonly kind: 'older'; readonly parameters: (rows: readonly Info[]) => object | null }
  | { readonly kind: 'by-time' };

/** How an exchange lists fills. */
interface FillPages {
  /** The most in one answer. Unit: fills. */
  readonly page: number;
  /** The longest time span of one request; null: any. Unit: milliseconds. */
  readonly windowMs: number | null;
  /** How far back fills are listed, where the exchange silently omits older ones; null: it rejects such requests. Unit: milliseconds. */
  readonly reachMs: number | null;
  readonly next: NextFills;
  /** The parameter that restricts a request to the fills of one order. */
  readonly orderParameter: string;
  /** Parameters of every request. */
  readonly parameters: object;
  /** Whether a row is a fill: some exchanges list funding payments among fills. */
  readonly isFill: (row: Info) => boolean;
}

/** What must be known of a delisted market to read the fills and orders of positions there. */
export interface UnlistedMarket {
  readonly base: string;
  readonly quote: string;
  /** Unit: base currency. */
  readonly contractSize: DecimalText;
  /** False: a dated contract. */
  readonly perpetual: boolean;
}

/** How an exchange lists funding payments. */
export interface FundingList {
  /** How far back payments are listed. Unit: milliseconds. */
  readonly reachMs: number;
  /** The first `limit` payments of all markets from `since` on, each as ccxt parses it, including rows with malformed numbers. */
  readonly page: (api: CcxtExchange, since: EpochMillis, limit: number) => Promise<readonly unknown[]>;
}

/**
 * What differs between exchanges and ccxt does not unify: data, and the few requests that each exchange needs in its own form. Each known
 * exchange has a file of its own here; any other works by ccxt's unified methods alone (DEFAULT_TRAITS).
 */
export interface VenueTraits {
  readonly codes: CodeTable;
  /** Null: unknown, and requests are paced by ccxt's rateLimit. */
  readonly allowance: Allowance | null;
  /** The form of client order ids that the exchange accepts: as they are, or at most 32 letters and digits. */
  readonly clientOrderIds: 'verbatim' | 'alphanumeric-32';
  /** How ccxt reaches practice accounts; `any`: whichever way it has; null: none. */
  readonly practice: 'demo-trading' | 'sandbox' | 'any' | null;
  /** ccxt's `options`: which markets are loaded, and what ccxt must not request. */
  readonly ccxtOptions: Info;
  readonly fills: FillPages;
  /** What the id of a delisted market says about it; null: too little to interpret its fills. */
  readonly unlisted: (id: string, quotes: ReadonlySet<string>) => UnlistedMarket | null;
  /** The largest market order in contracts, for exchanges where ccxt has only the limit for limit orders; null: ccxt has it, or there is none. */
  readonly marketMaximum: (market: Info) => DecimalText | null;
  /** Open positions as ccxt parses them, of one market or of all. */
  readonly positions: (api: CcxtExchange, market: NamedMarket | null) => Promise<readonly unknown[]>;
  /** Null: the exchange states that there is no such order. Throws rejections. */
  readonly findOrder: (api: CcxtExchange, market: NamedMarket, name: OrderName) => Promise<unknown>;
  /** Cancels an order by its client order id. An `absent` rejection states that it is not open. */
  readonly cancelOrder: (api: CcxtExchange, market: NamedMarket, clientOrderId: string) => Promise<unknown>;
  /** Credits in which fees are charged, and the currencies of which a credit is worth one unit. */
  readonly credits: Readonly<Record<string, readonly string[]>>;
  /** Null: the exchange is not known to list funding payments. */
  readonly funding: FundingList | null;
  /** Open orders of the book. */
  readonly openOrders: (api: CcxtExchange, market: NamedMarket) => Promise<readonly unknown[]>;
  /** Cancels an order by the exchange's id; some exchanges number conditional orders separately. Throws rejections. */
  readonly cancelResting: (
    api: CcxtExchange,
    market: NamedMarket,
    orderId: string,
    conditional: boolean,
  ) => Promise<unknown>;
  /** Stops, targets and other orders that wait for a price. */
  readonly conditionalOrders: (api: CcxtExchange, market: NamedMarket) => Promise<readonly unknown[]>;
  /** Why the exchange itself made an order; null: it did not, or does not say. */
  readonly madeBy: (clientOrderId: string | null, order: Info) => 'LIQUIDATION' | 'ADL' | 'SETTLEMENT' | null;
  /** Why this program cannot work a position; null: it can. */
  readonly unsupportedPosition: (position: Info) => string | null;
  /** The account's position mode; null: the exchange does not say. */
  readonly positionMode: (api: CcxtExchange) => Promise<PositionMode | null>;
  /** Why this program cannot work the account; null: it can. */
  readonly unsupportedAccount: (api: CcxtExchange) => Promise<string | null>;
  /** What the key may do; null: the exchange has no request for it. */
  readonly keyRights: (api: CcxtExchange) => Promise<KeyRights | null>;
  /** Parameters that tie an order to the position it reduces, besides reduceOnly; `position` are the exchange's own fields of it. */
  readonly orderParameters: (position: Info) => object;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** The smallest page of any exchange. Unit: fills. */
const SMALLEST_PAGE = 100;

/** ccxt requires an order id, and ignores it where a client order id is given. */
const NO_ID = '';

/** An exchange that has not been tried: ccxt's unified methods, and the narrowest of each trait. Known exchanges override parts of it. */
export const DEFAULT_TRAITS: VenueTraits = {
  codes: codeTable({}),
  allowance: null,
  clientOrderIds: 'alphanumeric-32',
  practice: 'any',
  ccxtOptions: {},
  fills: {
    page: SMALLEST_PAGE,
    windowMs: WEEK_MS,
    reachMs: null,
    next: { kind: 'by-time' },
    orderParameter: 'orderId',
    parameters: {},
    isFill: () => true,
  },
  unlisted: () => null,
  marketMaximum: () => null,
  positions: (api, market) => api.fetchPositions(market === null ? undefined : [market.symbol]),
  findOrder: unifiedOrder,
  cancelOrder: (api, { symbol }, clientOrderId) => api.cancelOrder(NO_ID, symbol, { clientOrderId }),
  credits: {},
  funding: null,
  openOrders: (api, { symbol }) => api.fetchOpenOrders(symbol),
  cancelResting: (api, { symbol }, orderId, conditional) =>
    api.cancelOrder(orderId, symbol, conditional ? { trigger: true } : {}),
  conditionalOrders: (api, { symbol }) => api.fetchOpenOrders(symbol, undefined, undefined, { trigger: true }),
  madeBy: () => null,
  unsupportedPosition: () => null,
  positionMode: unifiedPositionMode,
  unsupportedAccount: () => Promise.resolve(null),
  keyRights: () => Promise.resolve(null),
  orderParameters: () => ({}),
};

function unifiedOrder(api: CcxtExchange, { symbol }: NamedMarket, name: OrderName): Promise<unknown> {
  return 'orderId' in name ? api.fetchOrder(name.orderId, symbol) : api.fetchOrder(NO_ID, symbol, { ...name });
}

/** An exchange without that endpoint has one-way mode only. */
async function unifiedPositionMode(api: CcxtExchange): Promise<PositionMode | null> {
  if (!api.has['fetchPositionMode']) return 'one-way';
  const { hedged } = await api.fetchPositionMode();
  if (hedged === true) return 'hedge';
  return hedged === false ? 'one-way' : null;
}

/** The exchange's own fields of a row of ccxt's; empty where there are none. */
export function infoOf(row: unknown): Info {
  const info: unknown = typeof row === 'object' && row !== null && 'info' in row ? row.info : null;
  return typeof info === 'object' && info !== null ? { ...info } : {};
}
