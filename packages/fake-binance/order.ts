import type { Exact } from '../../ports/exact-decimal.ts';
import type { Direction, PositionSide } from './account.ts';

export type TimeInForce = 'GTC' | 'IOC' | 'FOK' | 'GTX';

export interface Order {
  readonly orderId: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly type: string;
  readonly timeInForce: TimeInForce;
  readonly quantity: Exact;
  /** 0 for a market order. */
  readonly price: Exact;
  readonly reduceOnly: boolean;
  readonly time: number;
  status: 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'EXPIRED';
  executedQty: Exact;
  cumQuote: Exact;
  updateTime: number;
}

/** As it was sent: null is what was not. */
export interface OrderRequest {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide | null;
  readonly type: 'MARKET' | 'LIMIT';
  readonly quantity: string;
  readonly price: string | null;
  readonly reduceOnly: boolean | null;
  readonly timeInForce?: TimeInForce;
}

/** How a market order meets the book. */
export interface Matching {
  /** Into how many fills it is split, each one tick worse. */
  readonly fills: number;
  /** The share that fills before the rest expires; 1: all of it. */
  readonly share: number;
  /** How much worse than the mark the first fill is. Unit: ticks. */
  readonly slippageTicks: number;
  /** The price instead of the mark; null: the mark. */
  readonly price: string | null;
}

export const WHOLE: Matching = { fills: 1, share: 1, slippageTicks: 0, price: null };

export function isOpen({ status }: Pick<Order, 'status'>): boolean {
  return status === 'NEW' || status === 'PARTIALLY_FILLED';
}

/** Orders that the exchange itself makes are told by these beginnings. */
export const LIQUIDATION_ID = 'autoclose-';
export const ADL_ID = 'adl_autoclose';
export const SETTLEMENT_ID = 'settlement_autoclose-';
