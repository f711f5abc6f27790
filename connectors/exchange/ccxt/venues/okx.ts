/** OKX's V5 API for linear swaps and futures, from its documentation and its list of error codes. Sizes are contracts, not coins. */
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
import type { KeyRights } from '../../../../ports/desk-probe.ts';
import {
  type Info,
  type NamedMarket,
  type OrderName,
  type VenueTraits,
  DEFAULT_TRAITS,
  infoOf,
} from './venue-traits.ts';

const KEYS = rejected('keys');

const CODES = codeTable({
  // Unavailable, time-out, system error, order time-out.
  '50001': EXECUTION_UNKNOWN,
  '50004': EXECUTION_UNKNOWN,
  '50026': EXECUTION_UNKNOWN,
  '51149': EXECUTION_UNKNOWN,
  '51016': DUPLICATE_ID,
  '50011': RETRY,
  '50013': RETRY,
  '50040': RETRY,
  '50061': RETRY,
  '50102': RESYNC,
  '50112': RESYNC,
  // No such order; for a cancellation: it is no longer open.
  '51603': ABSENT,
  '51400': ABSENT,
  '51401': ABSENT,
  '51402': ABSENT,
  // A wrong parameter, mostly posSide, because the account is in the other position mode.
  '51000': WRONG_MODE,
  '51001': rulesChanged('symbol'),
  '51022': rulesChanged('symbol'),
  '51027': rulesChanged('symbol'),
  '51020': rulesChanged('min-quantity'),
  '51121': rulesChanged('precision'),
  '51005': rulesChanged('max-quantity'),
  '51202': rulesChanged('max-quantity'),
  '51006': rejected('price'),
  '51023': rejected('reduce-only'),
  '51112': rejected('reduce-only'),
  '51169': rejected('reduce-only'),
  '51205': rejected('reduce-only'),
  '51008': rejected('margin'),
  '51119': rejected('margin'),
  '51131': rejected('margin'),
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

/** OKX leaves out fills older than three months without saying so. Unit: milliseconds. */
const HISTORY_MS = 89 * 24 * 60 * 60 * 1000;

export const OKX: VenueTraits = {
  ...DEFAULT_TRAITS,
  codes: CODES,
  clientOrderIds: 'alphanumeric-32',
  // Practice accounts share the address of real ones; a header tells them apart.
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
  // Stops and targets, also where one order is both (oco).
  conditionalOrders: (api, { symbol }) =>
    api.fetchOpenOrders(symbol, undefined, undefined, { trigger: true, ordType: 'conditional,oco' }),
  madeBy: (_, { category }) => MADE_BY[String(category)] ?? null,
  unsupportedAccount,
  keyRights,
  // Cross and isolated margin are separate positions.
  orderParameters: ({ mgnMode }) => (typeof mgnMode === 'string' ? { marginMode: mgnMode } : {}),
};

const MADE_BY: Readonly<Record<string, 'ADL' | 'LIQUIDATION' | 'SETTLEMENT'>> = {
  full_liquidation: 'LIQUIDATION',
  partial_liquidation: 'LIQUIDATION',
  adl: 'ADL',
  delivery: 'SETTLEMENT',
};

/**
 * An order that a stop or target became carries the id of that stop or target, which tells the two apart. ccxt mistakes that id for the order's
 * own, so the order's own id is put back.
 */
async function findOrder(api: CcxtExchange, market: NamedMarket, name: OrderName): Promise<unknown> {
  const order = await DEFAULT_TRAITS.findOrder(api, market, name);
  const info = infoOf(order);
  const { ordId, algoId } = info;
  if (typeof order !== 'object' || typeof algoId !== 'string' || algoId === '') return order;
  const { actualSide } = infoOf(await api.fetchOrder(algoId, market.symbol, { trigger: true }));
  const orderType = actualSide === 'sl' ? 'stop' : actualSide === 'tp' ? 'take_profit' : null;
  return { ...order, id: ordId, info: { ...info, orderType } };
}

async function unsupportedAccount(api: CcxtExchange): Promise<string | null> {
  const [account] = await api.fetchAccounts();
  const { acctLv } = infoOf(account);
  if (acctLv === '1')
    return 'an account in spot mode, which has no contracts: set its mode to futures or multi-currency';
  return acctLv === '4'
    ? 'portfolio margin, which has not been tried: set the mode of the account to futures or multi-currency'
    : null;
}

async function keyRights(api: CcxtExchange): Promise<KeyRights> {
  const [account] = await api.fetchAccounts();
  const { perm, ip } = infoOf(account);
  const granted = typeof perm === 'string' ? perm.split(',') : null;
  return {
    withdraw: granted?.includes('withdraw') ?? null,
    trade: granted?.includes('trade') ?? null,
    anyAddress: typeof ip === 'string' ? ip === '' : null,
  };
}

function beforeOldest(rows: readonly Info[]): object | null {
  const bills = rows.map(({ billId }) => Number(billId)).filter(Number.isFinite);
  return bills.length === 0 ? null : { after: String(Math.min(...bills)) };
}
