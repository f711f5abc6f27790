/**
 * Watches the chain for a step after which nothing comes: a winner that nobody closes, an intent that nobody executes, a fill without its
 * trade, a trade without its outcome, models that say the same of everything. Pure: records in, alerts out, in event time.
 *
 * S1  The order of topics, and repeats, change no alert; records of one key come in their order.
 * S2  Memory holds open positions, and ids of the latest 48 h: `forget` gives up the rest.
 */
import type {
  ClmOutcome,
  EpochMillis,
  ExecutionReport,
  HarvestIntent,
  PositionSnapshot,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Policy } from '../scoring/policy.ts';
import { rOf } from '../scoring/risk.ts';
import { type Alert, tailFrom } from './alerts.ts';
import { ConfidenceWindow } from './constant-confidence.ts';
import { formatEventTime } from './event-time.ts';
import { type HeldWinner, HeldWinners } from './held-winners.ts';
import { STALL_LIMITS, type StallAlertName } from './stall-limits.ts';
import { Unanswered } from './unanswered.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What waits for an answer: the alert, what is asked and what should follow, and the topic to look at. */
interface Waiting {
  readonly name: StallAlertName;
  readonly unanswered: Unanswered;
  readonly within: number;
  readonly what: string;
  readonly missing: string;
  readonly topic: string;
}

export class StallWatch {
  readonly #policy: Policy;
  #from: EpochMillis;
  readonly #winners = new HeldWinners();
  readonly #confidences = new ConfidenceWindow();
  readonly #intents = new Unanswered();
  readonly #fills = new Unanswered();
  readonly #trades = new Unanswered();
  readonly #waiting: readonly Waiting[];
  #newest = -Infinity;

  /** R is as `policy` computes it. What asks for an answer before `from` is not looked at: see `watchFrom`. */
  constructor(policy: Policy, from: EpochMillis) {
    this.#policy = policy;
    this.#from = from;
    const { reportWithin, tradeWithin, outcomeWithin } = STALL_LIMITS;
    this.#waiting = [
      {
        name: 'intents_without_reports',
        unanswered: this.#intents,
        within: reportWithin.value,
        what: 'intent',
        missing: 'execution reported nothing of',
        topic: TOPICS.harvestIntent.name,
      },
      {
        name: 'reports_without_trades',
        unanswered: this.#fills,
        within: tradeWithin.value,
        what: 'FILLED order',
        missing: 'no trade.closed records',
        topic: TOPICS.executionReport.name,
      },
      {
        name: 'trades_without_outcomes',
        unanswered: this.#trades,
        within: outcomeWithin.value,
        what: 'trade',
        missing: 'no clm.outcome lists',
        topic: TOPICS.tradeClosed.name,
      },
    ];
  }

  snapshot(snapshot: PositionSnapshot, at: EpochMillis): void {
    this.#sees(at);
    const { position_id, symbol, quantity, initial_quantity, confidence } = snapshot;
    const r = rOf(snapshot, this.#policy);
    this.#winners.look({ position_id, at, r, whole: quantity >= initial_quantity });
    if (confidence !== null) this.#confidences.add(position_id, symbol, confidence, at);
  }

  intent({ intent_id, position_id }: HarvestIntent, at: EpochMillis): void {
    this.#sees(at);
    this.#winners.touched(position_id, at);
    this.#winners.intent(at);
    if (at >= this.#from) this.#intents.asked(intent_id, at);
  }

  report({ intent_id, client_order_id, status }: ExecutionReport, at: EpochMillis): void {
    this.#sees(at);
    if (at >= answersFrom(this.#from)) this.#intents.answered(intent_id, at);
    if (at >= this.#from && status === 'FILLED') this.#fills.asked(client_order_id, at);
  }

  trade({ trade_id, position_id, intent_id, client_order_id }: TradeClosed, at: EpochMillis): void {
    if (at < answersFrom(this.#from)) return;
    this.#winners.touched(position_id, at);
    const order = client_order_id ?? (intent_id === null ? null : clientOrderIdOf(intent_id));
    if (order !== null) this.#fills.answered(order, at);
    if (at >= this.#from) this.#trades.asked(trade_id, at);
  }

  outcome({ slices }: Pick<ClmOutcome, 'slices'>, at: EpochMillis): void {
    if (at < answersFrom(this.#from)) return;
    for (const trade of slices) this.#trades.answered(trade, at);
  }

  alerts(): readonly Alert[] {
    const open = this.#winners.open(this.#newest);
    const alerts = [
      winnerHeldAlert(open),
      noIntentsAlert(open, this.#winners.latestIntentAt, this.#newest),
      ...this.#waiting.map((waiting) => this.#lateAlert(waiting)),
      this.#constantAlert(),
    ];
    return alerts.filter((alert) => alert !== null);
  }

  /** S2. Once all topics were read as far as they go: what is dropped too early could not be answered any more. */
  forget(): void {
    const before = watchFrom(this.#newest);
    for (const { unanswered } of this.#waiting) unanswered.forget(before);
    this.#winners.forget(before);
    this.#from = Math.max(this.#from, before);
  }

  /** Positions and ids in memory. */
  get size(): number {
    return this.#waiting.reduce((sum, { unanswered }) => sum + unanswered.size, this.#winners.size);
  }

  #sees(at: EpochMillis): void {
    this.#newest = Math.max(this.#newest, at);
  }

  #lateAlert({ name, unanswered, within, what, missing, topic }: Waiting): Alert | null {
    const late = unanswered.late(this.#newest - within, STALL_LIMITS.namedIds.value);
    if (late === null) return null;
    const { count, since, ids } = late;
    const more = count > ids.length ? ', …' : '';
    return {
      name,
      since,
      evidence:
        `${missing} ${count} ${what}${count === 1 ? '' : 's'} older than ${within / MINUTE_MS} min at ` +
        `${formatEventTime(this.#newest)}, the oldest: ${ids.join(', ')}${more}. Look closer: ${tailFrom(topic, since)}`,
    };
  }

  #constantAlert(): Alert | null {
    const constant = this.#confidences.constant();
    if (constant === null) return null;
    const { value, confidences, symbols, since } = constant;
    return {
      name: 'confidence_constant',
      since,
      evidence:
        `All ${confidences} confidences of ${symbols} symbols are ${value}: a made-up default, or models that do not look. ` +
        `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
    };
  }
}

/** From when a watch looks that comes to know the log at `newest`. */
export function watchFrom(newest: EpochMillis): EpochMillis {
  return newest - STALL_LIMITS.keptFor.value;
}

/** From when what answers is read, so that nothing after `from` seems unanswered. */
export function answersFrom(from: EpochMillis): EpochMillis {
  return from - STALL_LIMITS.crossing.value;
}

function winnerHeldAlert(open: readonly HeldWinner[]): Alert | null {
  const { heldFor, namedPositions, winnerAboveR } = STALL_LIMITS;
  const held = open.filter(({ heldMs }) => heldMs > heldFor.value);
  const [longest] = held;
  if (longest === undefined) return null;
  const named = held
    .slice(0, namedPositions.value)
    .map(({ position_id, r, heldMs }) => `${position_id} at R ${r.toFixed(2)} for ${(heldMs / HOUR_MS).toFixed(1)} h`);
  if (held.length > named.length) named.push('…');
  return {
    name: 'winner_held',
    since: longest.since,
    evidence:
      `${held.length} ${held.length === 1 ? 'position is' : 'positions are'} held whole above R ${winnerAboveR.value} without an ` +
      `intent: ${named.join(', ')}. Look closer: harvestline explain ${longest.position_id}`,
  };
}

function noIntentsAlert(
  open: readonly HeldWinner[],
  latestIntentAt: EpochMillis | null,
  newest: EpochMillis,
): Alert | null {
  const winnersSince = open.reduce((oldest, { since }) => Math.min(oldest, since), Infinity);
  const since = Math.max(winnersSince, latestIntentAt ?? -Infinity);
  if (newest - since <= STALL_LIMITS.heldFor.value || since === Infinity) return null;
  const last =
    latestIntentAt === null ? 'there was none at all' : `the last came at ${formatEventTime(latestIntentAt)}`;
  return {
    name: 'no_intents',
    since,
    evidence:
      `No intent for ${((newest - since) / HOUR_MS).toFixed(1)} h while ${open.length} whole ` +
      `${open.length === 1 ? 'position is' : 'positions are'} open above R ${STALL_LIMITS.winnerAboveR.value}: ${last}. ` +
      `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
  };
}
