import type { ClientOrderId, EpochMillis, IntentId } from '../../schemas/generated/records.ts';
import { TOPICS, deadLetterTopicOf } from '../../schemas/topics.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { shellWord, tailFrom } from '../../render/suggested-commands.ts';

/**
 * Alerts as data, from figures that were counted in the log. Every time is event time (record timestamps), so an alert
 * is the same on every run over the same records, in virtual time too.
 */
export type AlertName =
  | 'trades_starved'
  | 'unknown_reports'
  | 'dead_letters'
  | 'calibration_worse'
  | 'halted'
  | 'kill_switch_unknown'
  | 'venue_differs'
  | 'open_orders'
  | 'transaction_open'
  | LetterAlertName
  | LifecycleAlertName
  | OrderAlertName
  | StallAlertName;

/** Of the dead letters; `run` raises them, too. */
export const LETTER_ALERTS = ['letter_without_bytes', 'records_never_read'] as const;

export type LetterAlertName = (typeof LETTER_ALERTS)[number];

/** Of positions in markets that end. */
export const LIFECYCLE_ALERTS = ['settles_soon'] as const;

export type LifecycleAlertName = (typeof LIFECYCLE_ALERTS)[number];

/** Of orders. */
export const ORDER_ALERTS = ['order_set_aside', 'mark_price_differs', 'orders_refused'] as const;

export type OrderAlertName = (typeof ORDER_ALERTS)[number];

/** The alerts of a chain that has come to a halt somewhere while every part of it seems to work. */
export const STALL_ALERTS = [
  'winner_held',
  'no_intents',
  'snapshots_ceased',
  'feed_silent',
  'intents_without_reports',
  'reports_without_trades',
  'trades_without_outcomes',
  'confidence_constant',
] as const;

export type StallAlertName = (typeof STALL_ALERTS)[number];

export interface Alert {
  readonly name: AlertName;
  /** When the episode began. */
  readonly since: EpochMillis;
  /** One sentence with the figures, then the command that looks closer. */
  readonly evidence: string;
}

/** A single suppressed or refused intent is ordinary; twenty in a row without one trade are not. Unit: intents. */
export const STARVED_INTENTS = 20;

const HOUR_MS = 60 * 60 * 1000;

/** Longer than any cooldown, stale or look-up window, and far below the 40 hours that once went unseen. Unit: milliseconds. */
export const STARVED_SPAN_MS = 6 * HOUR_MS;

/** Enough to start looking, few enough to read. Unit: reports. */
export const EVIDENCE_REPORTS = 3;

export interface StarvationFigures {
  /** The last live trade; null when there never was one. */
  readonly lastTradeAt: EpochMillis | null;
  /** Intents after that trade. */
  readonly intents: number;
  /** The first and the latest of these; null without any. */
  readonly firstIntentAt: EpochMillis | null;
  readonly latestIntentAt: EpochMillis | null;
}

/** Intents keep coming, trades do not: STARVED_INTENTS of them, over STARVED_SPAN_MS since the last trade or, without one, the first intent. */
export function tradesStarvedAlert(figures: StarvationFigures): Alert | null {
  const { lastTradeAt, intents, firstIntentAt, latestIntentAt } = figures;
  const since = lastTradeAt ?? firstIntentAt;
  if (since === null || latestIntentAt === null || intents < STARVED_INTENTS) return null;
  if (latestIntentAt - since < STARVED_SPAN_MS) return null;
  const hours = ((latestIntentAt - since) / HOUR_MS).toFixed(1);
  const trades = lastTradeAt === null ? 'no trade ever closed' : `the last trade closed at ${formatEventTime(since)}`;
  return {
    name: 'trades_starved',
    since,
    evidence:
      `${intents} intents in ${hours} h up to ${formatEventTime(latestIntentAt)}, but ${trades}. ` +
      `Look closer: ${tailFrom(TOPICS.executionReport.name, since)}`,
  };
}

export interface UnknownReport {
  readonly intent_id: IntentId;
  readonly client_order_id: ClientOrderId;
}

export interface UnknownReportFigures {
  readonly count: number;
  /** The first of them; null without any. */
  readonly since: EpochMillis | null;
  /** The latest ones, newest last; EVIDENCE_REPORTS suffice. */
  readonly latest: readonly UnknownReport[];
}

/** An order whose fate the venue could not tell: it may be filled, and nobody counts it. One is one too many. */
export function unknownReportsAlert(figures: UnknownReportFigures): Alert | null {
  const { count, since, latest } = figures;
  if (count === 0 || since === null) return null;
  const named = latest
    .slice(-EVIDENCE_REPORTS)
    .map((report) => `intent ${report.intent_id} order ${report.client_order_id}`)
    .join(', ');
  return {
    name: 'unknown_reports',
    since,
    evidence:
      `${count} UNKNOWN ${count === 1 ? 'report' : 'reports'}, the latest: ${named}. Ask the venue for these orders. ` +
      `Look closer: ${tailFrom(TOPICS.executionReport.name, since)}`,
  };
}

export interface DeadLetterFigures {
  readonly topic: string;
  readonly records: number;
  /** Timestamp of the oldest one kept. */
  readonly since: EpochMillis;
}

/** A record that no processor could read or act on waits for a person. One is one too many. */
export function deadLettersAlert(topics: readonly DeadLetterFigures[]): Alert | null {
  const held = topics.filter(({ records }) => records > 0);
  if (held.length === 0) return null;
  return {
    name: 'dead_letters',
    since: held.reduce((oldest, { since }) => Math.min(oldest, since), Infinity),
    evidence:
      `Dead letters wait: ${held.map(({ topic, records }) => `${records} in ${topic}`).join(', ')}. ` +
      'Look closer: harvestline dlq list',
  };
}

/** A waiting letter that does not hold its record: the log refused it for its size. */
export interface LetterWithoutBytes {
  /** The topic that its record lies on. */
  readonly topic: string;
  /** Of the letter. */
  readonly partition: number;
  readonly offset: number;
  /** When it was set aside. */
  readonly since: EpochMillis;
}

/** Enough to start looking, few enough to read. Unit: letters. */
const EVIDENCE_LETTERS = 3;

/** What it leaves out is on the source topic alone, and gone when retention gets there. */
export function lettersWithoutBytesAlert(letters: readonly LetterWithoutBytes[]): Alert | null {
  const [first] = letters;
  if (first === undefined) return null;
  const named = letters
    .slice(0, EVIDENCE_LETTERS)
    .map(({ topic, partition, offset }) => `${deadLetterTopicOf(topic)} ${partition}:${offset}`);
  if (letters.length > named.length) named.push('…');
  const are = letters.length === 1 ? '1 dead letter is' : `${letters.length} dead letters are`;
  return {
    name: 'letter_without_bytes',
    since: earliest(letters),
    evidence:
      `${are} without the bytes, which the log refused for their size (${named.join(', ')}): they are on the source topic ` +
      `until retention removes them there. Look closer: harvestline dlq show ${first.topic} ${first.partition}:${first.offset}`,
  };
}

/** A stretch of a partition that a group never read; its letter waits for somebody to see it. */
export interface NeverReadFigures {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The first offset of it, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** When it was found. */
  readonly since: EpochMillis;
}

/** Enough to start looking, few enough to read. Unit: stretches. */
const EVIDENCE_STRETCHES = 3;

/** Retention removed records before a group came to them: positions that nobody scored, intents that nobody executed. */
export function recordsNeverReadAlert(stretches: readonly NeverReadFigures[]): Alert | null {
  if (stretches.length === 0) return null;
  const counts = new Map<string, number>();
  for (const { group, topic, from, to } of stretches) {
    const whose = `of ${topic} by ${group}`;
    counts.set(whose, (counts.get(whose) ?? 0) + to - from);
  }
  const named = stretches
    .slice(0, EVIDENCE_STRETCHES)
    .map(({ topic, partition, from, to }) => `${topic}[${partition}] ${from} to ${to - 1}`);
  if (stretches.length > named.length) named.push('…');
  return {
    name: 'records_never_read',
    since: earliest(stretches),
    evidence:
      `Retention removed records that were never read: ${Array.from(counts, ([whose, count]) => `${count} ${whose}`).join(', ')} ` +
      `(offsets ${named.join(', ')}). It stands until their letters are discarded. Look closer: harvestline dlq list`,
  };
}

/** An ordinary transaction ends within a second or so. Unit: milliseconds. */
export const OPEN_TRANSACTION_SPAN_MS = 10_000;

/** Enough to start looking, few enough to read. Unit: partitions. */
const EVIDENCE_PARTITIONS = 3;

export interface HeldBackFigures {
  readonly topic: string;
  readonly partition: number;
  /** The oldest offset that waits, and the one after the newest. */
  readonly from: number;
  readonly to: number;
  /** Since when. */
  readonly since: EpochMillis;
}

/** Somebody's transaction stays open, and everything behind it waits: nothing of it counts as lag, and nothing is scored. */
export function transactionOpenAlert(held: readonly HeldBackFigures[], now: EpochMillis): Alert | null {
  const lasting = held.filter(({ since }) => now - since >= OPEN_TRANSACTION_SPAN_MS);
  if (lasting.length === 0) return null;
  const count = lasting.reduce((sum, { from, to }) => sum + to - from, 0);
  const named = lasting
    .slice(0, EVIDENCE_PARTITIONS)
    .map(({ topic, partition, from, to }) => `${topic}[${partition}] ${from} to ${to - 1}`);
  if (lasting.length > named.length) named.push('…');
  return {
    name: 'transaction_open',
    since: earliest(lasting),
    evidence:
      `${count} ${count === 1 ? 'offset waits' : 'offsets wait'} for the end of a transaction (${named.join(', ')}). The broker aborts it after ` +
      "its producer's transaction.timeout.ms; kafka-transactions.sh find-hanging names one that stays. Look closer: harvestline status",
  };
}

export interface HaltFigures {
  readonly scope: string;
  readonly by: string;
  readonly reason: string;
  readonly since: EpochMillis;
}

/** Orders are stopped, and positions stay open however much they win. */
export function haltedAlert(halts: readonly HaltFigures[]): Alert | null {
  if (halts.length === 0) return null;
  const named = halts.map(({ scope, by, reason }) => `${scope} halted by ${by} (${reason})`);
  const lift = halts.map(({ scope }) => `harvestline resume --scope ${shellWord(scope)}`);
  return {
    name: 'halted',
    since: earliest(halts),
    evidence: `Orders are stopped: ${named.join(', ')}. Lift it: ${lift.join(' && ')}`,
  };
}

export interface UnknownSwitchFigures {
  readonly scope: string;
  readonly why: string;
  readonly since: EpochMillis;
}

/** Nobody can tell whether orders are stopped, so none is sent. */
export function killSwitchUnknownAlert(unknown: readonly UnknownSwitchFigures[]): Alert | null {
  if (unknown.length === 0) return null;
  const named = unknown.map(({ scope, why }) => `${scope} (${why})`);
  return {
    name: 'kill_switch_unknown',
    since: earliest(unknown),
    evidence:
      `No order is sent, because nobody can tell whether it is halted: ${named.join('; ')}. A later halt or resume of the scope settles ` +
      `what a record left open. Look closer: ${TAIL_CONTROL}`,
  };
}

const TAIL_CONTROL = `harvestline tail ${TOPICS.deskControl.name} --from beginning`;

/** Enough to start looking, few enough to read. Unit: differences. */
const EVIDENCE_DIFFERENCES = 5;

export interface DifferenceFigures {
  readonly symbol: string;
  readonly kind: string;
  readonly since: EpochMillis;
}

/** The venue and our record of it differ: what is decided on is not all that is there. */
export function venueDiffersAlert(differences: readonly DifferenceFigures[]): Alert | null {
  if (differences.length === 0) return null;
  const since = earliest(differences);
  const named = differences.slice(0, EVIDENCE_DIFFERENCES).map(({ symbol, kind }) => `${symbol} ${kind}`);
  if (differences.length > named.length) named.push('…');
  return {
    name: 'venue_differs',
    since,
    evidence:
      `Venue and record differ in ${differences.length} ${differences.length === 1 ? 'place' : 'places'}: ${named.join(', ')}. ` +
      'Look closer: harvestline status',
  };
}

/** Far above the 10 s that an order in doubt takes to be resolved. Unit: milliseconds. */
export const OPEN_ORDER_SPAN_MS = 60_000;

export interface OpenOrderFigures {
  readonly count: number;
  /** When the oldest was announced; null without any. */
  readonly oldest: EpochMillis | null;
}

/** An order was announced and for a minute up to `now` nothing was heard of it: execution is not running, or cannot go on. */
export function openOrdersAlert({ count, oldest }: OpenOrderFigures, now: EpochMillis): Alert | null {
  if (oldest === null || now - oldest <= OPEN_ORDER_SPAN_MS) return null;
  const orders = count === 1 ? '1 order was announced and has' : `${count} orders were announced and have`;
  return {
    name: 'open_orders',
    since: oldest,
    evidence:
      `${orders} no end: see that execution runs, it asks the venue when it starts. ` +
      `Look closer: ${tailFrom(TOPICS.executionReport.name, oldest)}`,
  };
}

function earliest(list: readonly { readonly since: EpochMillis }[]): EpochMillis {
  return list.reduce((oldest, { since }) => Math.min(oldest, since), Infinity);
}
