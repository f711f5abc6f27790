/** Bybit's V5 API for linear contracts, from its documentation and its list of error codes. */
import type { Exchange as CcxtExchange, bybit } from 'ccxt';
import {
  ABSENT,
  RETRY,
  DUPLICATE_ID,
  RESYNC,
  EXECUTION_UNKNOWN,
  codeTable,
  rulesChanged,
  rejected,
} from './code-rules.ts';
import type { KeyRights } from '../../../../ports/desk-probe.ts';
import {
  type Info,
  type NamedMarket,
  type OrderName,
  type VenueTraits,
  DEFAULT_TRAITS,
  infoOf,
} from './venue-traits.ts';

const CODES = codeTable({
  // Server time-out, internal error.
  '10000': EXECUTION_UNKNOWN,
  '10016': EXECUTION_UNKNOWN,
  '110072': DUPLICATE_ID,
  '110030': DUPLICATE_ID,
  '10002': RESYNC,
  // Rate limits of the key, of the address and of the system.
  '10006': RETRY,
  '10018': RETRY,
  '10429': RETRY,
  '110001': ABSENT,
  // A wrong parameter, mostly the quantity's step, minimum or maximum. Only the message says which.
  '10001': rulesChanged('other'),
  '10029': rulesChanged('symbol'),
  '110074': rulesChanged('symbol'),
  '110094': rulesChanged('min-notional'),
  // The price is out of the permissible range.
  '110003': rejected('price'),
  '110017': rejected('reduce-only'),
  '110034': rejected('reduce-only'),
  '110004': rejected('margin'),
  '110006': rejected('margin'),
  '110007': rejected('margin'),
  '110012': rejected('margin'),
  '110044': rejected('margin'),
  '110045': rejected('margin'),
  '10003': rejected('keys'),
  '10004': rejected('keys'),
  '10005': rejected('keys'),
  '10007': rejected('keys'),
  '10008': rejected('keys'),
  '10010': rejected('keys'),
  '33004': rejected('keys'),
});

/** The currencies in which linear contracts settle. Positions are requested for one at a time. */
const SETTLE_COINS = ['USDT', 'USDC'];

/** The most rows in one answer. */
const POSITIONS_PAGE = 200;
const ORDERS_PAGE = 50;
const FILLS_PAGE = 100;

/** Executions that are not fills: funding and the profit of a settlement. */
const NO_FILLS: ReadonlySet<unknown> = new Set(['Funding', 'SessionSettlePnL']);

export const BYBIT: VenueTraits = {
  ...DEFAULT_TRAITS,
  codes: CODES,
  // Up to 36 letters, digits, - and _.
  clientOrderIds: 'verbatim',
  practice: 'demo-trading',
  // Spot markets use the same ids.
  ccxtOptions: { fetchMarkets: { types: ['linear'] } },
  fills: {
    page: FILLS_PAGE,
    windowMs: 7 * 24 * 60 * 60 * 1000,
    reachMs: null,
    next: { kind: 'older', parameters: nextPage },
    orderParameter: 'orderId',
    // ccxt requests trades only; liquidations, deleveraging and settlements are executions of other types.
    parameters: { execType: undefined },
    isFill: ({ execType }) => !NO_FILLS.has(execType),
  },
  marketMaximum: ({ lotSizeFilter }) => textIn(lotSizeFilter, 'maxMktOrderQty'),
  positions,
  findOrder,
  // ccxt would send an order id wherever it has one, and Bybit prefers that to the client's id.
  cancelOrder: (api, { symbol }, orderLinkId) =>
    api.cancelOrder(undefined as unknown as string, symbol, { orderLinkId }),
  conditionalOrders: (api, { symbol }) =>
    allPages(ORDERS_PAGE, (page) => api.fetchOpenOrders(symbol, undefined, ORDERS_PAGE, { trigger: true, ...page })),
  madeBy: (_, { createType }) => MADE_BY[String(createType)] ?? null,
  // Bybit has no endpoint for the mode: each position names it (unsupportedPosition).
  positionMode: () => Promise.resolve('one-way'),
  unsupportedPosition: ({ positionIdx }) =>
    positionIdx === undefined || Number(positionIdx) === 0 ? null : HEDGE_MODE,
  unsupportedAccount,
  keyRights,
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

/** Looks among the open orders, then in the history: an order that ends between the two requests is in the history. */
async function findOrder(api: CcxtExchange, { symbol }: NamedMarket, name: OrderName): Promise<unknown> {
  const query = 'orderId' in name ? name : { orderLinkId: name.clientOrderId };
  const [open] = await api.fetchOpenOrders(symbol, undefined, undefined, query);
  if (open !== undefined) return open;
  const [done] = await (api as bybit).fetchCanceledAndClosedOrders(symbol, undefined, undefined, query);
  return done ?? null;
}

async function unsupportedAccount(api: CcxtExchange): Promise<string | null> {
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

async function keyRights(api: CcxtExchange): Promise<KeyRights> {
  const account = api as bybit & { privateGetV5UserQueryApi: () => Promise<Info> };
  const { result } = await account.privateGetV5UserQueryApi();
  const { permissions, readOnly, ips }: Info = typeof result === 'object' && result !== null ? { ...result } : {};
  const granted = typeof permissions === 'object' && permissions !== null ? Object.values(permissions).flat() : null;
  const readsOnly = Number(readOnly) === 1;
  return {
    withdraw: granted === null ? null : !readsOnly && granted.includes('Withdraw'),
    trade: granted === null ? null : !readsOnly && granted.includes('Order'),
    anyAddress: Array.isArray(ips) ? ips.includes('*') : null,
  };
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

/** The parameters of the next page. ccxt leaves the cursor in one of the rows. */
function nextPage(rows: readonly Info[]): object | null {
  const cursor = rows.map((row) => row['nextPageCursor']).find((one) => typeof one === 'string' && one !== '');
  return cursor === undefined ? null : { cursor };
}

function textIn(given: unknown, name: string): string | null {
  if (typeof given !== 'object' || given === null) return null;
  const value: unknown = Object.entries(given).find(([key]) => key === name)?.[1];
  return typeof value === 'string' && value !== '' ? value : null;
}
