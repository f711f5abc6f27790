/**
 * An exchange that nobody has tried: ccxt's unified methods, and the narrowest of each trait. The others are made of it.
 */
import type { Exchange as CcxtExchange } from 'ccxt';
import { codeTable } from './code-rules.ts';
import type { NamedMarket, OrderName, PositionMode, VenueTraits } from './venue-traits.ts';

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
