/** OKX's V5 API for linear swaps and futures, by its documentation and its list of error codes. Its sizes are contracts, not coins. */
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
import { type Info, type NamedMarket, type OrderName, type VenueTraits, UNTRIED } from './venue-traits.ts';

const KEYS = refused('keys');

const CODES = codeTable({
  // Unavailable, time-out, system error, an order that timed out.
  '50001': TAKEN_OR_NOT,
  '50004': TAKEN_OR_NOT,
  '50026': TAKEN_OR_NOT,
  '51149': TAKEN_OR_NOT,
  '51016': DUPLICATE_ID,
  '50011': AGAIN,
  '50013': AGAIN,
  '50040': AGAIN,
  '50061': AGAIN,
  '50102': RESYNC,
  '50112': RESYNC,
  // No such order, and for a cancellation that it rests no more.
  '51603': ABSENT,
  '51400': ABSENT,
  '51401': ABSENT,
  '51402': ABSENT,
  // A parameter that is wrong: posSide above all, where the account is in the other position mode.
  '51000': OTHER_MODE,
  '51001': otherRules('symbol'),
  '51022': otherRules('symbol'),
  '51027': otherRules('symbol'),
  '51020': otherRules('min-quantity'),
  '51121': otherRules('precision'),
  '51005': otherRules('max-quantity'),
  '51202': otherRules('max-quantity'),
  '51006': refused('price'),
  '51023': refused('reduce-only'),
  '51112': refused('reduce-only'),
  '51169': refused('reduce-only'),
  '51205': refused('reduce-only'),
  '51008': refused('margin'),
  '51119': refused('margin'),
  '51131': refused('margin'),
  '50100': KEYS,
  '50101': KEYS,
  '50103': KEYS,
  '50104': KEYS,
  '50105': KEYS,
  '50107': KEYS,
  '50110': KEYS,
  '50111': KEYS,
  '50113': KEYS,
  '50114': KEYS,
  '50119': KEYS,
  '50120': KEYS,
});

/** Fills older than three months are left out without a word. Unit: milliseconds. */
const HISTORY_MS = 89 * 24 * 60 * 60 * 1000;

export const OKX: VenueTraits = {
  ...UNTRIED,
  codes: CODES,
  clientOrderIds: 'alphanumeric-32',
  // The same address, and a header that says so.
  practice: 'sandbox',
  ccxtOptions: { fetchMarkets: { types: ['swap', 'future'] } },
  fills: {
    page: 100,
    windowMs: null,
    reachMs: HISTORY_MS,
    next: { kind: 'older', parameters: beforeOldest },
    orderParameter: 'ordId',
    parameters: {},
    isFill: () => true,
  },
  marketMaximum: ({ maxMktSz }) => (typeof maxMktSz === 'string' && maxMktSz !== '' ? maxMktSz : null),
  findOrder,
  // A position's stop and target, also where one order is both.
  conditionalOrders: (api, { symbol }) =>
    api.fetchOpenOrders(symbol, undefined, undefined, { trigger: true, ordType: 'conditional,oco' }),
  madeBy: (_, { category }) => MADE_BY[String(category)] ?? null,
  unfit,
  // A position of the other margin mode is another position.
  orderParameters: ({ mgnMode }) => (typeof mgnMode === 'string' ? { marginMode: mgnMode } : {}),
};

const MADE_BY: Readonly<Record<string, 'ADL' | 'LIQUIDATION' | 'SETTLEMENT'>> = {
  full_liquidation: 'LIQUIDATION',
  partial_liquidation: 'LIQUIDATION',
  adl: 'ADL',
  delivery: 'SETTLEMENT',
};

/** An order that a stop or a target became names that one, which says which it was. ccxt takes its id for the order's. */
async function findOrder(api: CcxtExchange, market: NamedMarket, name: OrderName): Promise<unknown> {
  const order = await UNTRIED.findOrder(api, market, name);
  const info = infoOf(order);
  const { ordId, algoId } = info;
  if (typeof order !== 'object' || typeof algoId !== 'string' || algoId === '') return order;
  const { actualSide } = infoOf(await api.fetchOrder(algoId, market.symbol, { trigger: true }));
  const orderType = actualSide === 'sl' ? 'stop' : actualSide === 'tp' ? 'take_profit' : null;
  return { ...order, id: ordId, info: { ...info, orderType } };
}

async function unfit(api: CcxtExchange): Promise<string | null> {
  const [account] = await api.fetchAccounts();
  const { acctLv } = infoOf(account);
  if (acctLv === '1')
    return 'an account in spot mode, which has no contracts: set its mode to futures or multi-currency';
  return acctLv === '4'
    ? 'portfolio margin, which has not been tried: set the mode of the account to futures or multi-currency'
    : null;
}

function beforeOldest(rows: readonly Info[]): object | null {
  const bills = rows.map(({ billId }) => Number(billId)).filter(Number.isFinite);
  return bills.length === 0 ? null : { after: String(Math.min(...bills)) };
}

function infoOf(row: unknown): Info {
  const info: unknown = typeof row === 'object' && row !== null && 'info' in row ? row.info : null;
  return typeof info === 'object' && info !== null ? { ...info } : {};
}
