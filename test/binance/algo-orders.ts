import type { Direction, PositionSide } from './account.ts';

/** A conditional order: a stop or a target that waits. */
export interface AlgoOrder {
  readonly algoId: number;
  readonly clientAlgoId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly orderType: string;
  readonly quantity: string;
  readonly triggerPrice: string;
  readonly reduceOnly: boolean;
  readonly closePosition: boolean;
  readonly time: number;
  status: 'NEW' | 'TRIGGERED' | 'FINISHED' | 'CANCELED';
  /** The order that it became. */
  actualOrderId: number | null;
}

/** The conditional orders of the account: since December 2025 they live apart from ordinary ones. */
export class AlgoOrders {
  readonly #orders = new Map<number, AlgoOrder>();
  #nextId = 1;

  add(order: Omit<AlgoOrder, 'algoId' | 'status' | 'actualOrderId'>): AlgoOrder {
    const added: AlgoOrder = { ...order, algoId: this.#nextId++, status: 'NEW', actualOrderId: null };
    this.#orders.set(added.algoId, added);
    return added;
  }

  find(algoId: number): AlgoOrder | undefined {
    return this.#orders.get(algoId);
  }

  ofSymbol(symbol: string | null): readonly AlgoOrder[] {
    return [...this.#orders.values()].filter((order) => symbol === null || order.symbol === symbol);
  }
}
