/** Bybit's V5 API for linear contracts, by its documentation and its list of error codes. */
import type { Exchange as CcxtExchange, bybit } from 'ccxt';
import { ABSENT, AGAIN, DUPLICATE_ID, RESYNC, TAKEN_OR_NOT, codeTable, otherRules, refused } from './code-rules.ts';
import { type Info, type NamedMarket, type OrderName, type VenueTraits, UNTRIED } from './venue-traits.ts';

const CODES = codeTable({
  // Server time-out, internal error.
  '10000': TAKEN_OR_NOT,
  '10016': TAKEN_OR_NOT,
  '110072': DUPLICATE_ID,
  '110030': DUPLICATE_ID,
  '10002': RESYNC,
  // Of the key, of the address, of the system.
  '10006': AGAIN,
  '10018': AGAIN,
  '10429': AGAIN,
  '110001': ABSENT,
  // A parameter that is wrong: the quantity's step, minimum or maximum above all. The words say which.
  '10001': otherRules('other'),
  '10029': otherRules('symbol'),
  '110074': otherRules('symbol'),
  '110094': otherRules('min-notional'),
  // Out of the permissible range.
  '110003': refused('price'),
  '110017': refused('reduce-only'),
  '110034': refused('reduce-only'),
  '110004': refused('margin'),
  '110006': refused('margin'),
  '110007': refused('margin'),
  '110012': refused('margin'),
  '110044': refused('margin'),
  '110045': refused('margin'),
  '10003': refused('keys'),
  '10004': refused('keys'),
  '10005': refused('keys'),
  '10007': refused('keys'),
  '10008': refused('keys'),
  '10010': refused('keys'),
  '33004': refused('keys'),
});

/** What linear contracts are settled in: each is a question of its own. */
const SETTLE_COINS = ['USDT', 'USDC'];

/** Most of each in one answer. Unit: rows. */
const POSITIONS_PAGE = 200;
const ORDERS_PAGE = 50;
const FILLS_PAGE = 100;

/** Executions that are no fills: what holding a position costs or earns. */
const NO_FILLS: ReadonlySet<unknown> = new Set(['Funding', 'SessionSettlePnL']);

export const BYBIT: VenueTraits = {
  ...UNTRIED,
  codes: CODES,
  // At most 36 of letters, digits, - and _.
  clientOrderIds: 'verbatim',
  practice: 'demo-trading',
  // Spot markets have the same ids.
  ccxtOptions: { fetchMarkets: { types: ['linear'] } },
  fills: {
    page: FILLS_PAGE,
    windowMs: 7 * 24 * 60 * 60 * 1000,
    reachMs: null,
    next: { kind: 'older', parameters: nextPage },
    orderParameter: 'orderId',
    // ccxt asks for trades alone: liquidations, deleveraging and settlements are executions of other kinds.
    parameters: { execType: undefined },
    isFill: ({ execType }) => !NO_FILLS.has(execType),
  },
  marketMaximum: ({ lotSizeFilter }) => textIn(lotSizeFilter, 'maxMktOrderQty'),
  positions,
  findOrder,
  // ccxt sends an id wherever it has one, and Bybit believes that before the client's.
  cancelOrder: (api, { symbol }, orderLinkId) =>
    api.cancelOrder(undefined as unknown as string, symbol, { orderLinkId }),
  conditionalOrders: (api, { symbol }) =>
    allPages(ORDERS_PAGE, (page) => api.fetchOpenOrders(symbol, undefined, ORDERS_PAGE, { trigger: true, ...page })),
  madeBy: (_, { createType }) => MADE_BY[String(createType)] ?? null,
  // Bybit has no such question: each position says it (unsupportedPosition).
  positionMode: () => Promise.resolve('one-way'),
  unsupportedPosition: ({ positionIdx }) =>
    positionIdx === undefined || Number(positionIdx) === 0 ? null : HEDGE_MODE,
  unfit,
};

const HEDGE_MODE = 'hedge mode, in which fills do not say what side they belong to: switch to one-way mode';

const MADE_BY: Readonly<Record<string, 'ADL' | 'LIQUIDATION' | 'SETTLEMENT'>> = {
  CreateByLiq: 'LIQUIDATION',
  CreateByTakeOver_PassThrough: 'LIQUIDATION',
  CreateByAdl_PassThrough: 'ADL',
  CreateBySettle: 'SETTLEMENT',
};

async function positions(api: CcxtExchange, market: NamedMarket | null): Promise<readonly unknown[]> {
  if (market !== null) return api.fetchPositions([market.symbol]);
  const found: unknown[] = [];
  for (const settleCoin of SETTLE_COINS) {
    const ask = (page: object) => api.fetchPositions(undefined, { settleCoin, limit: POSITIONS_PAGE, ...page });
    found.push(...(await allPages(POSITIONS_PAGE, ask)));
  }
  return found;
}

/** Among those that wait, then in the history: an order that ends between the two questions is in the second. */
async function findOrder(api: CcxtExchange, { symbol }: NamedMarket, name: OrderName): Promise<unknown> {
  const query = 'orderId' in name ? name : { orderLinkId: name.clientOrderId };
  const [open] = await api.fetchOpenOrders(symbol, undefined, undefined, query);
  if (open !== undefined) return open;
  const [done] = await (api as bybit).fetchCanceledAndClosedOrders(symbol, undefined, undefined, query);
  return done ?? null;
}

async function unfit(api: CcxtExchange): Promise<string | null> {
  const account = api as bybit & { privateGetV5AccountInfo: () => Promise<Info> };
  const isUnified: readonly unknown[] = await account.isUnifiedEnabled();
  if (!isUnified.includes(true)) {
    return 'a classic account, whose orders cannot be found by client id once they are done: upgrade it to a unified one';
  }
  const { result } = await account.privateGetV5AccountInfo();
  if (textIn(result, 'marginMode') === 'PORTFOLIO_MARGIN') {
    return 'portfolio margin, which has not been tried: set the margin mode of the account to cross or isolated';
  }
  const hedged = (await positions(api, null)).filter((one) => BYBIT.unsupportedPosition(infoOf(one)) !== null);
  return hedged.length === 0 ? null : HEDGE_MODE;
}

async function allPages<T>(limit: number, ask: (page: object) => Promise<readonly T[]>): Promise<readonly T[]> {
  const found: T[] = [];
  for (let page: object | null = {}; page !== null;) {
    const rows = await ask(page);
    found.push(...rows);
    page = rows.length < limit ? null : nextPage(rows.map(infoOf));
  }
  return found;
}

/** ccxt leaves the cursor in one of the rows. */
function nextPage(rows: readonly Info[]): object | null {
  const cursor = rows.map((row) => row['nextPageCursor']).find((one) => typeof one === 'string' && one !== '');
  return cursor === undefined ? null : { cursor };
}

function infoOf(row: unknown): Info {
  const info: unknown = typeof row === 'object' && row !== null && 'info' in row ? row.info : null;
  return typeof info === 'object' && info !== null ? { ...info } : {};
}

function textIn(given: unknown, name: string): string | null {
  if (typeof given !== 'object' || given === null) return null;
  const value: unknown = Object.entries(given).find(([key]) => key === name)?.[1];
  return typeof value === 'string' && value !== '' ? value : null;
}
