/**
 * The simulated exchange as one process reaches it (ports/exchange.ts, ports/venue.ts): every method is a request of its host, which may be lost,
 * slow, or take effect after the process has given it up.
 *
 * SIM-38  Every answer is one that the ports allow: a request that is not answered is in doubt, unavailable or EXCHANGE_AWAY, and never a no. Only
 *         a look-up may deny once what is there, as exchanges do whose servers are not of one moment (EXE-48).
 */
import { rejectionOf } from '../../../connectors/exchange/ccxt/exchange-rejection.ts';
import type { CodeTable } from '../../../connectors/exchange/ccxt/venues/code-rules.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type {
  Cancellation,
  Charges,
  DecimalText,
  Exchange,
  LookUp,
  MarketRules,
  OrderRequest,
  Placement,
  PositionReference,
  RestingCancellation,
  RestingOrder,
  VenuePosition,
} from '../../../ports/exchange.ts';
import { type SendGate, WithheldOrder } from '../../../ports/kill-switch.ts';
import type { Candle } from '../../../ports/market.ts';
import type { Fills, OrderOrigin, Shown, Venue, VenueStops } from '../../../ports/venue.ts';
import type { ClientOrderId, OrderId, Side } from '../../../schemas/generated/records.ts';
import { isKind, messageOf } from '../../../errors/harvestline-error.ts';
import type { Call, Fate, Host } from '../host.ts';
import { AccountAnswers, away } from './account-answers.ts';
import { codeOf } from './order-refusals.ts';
import { refusedReply } from '../secrets.ts';
import { RequestLimits, TooOften } from './request-limits.ts';
import { RECEIVE_WINDOW_MS, type VenueAccount } from './venue-account.ts';

/** How long a process waits for an answer, as the connector does: as long as the exchange takes what was sent, so that nothing given up comes to be. */
const TIMEOUT_MS = RECEIVE_WINDOW_MS;

/** How much longer than usual a slow exchange takes, at the least and at the most. Unit: milliseconds. */
const SLOW_MS = [500, 4500] as const;

/** A late order arrives in between, so that some of them are too late for the exchange's window. Unit: milliseconds after it was sent. */
const LATE_MS = [3000, RECEIVE_WINDOW_MS + 500] as const;

/** How long an order is on its way during which somebody halts the desk: long enough for the halt, and in time for its answer. Unit: milliseconds. */
const HALTED_ORDER_MS = [1500, TIMEOUT_MS - 300] as const;

/** Every so many requests for older fills are told to come later. */
const NOT_NOW_EVERY = 5;

export class SimulatedVenue implements Exchange, Venue {
  readonly venue = 'binanceusdm';
  readonly #host: Host;
  readonly #account: VenueAccount;
  readonly #answers: AccountAnswers;
  readonly #limits: RequestLimits;
  #olderAsked = 0;

  constructor(host: Host, account: VenueAccount) {
    this.#host = host;
    this.#account = account;
    this.#answers = new AccountAnswers(account);
    this.#limits = new RequestLimits(host, account);
  }

  rules(symbol: string): Promise<MarketRules | null> {
    return this.#ask('rules', symbol, () => this.#answers.rules(symbol));
  }

  position(reference: PositionReference): Promise<VenuePosition> {
    return this.#ask('position', reference.symbol, () => this.#answers.position(reference));
  }

  markPrice(reference: PositionReference): Promise<DecimalText | null> {
    return this.#ask('mark', reference.symbol, () => this.#answers.markPrice(reference.symbol));
  }

  async place(request: OrderRequest, gate: SendGate): Promise<Placement> {
    const { clientOrderId, position } = request;
    const { block } = this.#limits;
    if (block !== null) return refusedFor(block);
    try {
      return await gate(() => {
        const sentAt = this.#host.kernel.now;
        return this.#send('place', position.symbol, () => this.#received(request, sentAt), {
          changes: true,
          ...this.#fateOfOrder(position.symbol),
        });
      });
    } catch (thrown) {
      if (thrown instanceof WithheldOrder) return { kind: 'withheld', stop: thrown.stop, message: thrown.message };
      if (thrown instanceof TooOften) return refusedFor(thrown);
      if (!isKind(thrown, 'transient')) throw thrown;
      return { kind: 'in-doubt', message: `${clientOrderId}: ${messageOf(thrown)}` };
    }
  }

  async lookUp(clientOrderId: ClientOrderId, symbol: string): Promise<LookUp> {
    const { faults, denied } = this.#account;
    const isLost = this.#host.isAlive && faults.strikes('look_up_lost', symbol) !== null;
    const effect = (): LookUp => {
      const found = this.#answers.lookUp(clientOrderId);
      if (found.kind !== 'found' || denied.has(clientOrderId)) return found;
      if (faults.strikes('look_up_denied', symbol) === null) return found;
      denied.add(clientOrderId);
      return { kind: 'absent' };
    };
    return this.#ask('lookUp', symbol, effect, isLost ? LOST : {}).catch(unavailable);
  }

  async cancel(clientOrderId: ClientOrderId, symbol: string): Promise<Cancellation> {
    const effect = (): Cancellation => {
      this.#answers.cancel(clientOrderId);
      return { kind: 'ended' };
    };
    return this.#ask('cancel', symbol, effect, { changes: true }).catch(unavailable);
  }

  charges(reference: PositionReference): Promise<Charges> {
    return this.#ask('charges', reference.symbol, () => this.#answers.charges(reference));
  }

  resting(symbol: string, side: Side): Promise<readonly RestingOrder[]> {
    return this.#ask('resting', symbol, () => this.#answers.resting(symbol, side));
  }

  async cancelResting(symbol: string, order: RestingOrder): Promise<RestingCancellation> {
    const effect = (): RestingCancellation => this.#answers.cancelResting(symbol, order);
    return this.#ask('cancelResting', symbol, effect, { changes: true }).catch(unavailable);
  }

  holdings(): Promise<Shown> {
    return this.#ask('holdings', '*', () => this.#answers.holdings());
  }

  fills(symbol: string, since: EpochMillis): Promise<Fills> {
    return this.#ask('fills', symbol, () => this.#answers.fills(symbol, since));
  }

  async olderFills(symbol: string, before: EpochMillis): Promise<Fills | null> {
    this.#olderAsked += 1;
    if (this.#olderAsked % NOT_NOW_EVERY === 0) return null;
    return this.#ask('olderFills', symbol, () => this.#answers.olderFills(symbol, before));
  }

  orderOrigin(symbol: string, orderId: OrderId): Promise<OrderOrigin | null> {
    return this.#ask('origin', symbol, () => this.#answers.origin(orderId));
  }

  candles(symbol: string, count: number): Promise<readonly Candle[]> {
    return this.#ask('candles', symbol, () => this.#answers.candles(symbol, count));
  }

  stops(symbol: string, side: Side): Promise<VenueStops> {
    return this.#ask('stops', symbol, () => this.#answers.stops(symbol, side));
  }

  #received(request: OrderRequest, sentAt: EpochMillis): Placement {
    const refusal = this.#limits.refusal(true);
    if (refusal !== null) {
      const sending = { host: this.#host.name, sentAt, receivedAt: this.#host.kernel.now };
      this.#account.ledger.note(request, sending, { refused: 'busy', order: null });
      throw refusal;
    }
    const taken = this.#account.receive(request, this.#host.name, sentAt);
    if (typeof taken !== 'string') {
      return { kind: 'accepted', order: this.#answers.orderOf(taken, request.clientOrderId) };
    }
    const { message } = rejectionOf(refusedReply(codeOf(taken), taken), NO_CODES, null, this.#host.kernel.now);
    return { kind: 'rejected', meaning: taken, code: codeOf(taken), message };
  }

  #fateOfOrder(symbol: string): Sending {
    const { faults } = this.#account;
    if (!this.#host.isAlive) return {};
    if (faults.strikes('order_lost', symbol) !== null) return LOST;
    if (faults.strikes('order_reply_lost', symbol) !== null) return { fate: 'reply lost' };
    const halted = faults.strikes('halted_in_flight', symbol);
    if (halted !== null) return { slowMs: between(HALTED_ORDER_MS, halted.much) };
    const late = faults.strikes('order_late', symbol);
    // Not the host's own lateness, which is beyond the window of the exchange more often than not.
    return late === null ? {} : { fate: 'reply lost', slowMs: between(LATE_MS, late.much) };
  }

  /** Throws EXCHANGE_AWAY without an answer, whatever the reason (SIM-38). */
  async #ask<T>(
    operation: string,
    about: string,
    effect: () => T,
    sending: Sending & { readonly changes?: true } = {},
  ): Promise<T> {
    const { block } = this.#limits;
    if (block !== null) throw away(`${operation} of ${about}: ${block.message}`);
    const worked = (): T => {
      const refusal = this.#limits.refusal(false);
      if (refusal !== null) throw refusal;
      return effect();
    };
    try {
      return await this.#send(operation, about, worked, sending);
    } catch (thrown) {
      throw thrown instanceof TooOften ? away(`${operation} of ${about}: ${thrown.message}`) : thrown;
    }
  }

  /** Throws EXCHANGE_AWAY, TooOften, and what `effect` throws. */
  async #send<T>(
    operation: string,
    about: string,
    effect: () => T,
    sending: Sending & { readonly changes?: true },
  ): Promise<T> {
    const { faults } = this.#account;
    const host = this.#host;
    const unanswered = (): Error => away(`${operation} of ${about}`);
    const call: Call<T> = { port: 'exchange', operation, effect, timeoutMs: TIMEOUT_MS, unanswered, ...sending };
    try {
      if (!host.isAlive) return await host.call(call);
      const isAway = faults.strikes('exchange_away', 'exchange');
      // An exchange that does not answer may have done what it was asked.
      if (isAway !== null) return await host.call({ ...call, fate: isAway.much < 0.5 ? 'lost' : 'reply lost' });
      const slow = sending.slowMs === undefined ? faults.strikes('exchange_slow', host.role) : null;
      return await host.call(slow === null ? call : { ...call, slowMs: between(SLOW_MS, slow.much) });
    } catch (thrown) {
      if (thrown instanceof TooOften) this.#limits.note(thrown);
      throw thrown;
    }
  }
}

interface Sending {
  readonly fate?: Fate;
  readonly slowMs?: number;
}

/** What a refusal means is the simulation's to say. */
const NO_CODES: CodeTable = new Map();

const LOST: Sending = { fate: 'lost' };

function between([least, most]: readonly [number, number], share: number): number {
  return Math.round(least + share * (most - least));
}

/** A limit is a definite no: the order was not taken. */
function refusedFor({ code, message }: TooOften): Placement {
  return { kind: 'rejected', meaning: 'busy', code, message };
}

/** No answer is never a no. */
function unavailable(thrown: unknown): { readonly kind: 'unavailable'; readonly message: string } {
  if (!isKind(thrown, 'transient')) throw thrown;
  return { kind: 'unavailable', message: messageOf(thrown) };
}
