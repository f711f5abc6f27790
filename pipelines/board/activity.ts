/** What has happened, as a board shows it: decisions and fills by kind, and the latest events. Pure. */
import type { Board, BoardEvent } from '../../ports/board.ts';
import { significant } from '../../render/figures.ts';
import type {
  Action,
  ClmOutcome,
  ExecutionReport,
  HarvestIntent,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { OrderCosts } from '../status/execution-figures.ts';

/** As many as a person scrolls through. Unit: events. */
const EVENTS_KEPT = 50;

/** Significant digits of quantities and prices. */
const DIGITS = 6;

interface KeptEvent {
  readonly id: string;
  readonly event: BoardEvent;
}

export class Activity {
  readonly #costs = new OrderCosts();
  readonly #suppressed = new Map<string, number>();
  readonly #intents: Record<Action, number> = { PARTIAL_CLOSE: 0, CLOSE: 0 };
  #snapshots = 0;
  #unknown = 0;
  #events: readonly KeptEvent[] = [];
  #changes = 0;

  get snapshots(): number {
    return this.#snapshots;
  }

  /** A count that grows whenever anything but the count of snapshots may have changed. */
  get changes(): number {
    return this.#changes;
  }

  snapshot(): void {
    this.#snapshots += 1;
  }

  intent({ action }: HarvestIntent): void {
    this.#intents[action] += 1;
    this.#changes += 1;
  }

  report(report: ExecutionReport): void {
    const { status, reason, symbol, position_id, intent_id, reported_at: at, detail } = report;
    this.#changes += 1;
    this.#costs.add(report);
    if (status === 'UNKNOWN') this.#unknown += 1;
    if (status === 'SUPPRESSED') this.#suppressed.set(reason, (this.#suppressed.get(reason) ?? 0) + 1);
    if (status === 'SUBMITTED' || status === 'SUPPRESSED') return;
    const words = status === 'FILLED' ? fillWords(report) : `${reason}${detail === null ? '' : `: ${detail}`}`;
    this.#keep(`${intent_id} ${status}`, { at, symbol, position_id, kind: status, detail: words });
  }

  /** Only what others closed: the desk's own trades are told of by their reports. */
  trade({
    trade_id,
    position_id,
    symbol,
    closed_at: at,
    origin,
    quantity,
    exit_price,
    pnl_percent,
  }: TradeClosed): void {
    if (origin === 'HARVEST' || origin === 'BACKFILL') return;
    this.#changes += 1;
    const detail = `${significant(quantity, DIGITS)} at ${significant(exit_price, DIGITS)}, ${signedPercent(pnl_percent)}`;
    this.#keep(trade_id, { at, symbol, position_id, kind: `CLOSED ${origin}`, detail });
  }

  outcome({ position_id, symbol, label, closed_at: at, pnl_percent }: ClmOutcome): void {
    if (label === null || at === null) return;
    this.#changes += 1;
    this.#keep(`${position_id} outcome`, { at, symbol, position_id, kind: label, detail: signedPercent(pnl_percent) });
  }

  /** Decisions since reading began: what is neither of the intents was held. */
  decisions(): Board['decisions'] {
    const { PARTIAL_CLOSE, CLOSE } = this.#intents;
    return { HOLD: Math.max(0, this.#snapshots - PARTIAL_CLOSE - CLOSE), PARTIAL_CLOSE, CLOSE };
  }

  figures(): Pick<Board, 'fills' | 'suppressed' | 'unknown_reports' | 'events'> {
    const fills = Object.entries(this.#costs.byStyle()).map(
      ([style, { fills: count, filled_quote: quote, slippage_bps }]) =>
        [style, { count, quote, slippage_bps: Number.isFinite(slippage_bps) ? slippage_bps : null }] as const,
    );
    const suppressed = [...this.#suppressed].toSorted(([one, n], [other, m]) => m - n || (one < other ? -1 : 1));
    return {
      fills: Object.fromEntries(fills),
      suppressed: Object.fromEntries(suppressed),
      unknown_reports: this.#unknown,
      events: this.#events.map(({ event }) => event),
    };
  }

  /** The newest first; an event with the id of another takes its place. */
  #keep(id: string, event: BoardEvent): void {
    const oldest = this.#events.at(-1);
    if (this.#events.length === EVENTS_KEPT && oldest !== undefined && event.at < oldest.event.at) return;
    const others = this.#events.filter((other) => other.id !== id);
    this.#events = [...others, { id, event }].toSorted(newestFirst).slice(0, EVENTS_KEPT);
  }
}

function newestFirst(one: KeptEvent, other: KeptEvent): number {
  return other.event.at - one.event.at || (one.id < other.id ? -1 : 1);
}

function fillWords({ reason, filled_quantity, remaining_quantity, average_price }: ExecutionReport): string {
  const price = average_price === null ? '' : ` at ${significant(average_price, DIGITS)}`;
  const left = remaining_quantity === null ? 'unknown left' : `${significant(remaining_quantity, DIGITS)} left`;
  return `${significant(filled_quantity, DIGITS)}${price}, ${left}${reason === 'FILLED' ? '' : ` (${reason})`}`;
}

function signedPercent(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(2)} %`;
}
