import type { Exact } from '../../ports/exact-decimal.ts';
import type { Direction, PositionSide } from './account.ts';
import { BinanceError } from './binance-error.ts';
import {
  type EndpointCall,
  type EndpointTable,
  signed,
  booleanOf,
  limitOf,
  mandatory,
  oneOf,
  positionSideOf,
  rangeOf,
  symbolOf,
  wholeOf,
} from './endpoint.ts';
import { vetClientId, vetQuantity, vetTriggerPrice } from './market.ts';
import { algoReply } from './replies.ts';

export type ConditionalType = 'STOP_MARKET' | 'TAKE_PROFIT_MARKET';

/** A conditional order: a stop or a target. */
export interface AlgoOrder {
  readonly algoId: number;
  readonly clientAlgoId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly orderType: ConditionalType;
  /** 0 for an order that closes the whole position. */
  readonly quantity: string;
  readonly triggerPrice: string;
  readonly workingType: 'MARK_PRICE' | 'CONTRACT_PRICE';
  readonly reduceOnly: boolean;
  readonly closePosition: boolean;
  readonly time: number;
  status: 'NEW' | 'CANCELED' | 'FINISHED' | 'EXPIRED' | 'REJECTED';
  updateTime: number;
  triggerTime: number;
  /** The order that it became when it triggered. */
  actualOrderId: number | null;
}

type AlgoRequest = Omit<AlgoOrder, 'algoId' | 'status' | 'actualOrderId' | 'updateTime' | 'triggerTime'>;

interface AlgoName {
  readonly algoId?: number | undefined;
  readonly clientAlgoId?: string | undefined;
}

/** The conditional orders of the account, which Binance keeps apart from ordinary ones since December 2025. */
export class AlgoOrders {
  readonly #byId = new Map<number, AlgoOrder>();
  readonly #byClientId = new Map<string, AlgoOrder>();
  readonly #bySymbol = new Map<string, AlgoOrder[]>();
  readonly #open = new Set<AlgoOrder>();
  #nextId = 1;

  /** Throws -4116 where an open conditional order has that client id. */
  add(request: AlgoRequest): AlgoOrder {
    const namesake = this.#byClientId.get(request.clientAlgoId);
    if (namesake !== undefined && this.#open.has(namesake)) throw new BinanceError('-4116');
    const added: AlgoOrder = {
      ...request,
      algoId: this.#nextId++,
      status: 'NEW',
      updateTime: request.time,
      triggerTime: 0,
      actualOrderId: null,
    };
    this.#byId.set(added.algoId, added);
    this.#byClientId.set(added.clientAlgoId, added);
    const own = this.#bySymbol.get(added.symbol);
    if (own === undefined) this.#bySymbol.set(added.symbol, [added]);
    else own.push(added);
    this.#open.add(added);
    return added;
  }

  /** Throws -2013. */
  find(name: AlgoName): AlgoOrder {
    const found = this.#get(name);
    if (found === undefined) throw new BinanceError('-2013');
    return found;
  }

  /** Throws -2011. */
  cancel(name: AlgoName, time: number): AlgoOrder {
    const found = this.#get(name);
    if (found === undefined || !this.#open.has(found)) throw new BinanceError('-2011');
    this.end(found, 'CANCELED', time);
    return found;
  }

  end(order: AlgoOrder, status: Exclude<AlgoOrder['status'], 'NEW'>, time: number): void {
    order.status = status;
    order.updateTime = time;
    this.#open.delete(order);
  }

  /** Open conditional orders; of all symbols where null. */
  open(symbol: string | null): readonly AlgoOrder[] {
    return [...this.#open].filter((order) => symbol === null || order.symbol === symbol);
  }

  /** Oldest first; of all symbols where null. */
  ofSymbol(symbol: string | null): readonly AlgoOrder[] {
    return symbol === null ? [...this.#byId.values()] : (this.#bySymbol.get(symbol) ?? []);
  }

  #get({ algoId, clientAlgoId = '' }: AlgoName): AlgoOrder | undefined {
    return algoId === undefined ? this.#byClientId.get(clientAlgoId) : this.#byId.get(algoId);
  }
}

/** Whether the mark price triggers a conditional order. Stops wait for a worse price for the position, targets for a better one. */
export function isReached(
  { orderType, side, triggerPrice }: Pick<AlgoOrder, 'orderType' | 'side' | 'triggerPrice'>,
  mark: Exact,
): boolean {
  const below = (orderType === 'STOP_MARKET') === (side === 'SELL');
  return below ? mark.lte(triggerPrice) : mark.gte(triggerPrice);
}

/** Endpoints of conditional orders. */
export const ALGO_ENDPOINTS: EndpointTable = {
  'POST /fapi/v1/algoOrder': signed(placeAlgo),
  'GET /fapi/v1/algoOrder': signed(({ exchange, parameters }) => algoReply(exchange.algos.find(nameOf(parameters)))),
  'DELETE /fapi/v1/algoOrder': signed(({ exchange, parameters }) => {
    const { algoId, clientAlgoId } = exchange.algos.cancel(nameOf(parameters), exchange.now());
    return { algoId, clientAlgoId, code: '200', msg: 'success' };
  }),
  'DELETE /fapi/v1/algoOpenOrders': signed(({ exchange, parameters }) => {
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    for (const { algoId } of exchange.algos.open(symbol)) exchange.algos.cancel({ algoId }, exchange.now());
    return { code: 200, msg: 'The operation of cancel all open order is done.' };
  }),
  'GET /fapi/v1/openAlgoOrders': signed(({ exchange, parameters }) => {
    const symbol = parameters.has('symbol') ? exchange.orders.market(symbolOf(parameters)).symbol : null;
    return exchange.algos.open(symbol).map(algoReply);
  }),
  'GET /fapi/v1/allAlgoOrders': signed(({ exchange, parameters }) => {
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    const { from, to } = rangeOf(parameters, exchange.now());
    const within = exchange.algos.ofSymbol(symbol).filter(({ time }) => time >= from && time <= to);
    return within.slice(-limitOf(parameters)).map(algoReply);
  }),
};

const TYPES: readonly ConditionalType[] = ['STOP_MARKET', 'TAKE_PROFIT_MARKET'];

/** The position is not checked: that happens when the order triggers. */
function placeAlgo({ exchange, parameters }: EndpointCall): object {
  oneOf(parameters, 'algoType', ['CONDITIONAL'] as const);
  const market = exchange.orders.market(symbolOf(parameters));
  const side = oneOf<Direction>(parameters, 'side', ['BUY', 'SELL'], '-1117');
  const orderType = oneOf(parameters, 'type', TYPES, '-1116');
  const triggerPrice = mandatory(parameters, 'triggerPrice');
  const closePosition = booleanOf(parameters, 'closePosition') === true;
  const reduceOnly = booleanOf(parameters, 'reduceOnly');
  const clientAlgoId = parameters.get('clientAlgoId') ?? exchange.newClientId();
  if (closePosition && parameters.has('quantity')) throw new BinanceError('-4137');
  const quantity = closePosition ? '0' : mandatory(parameters, 'quantity');
  vetClientId(clientAlgoId);
  vetTriggerPrice(triggerPrice, market);
  if (!closePosition) vetQuantity({ quantity, type: 'MARKET' }, market);
  const positionSide = exchange.orders.positionSideOf({ positionSide: positionSideOf(parameters), reduceOnly });
  if (isReached({ orderType, side, triggerPrice }, exchange.orders.mark(market.symbol))) {
    throw new BinanceError('-2021');
  }
  const order = exchange.algos.add({
    clientAlgoId,
    symbol: market.symbol,
    side,
    positionSide,
    orderType,
    quantity,
    triggerPrice,
    workingType: parameters.get('workingType') === 'MARK_PRICE' ? 'MARK_PRICE' : 'CONTRACT_PRICE',
    reduceOnly: closePosition || reduceOnly === true,
    closePosition,
    time: exchange.now(),
  });
  return algoReply(order);
}

function nameOf(parameters: URLSearchParams): AlgoName {
  const algoId = wholeOf(parameters, 'algoId');
  const clientAlgoId = parameters.get('clientAlgoId') ?? undefined;
  if (algoId === undefined && clientAlgoId === undefined) throw new BinanceError('-1102', 'algoId');
  return { algoId, clientAlgoId };
}
