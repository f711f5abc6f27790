import type { Exchange as CcxtExchange } from 'ccxt';
import type { EpochMillis } from '../../../../ports/clock.ts';
import type { DecimalText } from '../../../../ports/exchange.ts';
import { type CodeTable, codeTable } from './code-rules.ts';

/** How many requests an exchange takes from one address. */
export interface Allowance {
  /** Unit: weight, as ccxt counts the exchange's requests. */
  readonly perMinute: number;
  /** What may be spent at once after a pause. Unit: weight. */
  readonly burst: number;
  /** The header of a reply that says what the running minute has cost so far; null where there is none. */
  readonly usedHeader: string | null;
}

/** A market by both of its names. */
export interface NamedMarket {
  /** The exchange's. */
  readonly id: string;
  /** ccxt's. */
  readonly symbol: string;
}

/** An order by the exchange's own id or by the client's, in the form that the exchange takes. */
export type OrderName = { readonly orderId: string } | { readonly clientOrderId: string };

/** In one-way mode a symbol has one position; in hedge mode a long and a short one, which orders name. */
export type PositionMode = 'one-way' | 'hedge';

/** What the exchange itself sent of a market, an order, a fill, a position. */
export type Info = Readonly<Record<string, unknown>>;

/**
 * How a page of fills is gone on from:
 * - `from-id`  oldest first, by the id of its last fill, without times, to the newest of all
 * - `older`    newest first, by a parameter that is made of the page's own rows; null: there are no older ones
 * - `by-time`  oldest first, from the time of its last fill
 */
export type NextFills =
  | { readonly kind: 'from-id'; readonly parameter: string }
  | { readonly kind: 'older'; readonly parameters: (rows: readonly Info[]) => object | null }
  | { readonly kind: 'by-time' };

/** How an exchange tells of fills. */
export interface FillPages {
  /** Most in one answer. Unit: fills. */
  readonly page: number;
  /** The longest stretch that one question may span; null: any. Unit: milliseconds. */
  readonly windowMs: number | null;
  /** What is older is left out without a word; null: the exchange refuses what it does not tell of. Unit: milliseconds. */
  readonly reachMs: number | null;
  readonly next: NextFills;
  /** Names the order whose fills are asked for. */
  readonly orderParameter: string;
  /** Sent with each question. */
  readonly parameters: object;
  /** Whether a row is a fill: some exchanges list payments of funding among them. */
  readonly isFill: (row: Info) => boolean;
}

/** What must be known of a market to ask what became of positions there. */
export interface UnlistedMarket {
  readonly base: string;
  readonly quote: string;
  /** Unit: base currency. */
  readonly contractSize: DecimalText;
  /** False: it was delivered on a day. */
  readonly perpetual: boolean;
}

/** How an exchange tells of payments of funding. */
export interface FundingList {
  /** How far back. Unit: milliseconds. */
  readonly reachMs: number;
  /** The first so many of all markets from then on, each as ccxt has it, also those whose figures are none. */
  readonly page: (api: CcxtExchange, since: EpochMillis, limit: number) => Promise<readonly unknown[]>;
}

/**
 * What differs between exchanges behind what ccxt unifies: data, and the few questions that each is asked in its own way. One small file
 * each in venues/; whatever is not there works by ccxt's unified methods alone (venues/untried.ts).
 */
export interface VenueTraits {
  readonly codes: CodeTable;
  /** Null: nobody has looked it up, and requests are paced as ccxt has it. */
  readonly allowance: Allowance | null;
  /** The form that the exchange asks of client order ids: as they are, or letters and digits only, at most 32. */
  readonly clientOrderIds: 'verbatim' | 'alphanumeric-32';
  /** How ccxt reaches the exchange's practice accounts; `any`: as it can; null: it cannot. */
  readonly practice: 'demo-trading' | 'sandbox' | 'any' | null;
  /** Put into ccxt's `options`: which markets are loaded, and what ccxt would ask for that nobody needs. */
  readonly ccxtOptions: Info;
  readonly fills: FillPages;
  /** What the id of a market that is on no list any more says of it; null: not enough to count its fills by. */
  readonly unlisted: (id: string, quotes: ReadonlySet<string>) => UnlistedMarket | null;
  /** The largest order at market in the exchange's contracts, where ccxt has only that of limit orders; null: it has it, or there is none. */
  readonly marketMaximum: (market: Info) => DecimalText | null;
  /** Open positions as ccxt has them: of one market, or all. */
  readonly positions: (api: CcxtExchange, market: NamedMarket | null) => Promise<readonly unknown[]>;
  /** Null: the exchange says that there is none. Refusals pass through. */
  readonly findOrder: (api: CcxtExchange, market: NamedMarket, name: OrderName) => Promise<unknown>;
  /** Takes an order of ours off the book. A refusal that is `absent` says that it does not rest. */
  readonly cancelOrder: (api: CcxtExchange, market: NamedMarket, clientOrderId: string) => Promise<unknown>;
  /** Credits that the exchange charges in, by name, and the currencies that one of them is worth one of. */
  readonly credits: Readonly<Record<string, readonly string[]>>;
  /** How payments of funding are told of; null: it is not known to tell of any. */
  readonly funding: FundingList | null;
  /** Orders that rest in the book. */
  readonly openOrders: (api: CcxtExchange, market: NamedMarket) => Promise<readonly unknown[]>;
  /** Takes an order off that rests; `conditional` ones may be numbered apart. Refusals pass through. */
  readonly cancelResting: (
    api: CcxtExchange,
    market: NamedMarket,
    orderId: string,
    conditional: boolean,
  ) => Promise<unknown>;
  /** Stops, targets and whatever else waits for a price. */
  readonly conditionalOrders: (api: CcxtExchange, market: NamedMarket) => Promise<readonly unknown[]>;
  /** Who made an order, where the exchange itself did; null: it was somebody else, or is not said. */
  readonly madeBy: (clientOrderId: string | null, order: Info) => 'LIQUIDATION' | 'ADL' | 'SETTLEMENT' | null;
  /** What this program cannot do with a position, in words; null: nothing. */
  readonly unsupportedPosition: (position: Info) => string | null;
  /** Null: the exchange does not say. */
  readonly positionMode: (api: CcxtExchange) => Promise<PositionMode | null>;
  /** Why this account cannot be worked, as the exchange tells of it; null: it can. */
  readonly unfit: (api: CcxtExchange) => Promise<string | null>;
  /** What an order says of the position that it reduces, besides reduceOnly; `position` is what the exchange sent of it last. */
  readonly orderParameters: (position: Info) => object;
}

/**
 * An exchange that nobody has tried: ccxt's unified methods, and the narrowest of each trait. The others are made of it.
 */

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** As few as any exchange gives at a time. Unit: fills. */
const SMALLEST_PAGE = 100;

/** ccxt wants the place of the exchange's id filled, and looks at the client's. */
const NO_ID = '';

export const UNTRIED: VenueTraits = {
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
  unfit: () => Promise.resolve(null),
  orderParameters: () => ({}),
};

function unifiedOrder(api: CcxtExchange, { symbol }: NamedMarket, name: OrderName): Promise<unknown> {
  return 'orderId' in name ? api.fetchOrder(name.orderId, symbol) : api.fetchOrder(NO_ID, symbol, { ...name });
}

/** An exchange that has no such question has no such choice. */
async function unifiedPositionMode(api: CcxtExchange): Promise<PositionMode | null> {
  if (!api.has['fetchPositionMode']) return 'one-way';
  const { hedged } = await api.fetchPositionMode();
  if (hedged === true) return 'hedge';
  return hedged === false ? 'one-way' : null;
}
