/**
 * The exchange's own books of one account: what really happened, whatever clients are told of it. Checks of invariants read them; nothing that
 * answers a client does more than take fills from them.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText, OrderRequest, RefusalMeaning } from '../../../ports/exchange.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import type { ClientOrderId, OrderId, ReductionCause, Side } from '../../../schemas/generated/records.ts';

/** An order that arrived, each time that it did. */
export interface ReceivedOrder {
  readonly clientOrderId: ClientOrderId;
  readonly symbol: string;
  /** Of the position that it reduces. */
  readonly side: Side;
  readonly quantity: DecimalText;
  /** The process that sent it. */
  readonly host: string;
  readonly sentAt: EpochMillis;
  readonly receivedAt: EpochMillis;
  /** Null: it was taken, and `order` says what became of it. */
  readonly refused: RefusalMeaning | null;
  readonly order: AccountOrder | null;
}

/** An order that the exchange took. */
export interface AccountOrder {
  readonly orderId: OrderId;
  /** Null: the exchange made it itself, or names none. */
  readonly clientOrderId: ClientOrderId | null;
  readonly symbol: string;
  readonly side: Side;
  /** It makes the position smaller. */
  readonly reduces: boolean;
  readonly cause: Exclude<ReductionCause, 'UNRECOGNISED'>;
  /** Unit: lots. */
  readonly lots: number;
  /** The worst price at which it may fill; null: any. Unit: ticks. */
  readonly limitTicks: number | null;
  /** It rests in the book. */
  readonly rests: boolean;
  readonly receivedAt: EpochMillis;
  readonly fills: AccountFill[];
  /** Unit: lots. */
  filledLots: number;
  isOpen: boolean;
  updatedAt: EpochMillis;
}

export interface AccountFill {
  readonly symbol: string;
  readonly side: Side;
  readonly order: AccountOrder;
  /** As clients are told of it, from `listedAt` on. */
  readonly fill: VenueFill;
  readonly lots: number;
  readonly ticks: number;
  /** What the fee was worth. Unit: quote currency. */
  readonly feeQuote: DecimalText;
  readonly listedAt: EpochMillis;
  /** Open size of the side after it. Unit: lots. */
  readonly lotsAfter: number;
}

/** A payment of funding, for one side of a symbol. */
export interface AccountFunding {
  readonly symbol: string;
  readonly side: Side;
  readonly lots: number;
  /** Positive where the account paid it. Unit: quote currency. */
  readonly amount: DecimalText;
  readonly paidAt: EpochMillis;
}

/** What somebody other than the desk did at the exchange. */
export interface HandMade {
  readonly what: 'opened' | 'grown' | 'closed' | 'liquidated';
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: DecimalText;
  readonly at: EpochMillis;
}

export class AccountLedger {
  readonly received: ReceivedOrder[] = [];
  readonly fills: AccountFill[] = [];
  readonly funding: AccountFunding[] = [];
  readonly handMade: HandMade[] = [];

  /** Notes an order that arrived, and what became of it. */
  note(
    { clientOrderId, position: { symbol, side }, quantity }: OrderRequest,
    sending: Pick<ReceivedOrder, 'host' | 'sentAt' | 'receivedAt'>,
    outcome: Pick<ReceivedOrder, 'refused' | 'order'>,
  ): void {
    this.received.push({ clientOrderId, symbol, side, quantity, ...sending, ...outcome });
  }
}
