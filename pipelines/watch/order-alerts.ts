/**
 * Alerts about orders, from the reports on them and the trades. Pure: the same records in any order of delivery give the same alerts.
 *
 * WAT-5  `order_set_aside` stands for every order that could not be finished, until a trade of it is recorded.
 * WAT-6  `mark_price_differs` stands for a position whose snapshots show another price than the venue, until an intent of it passes that
 *        check, it is closed on record, or no intent has come for a day.
 * WAT-7  `orders_refused` stands for a position of which the venue rejected two orders in a row, or of which the desk's limit on value
 *        allows no order at all, until an order of it is accepted, it is flat or closed on record, or no intent has come for a day.
 */
import { tailFrom, type Alert, NAMED_IN_EVIDENCE } from '../alerts/alerts.ts';
import { type Reason, isRefusal } from '../execution/reasons.ts';
import type {
  ClientOrderId,
  EpochMillis,
  ExecutionReport,
  PositionId,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** WAT-6, WAT-7: a day is enough to see and mend it, and a closed position has no more intents. Unit: milliseconds. */
const STANDS_MS = 24 * 60 * 60 * 1000;

/** WAT-7: a single rejection may be of rules that just changed. Unit: orders. */
const REJECTED_IN_A_ROW = 2;

/** Suppressions that are decided before the mark price is looked at: they say nothing of it. */
const BEFORE_MARK_CHECK: ReadonlySet<string> = new Set([
  'OTHER_ACCOUNT',
  'SYMBOL_NOT_ALLOWED',
  'STALE_INTENT',
  'UNSETTLED_ORDER',
  'KILL_SWITCH',
  'COOLDOWN',
  'REFUSED_RECENTLY',
  'UNKNOWN_SYMBOL',
  'SETTLES_NOW',
  'NOT_SHOWN',
  'FLAT',
  'NO_MARK_PRICE',
] satisfies readonly Reason[]);

/** A report, and when it was recorded. */
interface Recorded {
  readonly at: EpochMillis;
  readonly report: Pick<ExecutionReport, 'position_id' | 'client_order_id' | 'detail' | 'reason'>;
}

type OrderTrade = Pick<TradeClosed, 'client_order_id' | 'position_id' | 'remaining_quantity' | 'closed_at'>;

export class OrderAlerts {
  readonly #setAside = new Map<ClientOrderId, Recorded>();
  readonly #differs = new Map<PositionId, Recorded>();
  /** WAT-7: by position, the orders refused since one was accepted. */
  readonly #refused = new Map<PositionId, Map<ClientOrderId, Recorded>>();
  /** When an order of the position was last accepted, or it was found flat. */
  readonly #acceptedAt = new Map<PositionId, EpochMillis>();
  /** When a position was closed, by whomever: what was refused of it before or after is over. */
  readonly #closedAt = new Map<PositionId, EpochMillis>();
  #newest = -Infinity;

  report(report: ExecutionReport, at: EpochMillis): void {
    const { status, reason, position_id, client_order_id, detail } = report;
    this.#newest = Math.max(this.#newest, at);
    const recorded = { at, report: { position_id, client_order_id, detail, reason } };
    if (status === 'UNKNOWN' && reason === ('ORDER_SET_ASIDE' satisfies Reason))
      this.#setAside.set(client_order_id, recorded);
    if (this.#closedAt.has(position_id)) return;
    if (reason === ('MARK_PRICE_DIFFERS' satisfies Reason)) this.#differs.set(position_id, recorded);
    else if (!BEFORE_MARK_CHECK.has(reason)) this.#differs.delete(position_id);
    this.#noteRefusal(report, recorded);
  }

  /** WAT-7. A report that is redelivered, or delivered after later ones, changes nothing. */
  #noteRefusal(
    { status, reason, position_id: position, remaining_quantity: remaining }: ExecutionReport,
    recorded: Recorded,
  ): void {
    const { at } = recorded;
    const acceptedAt = this.#acceptedAt.get(position) ?? -Infinity;
    if (isRefusal(reason) || reason === ('ABOVE_MAX_NOTIONAL' satisfies Reason)) {
      if (at <= acceptedAt) return;
      const refused = this.#refused.get(position) ?? new Map<ClientOrderId, Recorded>();
      this.#refused.set(position, refused.set(recorded.report.client_order_id, recorded));
    } else if (status === 'FILLED' || status === 'UNKNOWN' || remaining === 0) {
      this.#acceptedAt.set(position, Math.max(at, acceptedAt));
      const refused = this.#refused.get(position);
      for (const [order, one] of refused ?? []) if (one.at <= at) refused?.delete(order);
      if (refused?.size === 0) this.#refused.delete(position);
    }
  }

  trade({ client_order_id: clientOrderId, position_id: position, remaining_quantity, closed_at }: OrderTrade): void {
    if (clientOrderId !== null) this.#setAside.delete(clientOrderId);
    if (remaining_quantity !== 0) return;
    this.#closedAt.set(position, closed_at);
    this.#differs.delete(position);
    this.#refused.delete(position);
  }

  alerts(): readonly Alert[] {
    for (const [position, { at }] of this.#differs) {
      if (at < this.#newest - STANDS_MS) this.#differs.delete(position);
    }
    for (const known of [this.#acceptedAt, this.#closedAt])
      for (const [position, at] of known) if (at < this.#newest - STANDS_MS) known.delete(position);
    const refused: (readonly Recorded[])[] = [];
    for (const [position, orders] of this.#refused) {
      // The first tells since when the alert stands; of the others a day is enough.
      for (const [order, { at }] of [...orders].slice(1)) if (at < this.#newest - STANDS_MS) orders.delete(order);
      const recorded = [...orders.values()].toSorted((one, other) => one.at - other.at);
      const last = recorded.at(-1);
      if (last === undefined || last.at < this.#newest - STANDS_MS) this.#refused.delete(position);
      else if (recorded.length >= REJECTED_IN_A_ROW || !isRefusal(last.report.reason)) refused.push(recorded);
    }
    return [
      ...setAsideAlert([...this.#setAside.values()]),
      ...differsAlert([...this.#differs.values()]),
      ...refusedAlert(refused),
    ];
  }
}

/** WAT-5. */
function setAsideAlert(recorded: readonly Recorded[]): readonly Alert[] {
  if (recorded.length === 0) return [];
  const since = earliest(recorded);
  const named = latest(recorded).map(
    ({ report }) => `${report.client_order_id} of ${report.position_id} (${report.detail})`,
  );
  return [
    {
      name: 'order_set_aside',
      since,
      evidence:
        `${recorded.length} ${recorded.length === 1 ? 'order' : 'orders'} could not be finished, the latest: ${named.join('; ')}. ` +
        'Their positions are left alone: look at the venue, and close there what is open.',
      next: tailFrom(TOPICS.executionReport.name, since),
    },
  ];
}

/** WAT-6. */
function differsAlert(recorded: readonly Recorded[]): readonly Alert[] {
  if (recorded.length === 0) return [];
  const since = earliest(recorded);
  const named = latest(recorded).map(({ report }) => `${report.position_id} (${report.detail})`);
  return [
    {
      name: 'mark_price_differs',
      since,
      evidence:
        `The snapshots of ${recorded.length} ${recorded.length === 1 ? 'position' : 'positions'} have another price than the venue, so no order is ` +
        `sent for them: ${named.join('; ')}. Mend their feed.`,
      next: tailFrom(TOPICS.executionReport.name, since),
    },
  ];
}

/** WAT-7. `positions`: the refused orders of each, oldest first. */
function refusedAlert(positions: readonly (readonly Recorded[])[]): readonly Alert[] {
  if (positions.length === 0) return [];
  const since = earliest(positions.flat());
  const lasts = positions.flatMap((recorded) =>
    recorded.slice(-1).map((last) => ({ ...last, times: recorded.length })),
  );
  const named = lasts
    .toSorted((one, other) => one.at - other.at)
    .slice(-NAMED_IN_EVIDENCE)
    .map(({ report, times }) => `${report.position_id} (${times}, the last ${report.reason}: ${report.detail})`);
  const of = positions.length === 1 ? '1 position' : `${positions.length} positions`;
  return [
    {
      name: 'orders_refused',
      since,
      evidence:
        `Orders of ${of} are refused again and again, and what is open stays open: ${named.join('; ')}. Do what the code asks for at the ` +
        `venue (where the report says "blocks it", cancel those orders there), or raise --max-notional where that is the limit.`,
      next: tailFrom(TOPICS.executionReport.name, since),
    },
  ];
}

function earliest(recorded: readonly Recorded[]): EpochMillis {
  return recorded.reduce((oldest, { at }) => Math.min(oldest, at), Infinity);
}

function latest(recorded: readonly Recorded[]): readonly Recorded[] {
  return recorded.toSorted((one, other) => one.at - other.at).slice(-NAMED_IN_EVIDENCE);
}
