/**
 * Alerts about orders, from the reports on them and the trades. Pure: the same records in any order of delivery give the same alerts.
 *
 * OA1 `order_set_aside` stands for every order that could not be finished, until a trade turns up for it.
 * OA2 `mark_price_differs` stands for a position whose intents rest on another price than the venue's, until one of them came past that
 *     check, or none has for a day.
 */
import type {
  ClientOrderId,
  EpochMillis,
  ExecutionReport,
  PositionId,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Reason } from '../execution/reasons.ts';
import { type Alert, EVIDENCE_REPORTS } from './alerts.ts';
import { tailFrom } from './look-closer.ts';

export const ORDER_ALERTS = ['order_set_aside', 'mark_price_differs'] as const;

export type OrderAlertName = (typeof ORDER_ALERTS)[number];

/** OA2: whoever mends a feed sees it within the day; a position that is gone has no more intents. Unit: milliseconds. */
const DIFFERS_FOR_MS = 24 * 60 * 60 * 1000;

/** Suppressions that are decided before the mark is looked at: they say nothing of it. */
const BEFORE_THE_MARK: ReadonlySet<string> = new Set([
  'OTHER_ACCOUNT',
  'SYMBOL_NOT_ALLOWED',
  'STALE_INTENT',
  'UNSETTLED_ORDER',
  'KILL_SWITCH',
  'COOLDOWN',
  'UNKNOWN_SYMBOL',
  'NOT_SHOWN',
  'FLAT',
  'NO_MARK_PRICE',
] satisfies readonly Reason[]);

interface Told {
  readonly at: EpochMillis;
  readonly report: Pick<ExecutionReport, 'position_id' | 'client_order_id' | 'detail'>;
}

export class OrderAlerts {
  readonly #setAside = new Map<ClientOrderId, Told>();
  readonly #differs = new Map<PositionId, Told>();
  #newest = -Infinity;

  report(report: ExecutionReport, at: EpochMillis): void {
    const { status, reason, position_id, client_order_id, detail } = report;
    this.#newest = Math.max(this.#newest, at);
    const told = { at, report: { position_id, client_order_id, detail } };
    if (status === 'UNKNOWN' && reason === ('ORDER_SET_ASIDE' satisfies Reason))
      this.#setAside.set(client_order_id, told);
    if (reason === ('MARK_PRICE_DIFFERS' satisfies Reason)) this.#differs.set(position_id, told);
    else if (!BEFORE_THE_MARK.has(reason)) this.#differs.delete(position_id);
  }

  trade({ client_order_id: clientOrderId }: Pick<TradeClosed, 'client_order_id'>): void {
    if (clientOrderId !== null) this.#setAside.delete(clientOrderId);
  }

  alerts(): readonly Alert[] {
    for (const [position, { at }] of this.#differs) {
      if (at < this.#newest - DIFFERS_FOR_MS) this.#differs.delete(position);
    }
    return [...setAsideAlert([...this.#setAside.values()]), ...differsAlert([...this.#differs.values()])];
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

function earliest(told: readonly Told[]): EpochMillis {
  return told.reduce((oldest, { at }) => Math.min(oldest, at), Infinity);
}

function latest(told: readonly Told[]): readonly Told[] {
  return told.toSorted((one, other) => one.at - other.at).slice(-EVIDENCE_REPORTS);
}
