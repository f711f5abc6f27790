import type { Clock } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { Exact, toText } from '../../ports/exact-decimal.ts';
import type { DecimalText, Exchange, MarketRules } from '../../ports/exchange.ts';
import { type KillSwitch, describeStop } from '../../ports/kill-switch.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { ClientOrderId, HarvestIntent, OrderStyle } from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import {
  type CloseRate,
  type ExecutionLimits,
  cooldown,
  markDiffers,
  outOfBounds,
  refusedRecently,
  settlesNow,
  staleness,
} from './limits.ts';
import type { Ledger } from './ledger.ts';
import type { OrderEnds } from './resolve.ts';
import { plannedOrder, pricingOf } from './order-plan.ts';
import type { Outbox } from './outbox.ts';
import { notRecordable } from './recordable.ts';
import type { AnnouncedOrder, Sized } from './reports.ts';
import { type OrderSizing, sizeOrder } from './size-order.ts';
import type { Suppression } from './reasons.ts';

/** What is done about an intent: orders, of which this is the first, or none and why. */
export type Decision =
  | { readonly kind: 'send'; readonly first: AnnouncedOrder; readonly rules: MarketRules }
  | { readonly kind: 'suppress'; readonly suppression: Suppression; readonly sized: Sized | null };

export interface DecidingDesk {
  readonly exchange: Exchange;
  readonly accounts: WorkedAccounts;
  readonly killSwitch: KillSwitch;
  readonly closeRate: CloseRate;
  readonly ends: OrderEnds;
  readonly limits: ExecutionLimits;
  readonly clock: Clock;
}

const NOT_SHOWN: Suppression = { reason: 'NOT_SHOWN', detail: null };
const NO_MARK_PRICE: Suppression = { reason: 'NO_MARK_PRICE', detail: null };
const UNKNOWN_SYMBOL: Suppression = { reason: 'UNKNOWN_SYMBOL', detail: null };

/** Decides about intents, by what the ledger, the limits, the kill switch and the venue say at this moment. */
export class Decider {
  readonly #desk: DecidingDesk;

  constructor(desk: DecidingDesk) {
    this.#desk = desk;
  }

  /**
   * What costs nothing is asked first; orders in doubt before anything that depends on how they ended. Throws EXCHANGE_AWAY when the venue
   * does not answer about rules or positions.
   */
  async decide(
    intent: HarvestIntent,
    at: LogRecord,
    style: OrderStyle,
    ledger: Ledger,
    outbox: Outbox,
  ): Promise<Decision> {
    const { exchange, limits, ends, clock } = this.#desk;
    const { position_id: positionId } = intent;
    const suppression =
      outOfBounds(intent, exchange.venue, limits) ??
      staleness(intent, at.timestamp, clock.now(), limits) ??
      (await ends.settleEarlier(positionId, ledger, outbox)) ??
      (await this.#halted(intent)) ??
      cooldown(intent, at.timestamp, ledger.lastPartialObservedAt(positionId), clock.now(), limits) ??
      refusedRecently(ledger.refusals(positionId), clock.now(), limits);
    if (suppression !== null) return { kind: 'suppress', suppression, sized: null };

    const rules = await exchange.rules(intent.symbol, intent);
    if (rules === null) return { kind: 'suppress', suppression: UNKNOWN_SYMBOL, sized: null };
    const settles = settlesNow(rules.ending, clock.now());
    if (settles !== null) return { kind: 'suppress', suppression: settles, sized: null };
    const { quantity: position } = await exchange.position(intent);
    if (position === null) return { kind: 'suppress', suppression: NOT_SHOWN, sized: null };
    // What is flat has no value to ask for.
    const mark = new Exact(position).gt(0) ? await exchange.markPrice(intent) : toText(new Exact(intent.mark_price));
    if (mark === null) return { kind: 'suppress', suppression: NO_MARK_PRICE, sized: null };
    const differs = markDiffers(intent, mark, limits);
    if (differs !== null) return { kind: 'suppress', suppression: differs, sized: null };
    const sizing = sizeOrder(position, intent.fraction, Number(mark), rules, limits.maxOrderNotional);
    if (sizing.kind === 'none') return { kind: 'suppress', suppression: sizing, sized: { position, sizing } };
    const sized = { position, sizing };
    const first = this.#first(intent, style, sized, mark, rules);
    const unrecordable = notRecordable(intent, at, exchange.venue, first, clock.now());
    if (unrecordable !== null) return { kind: 'suppress', suppression: unrecordable, sized: null };
    // E11: what was asked of the venue may have taken long.
    const refusal = (await this.#halted(intent)) ?? this.#tooMany(clientOrderIdOf(intent.intent_id));
    return refusal === null ? { kind: 'send', first, rules } : { kind: 'suppress', suppression: refusal, sized };
  }

  #first(
    intent: HarvestIntent,
    style: OrderStyle,
    sized: Sized<OrderSizing>,
    mark: DecimalText,
    rules: MarketRules,
  ): AnnouncedOrder {
    const { order: terms } = this.#desk.limits;
    const { rounded: left } = sized.sizing;
    const remainder = { left, open: new Exact(sized.position), markPrice: Number(mark) };
    const planned = plannedOrder(style, terms, 0, remainder, rules) ?? { style, quantity: left };
    return { sized, mark, part: 0, planned, pricing: pricingOf(style, intent.side, mark, terms) };
  }

  /** E11, E12: why a further order of an intent must not be announced, or at which mark it may. */
  async decideOn(
    intent: HarvestIntent,
    at: LogRecord,
    clientOrderId: ClientOrderId,
  ): Promise<{ readonly mark: DecimalText } | Suppression> {
    const { exchange, limits, clock } = this.#desk;
    const early = staleness(intent, at.timestamp, clock.now(), limits) ?? (await this.#halted(intent));
    if (early !== null) return early;
    const mark = await exchange.markPrice(intent);
    if (mark === null) return NO_MARK_PRICE;
    const differs = markDiffers(intent, mark, limits);
    return differs ?? (await this.#halted(intent)) ?? this.#tooMany(clientOrderId) ?? { mark };
  }

  async #halted({ account }: HarvestIntent): Promise<Suppression | null> {
    // E12: throws where it is not any more.
    await this.#desk.accounts.works(account);
    const stop = await this.#desk.killSwitch.halted(account);
    return stop === null ? null : { reason: 'KILL_SWITCH', detail: describeStop(stop) };
  }

  /** Counts the order where it is none too many, at once: others are decided meanwhile. */
  #tooMany(clientOrderId: ClientOrderId): Suppression | null {
    const { closeRate, limits, clock } = this.#desk;
    const { maxClosesPerMinute } = limits;
    const others = closeRate.others(clientOrderId);
    if (maxClosesPerMinute !== null && others >= maxClosesPerMinute) {
      const detail = `${others} orders in the last minute, at most ${maxClosesPerMinute} are allowed`;
      return { reason: 'CLOSE_RATE', detail };
    }
    closeRate.announced(clientOrderId, clock.now());
    return null;
  }
}
