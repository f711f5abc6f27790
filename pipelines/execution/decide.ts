/**
 * Decides whether an intent leads to an order: by the ledger, the limits, the kill switch and the venue's answers at this moment.
 *
 * Before an order is announced, the records it may lead to are built and checked: the report of its fill, its trade, the outcome of the
 * position. An order with a record that no topic takes must not be sent: once filled it cannot be undone, and every restart would fail at
 * that record.
 *
 * EXE-18  The trial fills are at the venue's mark and at prices far worse and far better: the fill decides the records, not the mark.
 * EXE-19  The trial fills happen now. A position that was opened later than that has no trade that a log accepts.
 */
import { type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { Exact, toText } from '../../ports/exact-decimal.ts';
import type { DecimalText, Exchange, MarketRules } from '../../ports/exchange.ts';
import { type KillSwitch, describeStop } from '../../ports/kill-switch.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import { recordChecker } from '../../schemas/record-rules.ts';
import type { ClientOrderId, HarvestIntent, OrderId, OrderStyle } from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import { AHEAD_MS } from '../../schemas/time-bound.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { accumulate } from '../clm/accumulate.ts';
import type { Ledger } from './ledger.ts';
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
import { type OrderSizing, plannedOrder, pricingOf, sizeOrder } from './order-plan.ts';
import type { Outbox } from './outbox.ts';
import type { Suppression } from './reasons.ts';
import { type AnnouncedOrder, type Sized, filledReport, submittedReport } from './reports.ts';
import type { OrderResolver } from './resolve.ts';
import { type FilledOrder, tradeOf } from './trades.ts';

/** `send`: orders are sent, of which `first` is the first. `suppress`: none is, and why. */
export type Decision =
  | { readonly kind: 'send'; readonly first: AnnouncedOrder; readonly rules: MarketRules }
  | { readonly kind: 'suppress'; readonly suppression: Suppression; readonly sized: Sized | null };

interface DecidingDesk {
  readonly exchange: Exchange;
  readonly accounts: WorkedAccounts;
  readonly killSwitch: KillSwitch;
  readonly closeRate: CloseRate;
  readonly resolver: OrderResolver;
  readonly limits: ExecutionLimits;
  readonly clock: Clock;
}

const NOT_SHOWN: Suppression = { reason: 'NOT_SHOWN', detail: null };
const NO_MARK_PRICE: Suppression = { reason: 'NO_MARK_PRICE', detail: null };
const UNKNOWN_SYMBOL: Suppression = { reason: 'UNKNOWN_SYMBOL', detail: null };

export class Decider {
  readonly #desk: DecidingDesk;

  constructor(desk: DecidingDesk) {
    this.#desk = desk;
  }

  /**
   * Decides about a whole intent. Checks that need no request come first; orders in doubt are resolved before anything that depends on how
   * they ended. Throws EXCHANGE_AWAY where the venue does not answer about rules or positions.
   */
  async decide(
    intent: HarvestIntent,
    at: LogRecord,
    style: OrderStyle,
    ledger: Ledger,
    outbox: Outbox,
  ): Promise<Decision> {
    const { exchange, limits, resolver, clock } = this.#desk;
    const { position_id: positionId } = intent;
    const suppression =
      outOfBounds(intent, exchange.venue, limits) ??
      staleness(intent, at.timestamp, clock.now(), limits) ??
      (await resolver.resolveEarlier(positionId, ledger, outbox)) ??
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
    // A flat position is not valued: its mark price is not asked for.
    const mark = new Exact(position).gt(0) ? await exchange.markPrice(intent) : toText(new Exact(intent.mark_price));
    if (mark === null) return { kind: 'suppress', suppression: NO_MARK_PRICE, sized: null };
    const differs = markDiffers(intent, mark, limits);
    if (differs !== null) return { kind: 'suppress', suppression: differs, sized: null };
    const sizing = sizeOrder(position, intent.fraction, Number(mark), rules, limits.maxOrderNotional);
    if (sizing.kind === 'none') return { kind: 'suppress', suppression: sizing, sized: { position, sizing } };
    const sized = { position, sizing };
    const first = this.#first(intent, style, sized, mark, rules);
    const invalid = checkTrialRecords(intent, at, exchange.venue, first, clock.now());
    if (invalid !== null) return { kind: 'suppress', suppression: invalid, sized: null };
    // EXE-11: again, as the venue's answers may have taken long.
    const refusal = (await this.#halted(intent)) ?? this.#tooMany(clientOrderIdOf(intent.intent_id));
    return refusal === null ? { kind: 'send', first, rules } : { kind: 'suppress', suppression: refusal, sized };
  }

  /** Decides about a further order of an intent (EXE-11, EXE-12): the mark to send it at, or why it must not be announced. */
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

  async #halted({ account }: HarvestIntent): Promise<Suppression | null> {
    // EXE-12: throws where this process works the account no longer.
    await this.#desk.accounts.works(account);
    const stop = await this.#desk.killSwitch.halted(account);
    return stop === null ? null : { reason: 'KILL_SWITCH', detail: describeStop(stop) };
  }

  /** Counts the order at once where it is within the bound: other intents are decided meanwhile. */
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

/** EXE-18. A market order fills within a few per cent of the mark; tenfold leaves room for any venue's worst minute. Unit: ratio of the mark. */
const TRIAL_PRICES = [1, 0.1, 10];

/** More than any venue charges. Unit: ratio of the order's value. */
const TRIAL_FEE = 0.01;

const WITHOUT_REMARKS = { correction: null, stopped: null, resting: null };

const CHECKS = {
  report: { name: TOPICS.executionReport.name, check: recordChecker(TOPICS.executionReport) },
  trade: { name: TOPICS.tradeClosed.name, check: recordChecker(TOPICS.tradeClosed) },
  outcome: { name: TOPICS.clmOutcome.name, check: recordChecker(TOPICS.clmOutcome) },
};

/** Why the intent's orders, of which `first` is the first, must not be sent; null where every record they may lead to is valid (EXE-13). */
function checkTrialRecords(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  first: AnnouncedOrder,
  now: EpochMillis,
): Suppression | null {
  const problems = [...timeProblems(intent, now), ...trialProblems(intent, at, venue, first, now)];
  return problems.length === 0 ? null : { reason: 'NOT_RECORDABLE', detail: formatProblems(problems) };
}

/** EXE-19. */
function timeProblems({ opened_at: openedAt }: HarvestIntent, now: EpochMillis): readonly Problem[] {
  if (openedAt <= now + AHEAD_MS) return [];
  return [{ path: 'opened_at', why: `${openedAt} is ${openedAt - now} ms ahead of the clock: no log takes its trade` }];
}

/** The problems of the first record that is invalid; none where all are valid. */
function trialProblems(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  first: AnnouncedOrder,
  now: EpochMillis,
): readonly Problem[] {
  const { sized, mark } = first;
  const { rounded } = sized.sizing;
  const submitted = submittedReport(intent, at, venue, first, now);
  const remaining = Exact.max(0, new Exact(sized.position).sub(rounded)).toFixed();
  const problemsOfReport = problemsOf(CHECKS.report, submitted);
  if (problemsOfReport.length > 0) return problemsOfReport;
  for (const ratio of TRIAL_PRICES) {
    const price = new Exact(mark).mul(ratio);
    const order: FilledOrder = {
      orderId: submitted.client_order_id as string as OrderId,
      clientOrderId: submitted.client_order_id,
      state: 'DONE',
      filledQuantity: rounded.toFixed(),
      averagePrice: price.toFixed(),
      fee: price.mul(rounded).mul(TRIAL_FEE).toFixed(),
      feeAsset: null,
      feeAmount: null,
      positionAfter: remaining,
      filledAt: now,
    };
    const trade = tradeOf(intent, venue, order, remaining);
    const problems = [
      ...problemsOf(CHECKS.report, filledReport(submitted, [trade], { ...order, ...WITHOUT_REMARKS }, now)),
      ...problemsOf(CHECKS.trade, trade),
      ...problemsOf(CHECKS.outcome, accumulate(undefined, trade)),
    ];
    if (problems.length > 0) return problems;
  }
  return [];
}

function problemsOf(
  { name, check }: { readonly name: string; readonly check: (value: unknown) => readonly Problem[] },
  record: unknown,
): readonly Problem[] {
  return check(record).map(({ path, why }) => ({ path: `${name}: ${path}`, why }));
}
