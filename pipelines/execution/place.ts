/**
 * Sends what an intent asks for: one order, or several one after the other.
 *
 * SO1  Each order is announced by a SUBMITTED report of its own, with a client id of its own, and that is durable before it is sent (E1, E2).
 * SO2  The next is announced when the one before has ended, and what that filled is in the same write ahead of it: whatever interrupts the
 *      process, only the latest order of an intent can be without an end.
 * SO3  A doubt ends the intent: nothing follows an order of which nobody knows how it ended.
 * SO4  The kill switch, the claim of the account, the close rate, the age of the intent and the mark are asked for each order.
 * SO5  A drain lets no order follow, and takes one that rests off the book.
 */
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, MarketRules, VenueOrder } from '../../ports/exchange.ts';
import { type KillSwitch, type SendGate, WithheldOrder } from '../../ports/kill-switch.ts';
import type { ExecutionReport, HarvestIntent, OrderStyle } from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import type { CloseRate } from './limits.ts';
import type { Decider } from './decide.ts';
import { type OrderDesk, type OrderEnd, type OrderEnds, type Stopped, describe } from './resolve.ts';
import { type PlannedOrder, mayRest, plannedOrder, pricingOf } from './order-plan.ts';
import type { Outbox } from './outbox.ts';
import { type ReasonOf, rejectionReason } from './reasons.ts';
import { blockingOrders } from './resting.ts';
import { type AnnouncedOrder, submittedReport } from './reports.ts';

export interface SendingDesk extends OrderDesk {
  readonly killSwitch: KillSwitch;
  readonly closeRate: CloseRate;
  readonly ends: OrderEnds;
  readonly decider: Decider;
  /** Aborted when the process is to end. */
  readonly draining: AbortSignal;
}

/** How often an order that rests is looked at, and the kill switch with it. Unit: milliseconds. */
const LOOK_AT_RESTING_MS = 1000;

/** Ends after which what is left may be sent again: the venue took the order, or would not have it rest. */
const MAY_FOLLOW: ReadonlySet<string> = new Set(['NO_FILL', 'WOULD_TAKE'] satisfies ReasonOf<'REJECTED'>[]);

export class OrderSender {
  readonly #desk: SendingDesk;

  constructor(desk: SendingDesk) {
    this.#desk = desk;
  }

  /** `style` is that of the intent; orders of it may have another (order-plan.ts). Throws EXCHANGE_AWAY, as `endOf` does. */
  async send(
    intent: HarvestIntent,
    at: LogRecord,
    style: OrderStyle,
    first: AnnouncedOrder,
    rules: MarketRules,
    outbox: Outbox,
  ): Promise<void> {
    const { ends, limits } = this.#desk;
    const { rounded } = first.sized.sizing;
    let open = new Exact(first.sized.position);
    let order = first;
    for (;;) {
      const submitted = this.#submitted(intent, at, order);
      outbox.addReport(submitted, intent);
      // SO1, E8: the write-ahead entry, and all that came before it.
      await outbox.flush();
      let end = await this.#sent(intent, submitted, order, outbox);
      if (end.kind === 'filled') open = new Exact(end.trade.remaining_quantity);
      const part = order.part + 1;
      const left = rounded.sub(filledOf(outbox, submitted, end));
      const remainder = { left, open, markPrice: Number(order.mark) };
      const planned = mayFollow(end) ? plannedOrder(style, limits.order, part, remainder, rules) : null;
      if (planned === null) return ends.conclude(intent, submitted, end, null, outbox);
      end = ends.tellTrade(end, submitted, outbox);
      const next = end.kind === 'doubtful' ? null : await this.#next(intent, at, first, part, planned);
      if (next === null) return ends.conclude(intent, submitted, end, null, outbox);
      if ('detail' in next) return ends.conclude(intent, submitted, end, next, outbox);
      order = next;
    }
  }

  #submitted(intent: HarvestIntent, at: LogRecord, order: AnnouncedOrder): ExecutionReport {
    const { exchange, clock } = this.#desk;
    return submittedReport(intent, at, exchange.venue, order, clock.now());
  }

  /** SO4, SO5. */
  async #next(
    intent: HarvestIntent,
    at: LogRecord,
    first: AnnouncedOrder,
    part: number,
    planned: PlannedOrder,
  ): Promise<AnnouncedOrder | Stopped> {
    const { clock, draining, decider, limits } = this.#desk;
    if (planned.waitMs > 0) await clock.sleep(planned.waitMs, draining);
    if (draining.aborted) return { reason: 'NO_FILL', detail: 'the process ends' };
    let decided: Awaited<ReturnType<Decider['decideOn']>>;
    try {
      decided = await decider.decideOn(intent, at, clientOrderIdOf(intent.intent_id, part));
    } catch (thrown) {
      // What was filled has its end to be told; the next snapshot decides about the rest.
      if (!isKind(thrown, 'transient')) throw thrown;
      return { reason: 'NO_FILL', detail: messageOf(thrown) };
    }
    if ('reason' in decided) {
      const { reason, detail } = decided;
      const words = detail === null ? reason : `${reason}: ${detail}`;
      return reason === 'KILL_SWITCH' ? { reason, detail: words } : { reason: 'NO_FILL', detail: words };
    }
    return { ...first, part, planned, pricing: pricingOf(planned.style, intent.side, decided.mark, limits.order) };
  }

  /** Sends one order that was announced, and finds out how it ended. */
  async #sent(
    intent: HarvestIntent,
    submitted: ExecutionReport,
    { planned, pricing }: AnnouncedOrder,
    outbox: Outbox,
  ): Promise<OrderEnd> {
    const { exchange, closeRate, ends, logger } = this.#desk;
    const { client_order_id: clientOrderId } = submitted;
    const request = { clientOrderId, position: intent, quantity: planned.quantity.toFixed(), pricing };
    const placement = await exchange.place(request, this.#gate(intent.account));
    if (placement.kind === 'accepted') {
      const { order } = placement;
      const rests = mayRest(submitted) && order.state === 'OPEN';
      return ends.endOf(intent, submitted, rests ? await this.#rested(intent, order) : order, outbox);
    }
    if (placement.kind === 'in-doubt') {
      const context = { ...describe(submitted), doubt: placement.message };
      logger.warn(context, 'the order is in doubt; asking the venue');
      return ends.endOf(intent, submitted, null, outbox);
    }
    if (placement.kind === 'withheld') {
      closeRate.withdrawn(clientOrderId);
      const reason = placement.stop === null ? 'NOT_PLACED' : 'KILL_SWITCH';
      return { kind: 'unfilled', reason, detail: placement.message, order: null, remaining: null };
    }
    const reason = rejectionReason(placement.meaning);
    if (reason === null) return ends.endOf(intent, submitted, null, outbox);
    closeRate.withdrawn(clientOrderId);
    const detail = `${placement.code}: ${placement.message}`;
    if (placement.meaning === 'keys') {
      const message = 'the venue refuses the keys: no order can be sent until they are mended';
      logger.error({ ...describe(submitted), detail }, message);
    }
    // What the venue says there is to reduce is worth knowing: the record and the venue differ.
    const remaining = placement.meaning === 'reduce-only' ? await this.#openNow(intent) : null;
    const blockedBy = placement.meaning === 'blocked' ? await blockingOrders(intent, this.#desk) : null;
    return { kind: 'unfilled', reason, detail, order: null, remaining, blockedBy };
  }

  /** Waits until an order that rests has ended, or its time is over; then it is taken off the book. What is known of it then. */
  async #rested(intent: HarvestIntent, placed: VenueOrder): Promise<VenueOrder> {
    const { exchange, clock, draining, killSwitch, limits } = this.#desk;
    const { clientOrderId } = placed;
    const until = clock.now() + limits.order.postOnlyMs;
    for (let left = limits.order.postOnlyMs; left > 0 && !draining.aborted; left = until - clock.now()) {
      await clock.sleep(Math.min(LOOK_AT_RESTING_MS, left), draining);
      const answer = await exchange.lookUp(clientOrderId, intent.symbol);
      if (answer.kind === 'found' && answer.order.state === 'DONE') return answer.order;
      if ((await killSwitch.halted(intent.account).catch(() => UNREADABLE)) !== null) break;
    }
    await exchange.cancel(clientOrderId, intent.symbol);
    return placed;
  }

  /** E11, E12, at the moment of sending: between the last look at both and the order nothing is waited for. */
  #gate(account: string): SendGate {
    const { accounts, killSwitch } = this.#desk;
    const gate = killSwitch.gate(account);
    return async (send) => {
      // Looks again where that is due; what it says is asked below.
      await accounts.works(account).catch(() => false);
      return gate(() => {
        const why = accounts.whyNotNow(account);
        return why === null ? send() : Promise.reject(new WithheldOrder(why));
      });
    };
  }

  /** For the report alone: an exchange that does not answer now must not keep a rejection from its end. */
  async #openNow(intent: HarvestIntent): Promise<DecimalText | null> {
    try {
      return (await this.#desk.exchange.position(intent)).quantity;
    } catch (thrown) {
      if (isKind(thrown, 'transient')) return null;
      throw thrown;
    }
  }
}

/** A switch that cannot be read lets nothing rest. */
const UNREADABLE = 'unreadable';

function mayFollow(end: OrderEnd): boolean {
  return end.kind === 'filled' || (end.kind === 'unfilled' && MAY_FOLLOW.has(end.reason));
}

/** What the orders of the intent have filled, this one's included. */
function filledOf(outbox: Outbox, submitted: ExecutionReport, end: OrderEnd): Exact {
  const own = end.kind === 'filled' && !end.isTold ? end.trade.quantity : 0;
  return Exact.sum(own, ...outbox.tradesOf(submitted).map(({ quantity }) => quantity));
}
