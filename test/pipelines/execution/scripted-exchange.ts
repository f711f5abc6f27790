import type { Charges } from '../../../ports/charges.ts';
import type {
  Cancellation,
  Exchange,
  LookUp,
  MarketRules,
  OrderRequest,
  Placement,
  PositionReference,
  VenueOrder,
  VenuePosition,
} from '../../../ports/exchange.ts';
import type { RestingCancellation, RestingOrder } from '../../../ports/resting.ts';
import type { ClientOrderId, OrderId } from '../../../schemas/generated/records.ts';
import { OPENED_AT } from './an-intent.ts';

/** A venue that says what it is told to, and keeps what it was asked. */
export class ScriptedExchange implements Exchange {
  readonly venue = 'scripted';
  readonly calls: string[] = [];
  marketRules: MarketRules | null = { lotStep: '1', minQuantity: '1', maxQuantity: null, minNotional: '5' };
  /** One answer a call, the last for ever; a function may throw. */
  positions: (() => VenuePosition)[] = [() => ({ quantity: '1000' })];
  /** Null: none; left out: that of the snapshot. */
  mark: string | null | undefined;
  placements: Placement[] = [];
  lookUps: LookUp[] = [{ kind: 'absent' }];
  cancellations: Cancellation[] = [{ kind: 'ended' }];
  readonly sent: Omit<OrderRequest, 'position'>[] = [];
  /** May throw. */
  charged: () => Charges = () => ({ kind: 'rates', feeRate: '0' });
  /** May throw. */
  rests: () => readonly RestingOrder[] = () => [];
  restingCancellations: RestingCancellation[] = [{ kind: 'cancelled' }];

  async rules(): Promise<MarketRules | null> {
    this.calls.push('rules');
    return this.marketRules;
  }

  async position(): Promise<VenuePosition> {
    this.calls.push('position');
    return next(this.positions)();
  }

  async markPrice({ mark_price }: Pick<PositionReference, 'mark_price'>): Promise<string | null> {
    return this.mark === undefined ? String(mark_price) : this.mark;
  }

  async place({ clientOrderId, quantity, pricing }: OrderRequest): Promise<Placement> {
    this.calls.push(`place ${quantity}`);
    this.sent.push({ clientOrderId, quantity, pricing });
    return next(this.placements);
  }

  async lookUp(): Promise<LookUp> {
    this.calls.push('lookUp');
    return next(this.lookUps);
  }

  async cancel(): Promise<Cancellation> {
    this.calls.push('cancel');
    return next(this.cancellations);
  }

  async charges(): Promise<Charges> {
    return this.charged();
  }

  async resting(): Promise<readonly RestingOrder[]> {
    this.calls.push('resting');
    return this.rests();
  }

  async cancelResting(_: string, { orderId }: RestingOrder): Promise<RestingCancellation> {
    this.calls.push(`cancelResting ${orderId}`);
    return next(this.restingCancellations);
  }
}

function next<T>(answers: T[]): T {
  const [answer] = answers.length > 1 ? answers.splice(0, 1) : answers;
  if (answer === undefined) throw new Error('the venue was not told what to say');
  return answer;
}

export function venueOrder(traits: Partial<VenueOrder> = {}): VenueOrder {
  return {
    orderId: 'v-1' as OrderId,
    clientOrderId: 'hl-1' as ClientOrderId,
    state: 'DONE',
    filledQuantity: '500',
    averagePrice: '107',
    fee: '26.75',
    feeAsset: 'USDT',
    feeAmount: '26.75',
    positionAfter: '500',
    filledAt: OPENED_AT + 3_601_080,
    ...traits,
  };
}
