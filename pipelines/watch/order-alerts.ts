/**
 * Alerts about orders, from the reports on them and the trades. Pure: the same records in any order of delivery give the same alerts.
 *
 * OA1 `order_set_aside` stands for every order that could not be finished, until a trade turns up for it.
 * OA2 `mark_price_differs` stands for a position whose intents rest on another price than the venue's, until one of them came past that
 *     check, or none has for a day.
 * OA3 `orders_refused` stands for a position of which the venue refused two orders in a row, or of which the desk's limit on value allows no
 *     order at all, until an order of it is taken, it is flat, or no intent came for a day.
 */
import type {
  ClientOrderId,
  EpochMillis,
  ExecutionReport,
  PositionId,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Reason, isRefusal } from '../execution/reasons.ts';
import { type Alert, EVIDENCE_REPORTS } from '../alerts/alerts.ts';
import { tailFrom } from '../../render/suggested-commands.ts';

/** OA2: whoever mends a feed sees it within the day; a position that is gone has no more intents. Unit: milliseconds. */
const DIFFERS_FOR_MS = 24 * 60 * 60 * 1000;

/** OA3: one refusal may be of rules that just changed. Unit: orders. */
const REFUSED_IN_A_ROW = 2;

/** Suppressions that are decided before the mark is looked at: they say nothing of it. */
const BEFORE_THE_MARK: ReadonlySet<string> = new Set([
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

interface Told {
  readonly at: EpochMillis;
  readonly report: Pick<ExecutionReport, 'position_id' | 'client_order_id' | 'detail' | 'reason'>;
}

export class OrderAlerts {
  readonly #setAside = new Map<ClientOrderId, Told>();
  readonly #differs = new Map<PositionId, Told>();
  /** OA3: of each position the refused orders since one that was taken. */
  readonly #refused = new Map<PositionId, Map<ClientOrderId, Told>>();
  /** When an order of the position was last taken, or it was found flat. */
  readonly #takenAt = new Map<PositionId, EpochMillis>();
  #newest = -Infinity;

  report(report: ExecutionReport, at: EpochMillis): void {
    const { status, reason, position_id, client_order_id, detail } = report;
    this.#newest = Math.max(this.#newest, at);
    const told = { at, report: { position_id, client_order_id, detail, reason } };
    if (status === 'UNKNOWN' && reason === ('ORDER_SET_ASIDE' satisfies Reason))
      this.#setAside.set(client_order_id, told);
    if (reason === ('MARK_PRICE_DIFFERS' satisfies Reason)) this.#differs.set(position_id, told);
    else if (!BEFORE_THE_MARK.has(reason)) this.#differs.delete(position_id);
    this.#noteRefusal(report, told);
  }

  /** OA3. A report that is delivered again, or after later ones, changes nothing. */
  #noteRefusal(
    { status, reason, position_id: position, remaining_quantity: remaining }: ExecutionReport,
    told: Told,
  ): void {
    const { at } = told;
    const takenAt = this.#takenAt.get(position) ?? -Infinity;
    if (isRefusal(reason) || reason === ('ABOVE_MAX_NOTIONAL' satisfies Reason)) {
      if (at <= takenAt) return;
      const refused = this.#refused.get(position) ?? new Map<ClientOrderId, Told>();
      this.#refused.set(position, refused.set(told.report.client_order_id, told));
    } else if (status === 'FILLED' || status === 'UNKNOWN' || remaining === 0) {
      this.#takenAt.set(position, Math.max(at, takenAt));
      const refused = this.#refused.get(position);
      for (const [order, one] of refused ?? []) if (one.at <= at) refused?.delete(order);
      if (refused?.size === 0) this.#refused.delete(position);
    }
  }

  trade({ client_order_id: clientOrderId }: Pick<TradeClosed, 'client_order_id'>): void {
    if (clientOrderId !== null) this.#setAside.delete(clientOrderId);
  }

  alerts(): readonly Alert[] {
    for (const [position, { at }] of this.#differs) {
      if (at < this.#newest - DIFFERS_FOR_MS) this.#differs.delete(position);
    }
    for (const [position, at] of this.#takenAt) if (at < this.#newest - DIFFERS_FOR_MS) this.#takenAt.delete(position);
    const refused: (readonly Told[])[] = [];
    for (const [position, orders] of this.#refused) {
      // The first says since when; of the others a day is enough.
      for (const [order, { at }] of [...orders].slice(1)) if (at < this.#newest - DIFFERS_FOR_MS) orders.delete(order);
      const told = [...orders.values()].toSorted((one, other) => one.at - other.at);
      const last = told.at(-1);
      if (last === undefined || last.at < this.#newest - DIFFERS_FOR_MS) this.#refused.delete(position);
      else if (told.length >= REFUSED_IN_A_ROW || !isRefusal(last.report.reason)) refused.push(told);
    }
    return [
      ...setAsideAlert([...this.#setAside.values()]),
      ...differsAlert([...this.#differs.values()]),
      ...refusedAlert(refused),
    ];
  }
}

/** OA1. */
function setAsideAlert(told: readonly Told[]): readonly Alert[] {
  if (told.length === 0) return [];
  const since = earliest(told);
  const named = latest(told).map(
    ({ report }) => `${report.client_order_id} of ${report.position_id} (${report.detail})`,
  );
  return [
    {
      name: 'order_set_aside',
      since,
      evidence:
        `${told.length} ${told.length === 1 ? 'order' : 'orders'} could not be finished, the latest: ${named.join('; ')}. ` +
        'Their positions are left alone: look at the venue, and close there what is open. ' +
        `Look closer: ${tailFrom(TOPICS.executionReport.name, since)}`,
    },
  ];
}

/** OA2. */
function differsAlert(told: readonly Told[]): readonly Alert[] {
  if (told.length === 0) return [];
  const since = earliest(told);
  const named = latest(told).map(({ report }) => `${report.position_id} (${report.detail})`);
  return [
    {
      name: 'mark_price_differs',
      since,
      evidence:
        `The snapshots of ${told.length} ${told.length === 1 ? 'position' : 'positions'} have another price than the venue, so no order is ` +
        `sent for them: ${named.join('; ')}. Mend their feed. Look closer: ${tailFrom(TOPICS.executionReport.name, since)}`,
    },
  ];
}

/** OA3. `positions`: of each the refused orders, oldest first. */
function refusedAlert(positions: readonly (readonly Told[])[]): readonly Alert[] {
  if (positions.length === 0) return [];
  const since = earliest(positions.flat());
  const lasts = positions.flatMap((told) => told.slice(-1).map((last) => ({ ...last, times: told.length })));
  const named = lasts
    .toSorted((one, other) => one.at - other.at)
    .slice(-EVIDENCE_REPORTS)
    .map(({ report, times }) => `${report.position_id} (${times}, the last ${report.reason}: ${report.detail})`);
  const of = positions.length === 1 ? '1 position' : `${positions.length} positions`;
  return [
    {
      name: 'orders_refused',
      since,
      evidence:
        `Orders of ${of} are refused again and again, and what is open stays open: ${named.join('; ')}. Do what the code asks for at the ` +
        `venue (where the report says "blocks it", cancel those orders there), or raise --max-notional where that is the limit. Look closer: ${tailFrom(TOPICS.executionReport.name, since)}`,
    },
  ];
}

function earliest(told: readonly Told[]): EpochMillis {
  return told.reduce((oldest, { at }) => Math.min(oldest, at), Infinity);
}

function latest(told: readonly Told[]): readonly Told[] {
  return told.toSorted((one, other) => one.at - other.at).slice(-EVIDENCE_REPORTS);
}
