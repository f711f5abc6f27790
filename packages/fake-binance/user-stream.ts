import { Exact } from '../../ports/exact-decimal.ts';
import type { Fill } from './account.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import type { Order } from './order.ts';
import { createHash } from 'node:crypto';
import { BinanceError } from './binance-error.ts';
import { type EndpointTable, keyed } from './endpoint.ts';

/** An event of the user data stream, in Binance's form. */
export type AccountEvent = Readonly<Record<string, unknown>> & { readonly e: string };

const SHOWN_DIGITS = 8;

/** Binance rounds the average price of an order. Unit: decimal places. */
const AVERAGE_DIGITS = 5;

/**
 * Publishes the events of every order and fill of the account, whoever caused them: ACCOUNT_UPDATE and ORDER_TRADE_UPDATE for a fill,
 * ORDER_TRADE_UPDATE for any other change of an order.
 */
export function watchAccount(
  { orders }: BinanceExchange,
  now: () => number,
  publish: (event: AccountEvent) => void,
): void {
  let booked: Fill | null = null;
  orders.account.onFill = (fill) => {
    booked = fill;
  };
  orders.index.onStatus = (order) => {
    const fill = booked;
    booked = null;
    if (fill !== null) publish(accountUpdate(orders, fill, now()));
    publish(orderUpdate(order, fill, now()));
  };
}

function accountUpdate({ account, marks }: BinanceExchange['orders'], fill: Fill, now: number): AccountEvent {
  const { symbol, positionSide, commission, commissionAsset, realizedPnl } = fill;
  const { amount, entryPrice, net } = account.position(symbol, positionSide);
  const assets = new Set([account.marginAssetOf(symbol), commissionAsset]);
  const profit = amount.isZero() ? new Exact(0) : (marks.get(symbol) ?? entryPrice).sub(entryPrice).mul(amount);
  return {
    e: 'ACCOUNT_UPDATE',
    E: now,
    T: fill.time,
    a: {
      m: 'ORDER',
      B: [...assets].map((asset) => {
        const wallet = account.wallet(asset).toDecimalPlaces(SHOWN_DIGITS).toFixed();
        return { a: asset, wb: wallet, cw: wallet, bc: '0' };
      }),
      P: [
        {
          s: symbol,
          pa: amount.toFixed(),
          ep: entryPrice.toFixed(),
          bep: amount.isZero() ? '0' : entryPrice.sub(net.div(amount)).toDecimalPlaces(SHOWN_DIGITS).toFixed(),
          cr: realizedPnl.sub(commission).toFixed(),
          up: profit.toDecimalPlaces(SHOWN_DIGITS).toFixed(),
          mt: 'cross',
          iw: '0',
          ps: positionSide,
        },
      ],
    },
  };
}

function orderUpdate(order: Order, fill: Fill | null, now: number): AccountEvent {
  const { executedQty, cumQuote } = order;
  return {
    e: 'ORDER_TRADE_UPDATE',
    E: now,
    T: order.updateTime,
    o: {
      s: order.symbol,
      c: order.clientOrderId,
      S: order.side,
      o: order.type,
      f: order.timeInForce,
      q: order.quantity.toFixed(),
      p: order.price.toFixed(),
      ap: executedQty.isZero() ? '0' : cumQuote.div(executedQty).toFixed(AVERAGE_DIGITS),
      sp: '0',
      x: fill === null ? (order.status === 'PARTIALLY_FILLED' ? 'NEW' : order.status) : 'TRADE',
      X: order.status,
      i: order.orderId,
      l: fill?.quantity.toFixed() ?? '0',
      z: executedQty.toFixed(),
      L: fill?.price.toFixed() ?? '0',
      ...(fill === null ? {} : { N: fill.commissionAsset, n: fill.commission.toFixed() }),
      T: order.updateTime,
      t: fill?.id ?? 0,
      b: '0',
      a: '0',
      m: fill?.maker ?? false,
      R: order.reduceOnly,
      wt: 'CONTRACT_PRICE',
      ot: order.type,
      ps: order.positionSide,
      cp: false,
      rp: fill?.realizedPnl.toFixed() ?? '0',
      pP: false,
      si: 0,
      ss: 0,
      V: 'EXPIRE_MAKER',
      pm: 'NONE',
      gtd: 0,
    },
  };
}

/** A listen key expires an hour after it was last kept alive. Unit: milliseconds. */
const LIFETIME_MS = 60 * 60 * 1000;

interface ListenKey {
  readonly key: string;
  validUntil: number;
}

/** The account's one listen key, which names its user data stream. */
export class ListenKeys {
  readonly #seed: number;
  #made = 0;
  #current: ListenKey | null = null;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The valid key, kept alive, or a new one. */
  create(now: number): string {
    const valid = this.valid(now);
    if (valid === null) {
      const key = createHash('sha256').update(`listen-key ${this.#seed} ${++this.#made}`).digest('hex');
      this.#current = { key, validUntil: now + LIFETIME_MS };
      return key;
    }
    this.keepAlive(now);
    return valid;
  }

  /** Throws -1125 without a valid key. */
  keepAlive(now: number): string {
    if (this.#current === null || this.valid(now) === null) throw new BinanceError('-1125');
    this.#current.validUntil = now + LIFETIME_MS;
    return this.#current.key;
  }

  /** Invalidates the key and returns it; null without one. */
  end(): string | null {
    const ended = this.#current?.key ?? null;
    this.#current = null;
    return ended;
  }

  valid(now: number): string | null {
    return this.#current !== null && now < this.#current.validUntil ? this.#current.key : null;
  }

  /** Returns the key once after it has expired. */
  expired(now: number): string | null {
    return this.#current !== null && now >= this.#current.validUntil ? this.end() : null;
  }
}

/** The listen key of the user data stream: these need the key, and no signature. */
export const STREAM_ENDPOINTS: EndpointTable = {
  'POST /fapi/v1/listenKey': keyed(({ exchange }) => ({ listenKey: exchange.listenKeys.create(exchange.now()) })),
  'PUT /fapi/v1/listenKey': keyed(({ exchange }) => ({ listenKey: exchange.listenKeys.keepAlive(exchange.now()) })),
  'DELETE /fapi/v1/listenKey': keyed(({ exchange }) => {
    exchange.listenKeys.end();
    return {};
  }),
};
