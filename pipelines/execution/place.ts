/**
 * Places the orders of an intent: one, or several one after the other.
 *
 * EXE-37  Each order has a client id and a SUBMITTED report of its own, which is durable before the order is sent (EXE-1, EXE-2).
 * EXE-38  The next order is announced after the one before has ended, in one write behind the trade of that one: whatever interrupts the process,
 *         only the latest order of an intent can be without an end.
 * EXE-39  A doubt ends the intent: nothing follows an order whose end is unknown.
 * EXE-40  The kill switch, the claim of the account, the close rate, the age of the intent and the mark are checked for each order.
 * EXE-41  During a drain no further order follows, and one that rests is cancelled.
 * EXE-52  An order is handed to the network only where the log has just confirmed that nobody else works its partition (outbox.ts, PORT-11). So a
 *         process that stood still asks first, and keeps back an order that another process may have sent, or ended as never placed.
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
import { type OrderEnd, type Stopped, recordEnd, recordTrade } from './record.ts';
import { type AnnouncedOrder, logContextOf, submittedReport } from './reports.ts';
import type { OrderDesk, OrderResolver } from './resolve.ts';
import { type PlannedOrder, mayRest, plannedOrder, pricingOf } from './order-plan.ts';
import type { Outbox } from './outbox.ts';
import { type ReasonOf, rejectionReason } from './reasons.ts';
import { blockingOrders } from './resting.ts';

interface PlacingDesk extends OrderDesk {
  readonly killSwitch: KillSwitch;
  readonly closeRate: CloseRate;
  readonly resolver: OrderResolver;
  readonly decider: Decider;
  /** Aborted when the process is to end. */
  readonly draining: AbortSignal;
}

/** The wait between look-ups of a resting order, and checks of the kill switch. Unit: milliseconds. */
const RESTING_CHECK_MS = 1000;

/** Reasons after which the rest may be sent again: the venue took the order, or refused to let it rest. */
const MAY_FOLLOW: ReadonlySet<string> = new Set(['NO_FILL', 'WOULD_TAKE'] satisfies ReasonOf<'REJECTED'>[]);

export class OrderPlacer {
  readonly #desk: PlacingDesk;

  constructor(desk: PlacingDesk) {
    this.#desk = desk;
  }

  /**
   * Places the orders of an intent, and records how they ended. `style` is the intent's; its orders may have another (order-plan.ts). Throws
   * EXCHANGE_AWAY, as `endOf` does.
   */
  async place(
    intent: HarvestIntent,
    at: LogRecord,
    style: OrderStyle,
    first: AnnouncedOrder,
    rules: MarketRules,
    outbox: Outbox,
  ): Promise<void> {
    const { limits } = this.#desk;
    const { rounded } = first.sized.sizing;
    let open = new Exact(first.sized.position);
    let order = first;
    for (;;) {
      const submitted = this.#submitted(intent, at, order);
      outbox.addReport(submitted, intent);
      // EXE-37, EXE-8: the announcement, and everything that came before it.
      await outbox.flush();
      let end = await this.#endOf(intent, submitted, order, outbox);
      if (end.kind === 'filled') open = new Exact(end.trade.remaining_quantity);
      const part = order.part + 1;
      const left = rounded.sub(filledOf(outbox, submitted, end));
      const remainder = { left, open, markPrice: Number(order.mark) };
      const planned = mayFollow(end) ? plannedOrder(style, limits.order, part, remainder, rules) : null;
      if (planned === null) return recordEnd({ intent, submitted, end, stopped: null }, outbox, this.#desk);
      end = recordTrade(end, submitted, outbox);
      const next = end.kind === 'doubtful' ? null : await this.#next(intent, at, first, part, planned);
      if (next === null) return recordEnd({ intent, submitted, end, stopped: null }, outbox, this.#desk);
      if ('detail' in next) return recordEnd({ intent, submitted, end, stopped: next }, outbox, this.#desk);
      order = next;
    }
  }

  #submitted(intent: HarvestIntent, at: LogRecord, order: AnnouncedOrder): ExecutionReport {
    const { exchange, clock } = this.#desk;
    return submittedReport(intent, at, exchange.venue, order, clock.now());
  }

  /** The next order of the intent, or why none follows (EXE-40, EXE-41). */
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
      // The fills so far must be reported; the next snapshot decides about the rest.
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

  /** Sends an announced order, and finds out how it ended. */
  async #endOf(
    intent: HarvestIntent,
    submitted: ExecutionReport,
    { planned, pricing }: AnnouncedOrder,
    outbox: Outbox,
  ): Promise<OrderEnd> {
    const { exchange, closeRate, resolver, logger } = this.#desk;
    const { client_order_id: clientOrderId } = submitted;
    const request = { clientOrderId, position: intent, quantity: planned.quantity.toFixed(), pricing };
    const placement = await exchange.place(request, this.#gate(intent.account, outbox));
    if (placement.kind === 'accepted') {
      const { order } = placement;
      const rests = mayRest(submitted) && order.state === 'OPEN';
      return resolver.endOf(intent, submitted, rests ? await this.#rest(intent, order) : order, outbox);
    }
    if (placement.kind === 'in-doubt') {
      const context = { ...logContextOf(submitted), doubt: placement.message };
      logger.warn(context, 'the order is in doubt; asking the venue');
      return resolver.endOf(intent, submitted, null, outbox);
    }
    if (placement.kind === 'withheld') {
      closeRate.withdrawn(clientOrderId);
      const reason = placement.stop === null ? 'NOT_PLACED' : 'KILL_SWITCH';
      return { kind: 'unfilled', reason, detail: placement.message, order: null, remaining: null };
    }
    const reason = rejectionReason(placement.meaning);
    if (reason === null) return resolver.endOf(intent, submitted, null, outbox);
    closeRate.withdrawn(clientOrderId);
    const detail = `${placement.code}: ${placement.message}`;
    if (placement.meaning === 'keys') {
      const message = 'the venue refuses the keys: no order can be sent until they are mended';
      logger.error({ ...logContextOf(submitted), detail }, message);
    }
    // The record and the venue differ: the report says what the venue has.
    const remaining = placement.meaning === 'reduce-only' ? await this.#openNow(intent) : null;
    const blockedBy = placement.meaning === 'blocked' ? await blockingOrders(intent, this.#desk) : null;
    return { kind: 'unfilled', reason, detail, order: null, remaining, blockedBy };
  }

  /** Waits until a resting order has ended, or its time is over, then cancels it. Returns the order as it was last seen. */
  async #rest(intent: HarvestIntent, placed: VenueOrder): Promise<VenueOrder> {
    const { exchange, clock, draining, killSwitch, limits } = this.#desk;
    const { clientOrderId } = placed;
    const until = clock.now() + limits.order.postOnlyMs;
    for (let left = limits.order.postOnlyMs; left > 0 && !draining.aborted; left = until - clock.now()) {
      await clock.sleep(Math.min(RESTING_CHECK_MS, left), draining);
      const answer = await exchange.lookUp(clientOrderId, intent.symbol);
      if (answer.kind === 'found' && answer.order.state === 'DONE') return answer.order;
      if ((await killSwitch.halted(intent.account).catch(() => UNREADABLE)) !== null) break;
    }
    await exchange.cancel(clientOrderId, intent.symbol);
    return placed;
  }

  /** Checks kill switch, claim and log at the moment of sending (EXE-11, EXE-12, EXE-52): nothing is awaited between the last check and the order. */
  #gate(account: string, outbox: Outbox): SendGate {
    const { accounts, killSwitch } = this.#desk;
    const gate = killSwitch.gate(account);
    return async (send) => {
      // Both ask again where that is due; the answers are checked below.
      await accounts.works(account).catch(() => false);
      await outbox.confirm().catch(() => {});
      return gate(() => {
        const why = accounts.whyNotNow(account) ?? (outbox.isConfirmed ? null : UNCONFIRMED);
        return why === null ? send() : Promise.reject(new WithheldOrder(why));
      });
    };
  }

  /** Open size for the report of a rejection; null where the exchange gives no answer: the rejection is reported all the same. */
  async #openNow(intent: HarvestIntent): Promise<DecimalText | null> {
    try {
      return (await this.#desk.exchange.position(intent)).quantity;
    } catch (thrown) {
      if (isKind(thrown, 'transient')) return null;
      throw thrown;
    }
  }
}

/** Stands for a kill switch that cannot be read: no order may rest then. */
const UNREADABLE = 'unreadable';

/** Why an order is kept back by EXE-52. */
const UNCONFIRMED = 'the log has not confirmed lately that no other process works this partition';

function mayFollow(end: OrderEnd): boolean {
  return end.kind === 'filled' || (end.kind === 'unfilled' && MAY_FOLLOW.has(end.reason));
}

/** The quantity that the orders of the intent have filled, this one included. */
function filledOf(outbox: Outbox, submitted: ExecutionReport, end: OrderEnd): Exact {
  const own = end.kind === 'filled' && !end.isRecorded ? end.trade.quantity : 0;
  return Exact.sum(own, ...outbox.tradesOf(submitted).map(({ quantity }) => quantity));
}
