import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Alert, StallAlertName } from '../alerts/alerts.ts';
import type { ConstantConfidence } from './constant-confidence.ts';
import { formatEventTime } from '../../render/event-time.ts';
import type { Tally, Late } from './topic-joins.ts';
import { explainOf, tailFrom } from '../../render/suggested-commands.ts';
import { HOUR_MS, MINUTE_MS, type StallLimits } from './stall-limits.ts';
import type { SilentAccount, SilentFeed } from './silence.ts';
import type { Unobserved, Winner } from './watched-positions.ts';

/** A winner that is held too long, and what was wanted of it meanwhile. */
export interface HeldWinner extends Winner {
  readonly tally: Tally;
  /** Intents before that are out of sight, though they may have been. */
  readonly talliedFrom: EpochMillis;
  /** It is no longer observed while its account is. */
  readonly unobserved: boolean;
}

export function winnerHeldAlert(held: readonly HeldWinner[], limits: StallLimits): Alert | null {
  const [longest] = held;
  if (longest === undefined) return null;
  return {
    name: 'winner_held',
    since: longest.since,
    evidence:
      `${held.length} ${held.length === 1 ? 'position is' : 'positions are'} held above R ${limits.winnerAboveR} without a trade: ` +
      `${named(held, limits.namedPositions, heldText)}. Look closer: ${explainOf(longest.position_id)}`,
  };
}

function heldText({ position_id, r, seenAt, since, atLeast, tally, talliedFrom, unobserved }: HeldWinner): string {
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

/** `silent`: the longest first. */
export function noIntentsAlert(silent: readonly SilentAccount[], limits: StallLimits): Alert | null {
  const [longest] = silent;
  if (longest === undefined) return null;
  const { account, now, winners, since, atLeast, latestIntentAt, sightFrom } = longest;
  const none =
    sightFrom === -Infinity
      ? 'there was none at all'
      : `none is in sight, which reaches back to ${formatEventTime(sightFrom)}`;
  const last = latestIntentAt === null ? none : `the last came at ${formatEventTime(latestIntentAt)}`;
  const more = silent.length - 1;
  const others = more === 0 ? '' : `, and as little on ${more} other ${more === 1 ? 'account' : 'accounts'}`;
  return {
    name: 'no_intents',
    since,
    evidence:
      `No intent for ${atLeast ? 'at least ' : ''}${hours(now - since)} on account ${account}, where ${winners} ` +
      `${winners === 1 ? 'position is' : 'positions are'} open above R ${limits.winnerAboveR}: ${last}${others}. ` +
      `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
  };
}

/** A position that is no longer observed, and the last that was wanted of it. */
export interface CeasedPosition extends Unobserved {
  readonly lastIntent: Tally['last'];
}

export function snapshotsCeasedAlert(unobserved: readonly CeasedPosition[], limits: StallLimits): Alert | null {
  const [longest] = unobserved;
  if (longest === undefined) return null;
  return {
    name: 'snapshots_ceased',
    since: longest.seenAt,
    evidence:
      `${unobserved.length} ${unobserved.length === 1 ? 'position is' : 'positions are'} not observed any more, and nothing on record ` +
      `closed ${unobserved.length === 1 ? 'it' : 'them'}: ` +
      `${named(unobserved, limits.namedPositions, unobservedText)}. Look closer: ${explainOf(longest.position_id)}`,
  };
}

function unobservedText({ position_id, source, r, seenAt, heardAt, others, lastIntent }: CeasedPosition): string {
  const ordered =
    lastIntent === null ? '' : `, its last intent ${lastIntent.status ?? 'without a report'}${reasonText(lastIntent)}`;
  return (
    `${position_id} seen last at ${formatEventTime(seenAt)} by ${source} at R ${r.toFixed(2)}, ` +
    `${hours(heardAt - seenAt)} before the latest ${others ? 'snapshot' : 'signal'} of its account${ordered}`
  );
}

/** `silent`: the longest first. */
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
      `${named(positions, limits.namedPositions, (id) => id)}${others}. See that the source of snapshots runs. ` +
      `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
  };
}

/** What waits for an answer: the alert, what is asked and what should follow, and the topic to look at. */
export interface Question {
  readonly name: StallAlertName;
  readonly within: number;
  readonly what: string;
  readonly missing: string;
  readonly topic: string;
}

export const INTENTS_ASK = {
  name: 'intents_without_reports',
  what: 'intent',
  missing: 'execution reported nothing of',
  topic: TOPICS.harvestIntent.name,
} as const;

export const FILLS_ASK = {
  name: 'reports_without_trades',
  what: 'FILLED order',
  missing: 'no trade.closed records',
  topic: TOPICS.executionReport.name,
} as const;

export const TRADES_ASK = {
  name: 'trades_without_outcomes',
  what: 'trade',
  missing: 'no clm.outcome lists',
  topic: TOPICS.tradeClosed.name,
} as const;

/** `sightFrom`: what was asked before is not known. */
export function lateAlert(question: Question, late: Late | null, sightFrom: EpochMillis): Alert | null {
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
      `${count > ids.length ? ', …' : ''}. Look closer: ${tailFrom(topic, since)}`,
  };
}

export function constantAlert(constant: readonly ConstantConfidence[]): Alert | null {
  const [first] = constant;
  if (first === undefined) return null;
  const since = constant.reduce((oldest, one) => Math.min(oldest, one.since), Infinity);
  const said = constant.map(
    ({ model, value, confidences, symbols }) =>
      `all ${confidences} confidences of ${model ?? 'a model without a name'} on ${symbols} symbols are ${value}`,
  );
  const text = said.join('; ');
  return {
    name: 'confidence_constant',
    since,
    evidence:
      `${text.charAt(0).toUpperCase()}${text.slice(1)}: a made-up default, or a model that does not look. ` +
      `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
  };
}

function named<T>(all: readonly T[], most: number, text: (one: T) => string): string {
  const said = all.slice(0, most).map(text);
  return (all.length > said.length ? [...said, '…'] : said).join(', ');
}

/** In the unit that reads best. */
function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(0)} s`;
  return ms < 2 * HOUR_MS ? `${(ms / MINUTE_MS).toFixed(0)} min` : hours(ms);
}

function hours(ms: number): string {
  return `${(ms / HOUR_MS).toFixed(1)} h`;
}
