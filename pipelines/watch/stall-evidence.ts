/** The alerts of stalls in words. Each function takes what was found, the worst first, and names it with its figures. */
import { formatEventTime } from '../../render/event-time.ts';
import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import {
  type Alert,
  NAMED_IN_EVIDENCE,
  type STALL_ALERTS,
  earliestOf,
  firstFew,
  lookCloser,
  tailFrom,
} from '../alerts/alerts.ts';
import type { ConstantConfidence } from './constant-confidence.ts';
import type { SilentAccount, SilentFeed } from './silence.ts';
import { HOUR_MS, MINUTE_MS, type StallLimits } from './stall-limits.ts';
import type { LateAnswers, Tally } from './topic-joins.ts';
import type { SettlingPosition, UnobservedPosition, Winner } from './watched-positions.ts';

/** What the alert says of a winner that is held too long. */
export interface WinnerDetails {
  /** Its intents meanwhile. */
  readonly tally: Tally;
  /** Intents from before this time are not known. */
  readonly talliedFrom: EpochMillis;
  /** The position is no longer observed, although its account is. */
  readonly unobserved: boolean;
}

export function winnerHeldAlert(
  held: readonly Winner[],
  detailsOf: (winner: Winner) => WinnerDetails,
  limits: StallLimits,
): Alert | null {
  const [longest] = held;
  if (longest === undefined) return null;
  const text = (winner: Winner): string => heldText(winner, detailsOf(winner));
  return {
    name: 'winner_held',
    since: longest.since,
    evidence:
      `${held.length} ${held.length === 1 ? 'position is' : 'positions are'} held above R ${limits.winnerAboveR} without a trade: ` +
      `${firstFew(held, limits.namedPositions, text).join(', ')}.`,
    next: lookCloser('explain', longest.position_id),
  };
}

function heldText(
  { position_id, r, seenAt, since, atLeast }: Winner,
  { tally, talliedFrom, unobserved }: WinnerDetails,
): string {
  const heldFor = `for ${atLeast ? 'at least ' : ''}${hours(seenAt - since)}`;
  const seen = unobserved ? `, last seen at ${formatEventTime(seenAt)}` : '';
  return `${position_id} at R ${r.toFixed(2)} ${heldFor}${seen} (${tallyText(tally, since < talliedFrom ? talliedFrom : null)})`;
}

/** `472 intents, all REJECTED (NOT_PLACED), the last at …`. */
function tallyText({ count, statuses, last }: Tally, from: EpochMillis | null): string {
  const stretch = from === null ? '' : ` since ${formatEventTime(from)}`;
  if (last === null) return `no intent${stretch}`;
  const counts = [...statuses].map(([status, n]): [string, number] => [status ?? 'without a report', n]);
  const [only] = counts;
  const reason = reasonText(last);
  const said =
    counts.length === 1 && only !== undefined
      ? `${count === 1 ? '' : 'all '}${only[0]}`
      : `${counts.map(([status, n]) => `${n} ${status}`).join(', ')}, the last ${last.status ?? 'without a report'}`;
  return `${count} ${count === 1 ? 'intent' : 'intents'}${stretch}, ${said}${reason}, the last at ${formatEventTime(last.at)}`;
}

function reasonText({ status, reason }: NonNullable<Tally['last']>): string {
  return reason === null || reason === status ? '' : ` (${reason})`;
}

export function noIntentsAlert(silent: readonly SilentAccount[], limits: StallLimits): Alert | null {
  const [longest] = silent;
  if (longest === undefined) return null;
  const { account, now, winners, since, atLeast, latestIntentAt } = longest;
  // What every reader has read, whenever it began: the alert is the same after a restart (CLI-6).
  const none = `there was none in the last ${hours(limits.keptFor)}`;
  const last = latestIntentAt === null ? none : `the last came at ${formatEventTime(latestIntentAt)}`;
  const more = silent.length - 1;
  const others = more === 0 ? '' : `, and as little on ${more} other ${more === 1 ? 'account' : 'accounts'}`;
  return {
    name: 'no_intents',
    since,
    evidence:
      `No intent for ${atLeast ? 'at least ' : ''}${hours(now - since)} on account ${account}, where ${winners} ` +
      `${winners === 1 ? 'position is' : 'positions are'} open above R ${limits.winnerAboveR}: ${last}${others}.`,
    next: tailFrom(TOPICS.positionSnapshot.name, since),
  };
}

export function snapshotsCeasedAlert(
  unobserved: readonly UnobservedPosition[],
  lastIntentOf: (position: UnobservedPosition) => Tally['last'],
  limits: StallLimits,
): Alert | null {
  const [longest] = unobserved;
  if (longest === undefined) return null;
  const text = (position: UnobservedPosition): string => unobservedText(position, lastIntentOf(position));
  return {
    name: 'snapshots_ceased',
    since: longest.seenAt,
    evidence:
      `${unobserved.length} ${unobserved.length === 1 ? 'position is' : 'positions are'} not observed any more, and nothing on record ` +
      `closed ${unobserved.length === 1 ? 'it' : 'them'}: ` +
      `${firstFew(unobserved, limits.namedPositions, text).join(', ')}.`,
    next: lookCloser('explain', longest.position_id),
  };
}

function unobservedText(
  { position_id, source, r, seenAt, activeAt, others }: UnobservedPosition,
  lastIntent: Tally['last'],
): string {
  const ordered =
    lastIntent === null ? '' : `, its last intent ${lastIntent.status ?? 'without a report'}${reasonText(lastIntent)}`;
  return (
    `${position_id} seen last at ${formatEventTime(seenAt)} by ${source} at R ${r.toFixed(2)}, ` +
    `${hours(activeAt - seenAt)} before the latest ${others ? 'snapshot' : 'signal'} of its account${ordered}`
  );
}

export function feedSilentAlert(silent: readonly SilentFeed[], limits: StallLimits): Alert | null {
  const [longest] = silent;
  if (longest === undefined) return null;
  const { account, source, since, silentMs, usualMs, positions } = longest;
  const usual = usualMs === null ? '' : `, where one comes every ${duration(usualMs)}`;
  const more = silent.length - 1;
  const others = more === 0 ? '' : `; nor of ${more} other ${more === 1 ? 'account' : 'accounts'}`;
  return {
    name: 'feed_silent',
    since,
    evidence:
      `No snapshot of account ${account} came from ${source} for ${duration(silentMs)}${usual}, and nobody watches its ` +
      `${positions.length} open ${positions.length === 1 ? 'position' : 'positions'}: ` +
      `${firstFew(positions, limits.namedPositions, (id) => id).join(', ')}${others}. See that the source of snapshots runs.`,
    next: tailFrom(TOPICS.positionSnapshot.name, since),
  };
}

/** A record that has to be answered by another one. */
export interface Question {
  /** The alert where the answer is late. */
  readonly name: (typeof STALL_ALERTS)[number];
  /** How long the answer may take. Unit: milliseconds. */
  readonly within: number;
  /** The record, in words. */
  readonly what: string;
  /** The missing answer, in words. */
  readonly missing: string;
  /** The topic of the question. */
  readonly topic: string;
}

export const INTENT_REPORTED = {
  name: 'intents_without_reports',
  what: 'intent',
  missing: 'execution reported nothing of',
  topic: TOPICS.harvestIntent.name,
} as const;

export const FILL_TRADED = {
  name: 'reports_without_trades',
  what: 'FILLED order',
  missing: 'no trade.closed records',
  topic: TOPICS.executionReport.name,
} as const;

export const TRADE_LISTED = {
  name: 'trades_without_outcomes',
  what: 'trade',
  missing: 'no clm.outcome lists',
  topic: TOPICS.tradeClosed.name,
} as const;

/** `sightFrom`: questions from before this time are not known. */
export function lateAlert(question: Question, late: LateAnswers | null, sightFrom: EpochMillis): Alert | null {
  if (late === null) return null;
  const { name, within, what, missing, topic } = question;
  const { count, since, waitsMs, ids } = late;
  const sight = sightFrom === -Infinity ? '' : ` since ${formatEventTime(sightFrom)}`;
  return {
    name,
    since,
    evidence:
      `${missing} ${count} ${what}${count === 1 ? '' : 's'}${sight}, which ${count === 1 ? 'waits' : 'wait'} longer than ` +
      `${within / MINUTE_MS} min; the oldest, for ${(waitsMs / MINUTE_MS).toFixed(0)} min: ${ids.join(', ')}` +
      `${count > ids.length ? ', …' : ''}.`,
    next: tailFrom(topic, since),
  };
}

export function constantAlert(constant: readonly ConstantConfidence[]): Alert | null {
  const [first] = constant;
  if (first === undefined) return null;
  const since = earliestOf(constant);
  const said = constant.map(
    ({ model, value, confidences, symbols }) =>
      `all ${confidences} confidences of ${model ?? 'a model without a name'} on ${symbols} symbols are ${value}`,
  );
  const text = said.join('; ');
  return {
    name: 'confidence_constant',
    since,
    evidence: `${text.charAt(0).toUpperCase()}${text.slice(1)}: a made-up default, or a model that does not look.`,
    next: tailFrom(TOPICS.positionSnapshot.name, since),
  };
}

/** `settling`: the soonest first. */
export function settlesSoonAlert(settling: readonly (readonly [PositionId, SettlingPosition])[]): Alert | null {
  if (settling.length === 0) return null;
  const since = earliestOf(settling.map(([, one]) => one));
  const named = settling
    .slice(0, NAMED_IN_EVIDENCE)
    .map(([id, { settlesAt }]) => `${id} at ${formatEventTime(settlesAt)}`);
  return {
    name: 'settles_soon',
    since,
    evidence:
      `The ${settling.length === 1 ? 'contract of 1 position settles' : `contracts of ${settling.length} positions settle`} soon, the first: ` +
      `${named.join('; ')}. No order is sent in the last minutes: close it at the venue, or let the settlement close it at its price.`,
    next: tailFrom(TOPICS.positionSnapshot.name, since),
  };
}

/** In the unit that reads best. */
function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(0)} s`;
  return ms < 2 * HOUR_MS ? `${(ms / MINUTE_MS).toFixed(0)} min` : hours(ms);
}

function hours(ms: number): string {
  return `${(ms / HOUR_MS).toFixed(1)} h`;
}
