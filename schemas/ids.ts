import { hash } from 'node:crypto';
import type {
  AlertId,
  ClientOrderId,
  FillId,
  IntentId,
  LetterId,
  PositionId,
  Side,
  TradeId,
} from './generated/records.ts';

/**
 * Deterministic ids. Nothing ever takes an id apart.
 *
 * SCH-6  Each id derives from what it names, so that a crash, a redelivery or a replay gives the same id again, and effects happen once.
 */

/** Hex digits of SHA-256 kept in an id: 128 bits, so a collision within a desk's lifetime is out of reach. */
const DIGEST_LENGTH = 32;

function digest(...parts: readonly (string | number | null)[]): string {
  return digestOf(JSON.stringify(parts));
}

function digestOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, DIGEST_LENGTH);
}

/** `account:symbol:SIDE:opened_at`. */
export function positionIdOf(account: string, symbol: string, side: Side, openedAt: number): PositionId {
  return `${account}:${symbol}:${side}:${openedAt}` as PositionId;
}

/** One snapshot causes at most one intent, whatever policy decides: so a policy change in mid-batch cannot close twice. */
export function intentIdOf(positionId: PositionId, observedAt: number): IntentId {
  // As `digest` would, without a list for each.
  return digestOf(`["intent",${JSON.stringify(positionId)},${observedAt}]`) as IntentId;
}

/**
 * `hl-` and 32 hex digits: 35 of the 36 characters that Binance allows, all from its alphabet. An intent may lead to several orders: `part`
 * numbers them from 0.
 */
export function clientOrderIdOf(intentId: IntentId, part = 0): ClientOrderId {
  const name = part === 0 ? digest('order', intentId) : digest('order', intentId, part);
  return `hl-${name}` as ClientOrderId;
}

/** One trade for each order. */
export function tradeIdOf(clientOrderId: ClientOrderId): TradeId {
  return digest('trade', clientOrderId) as TradeId;
}

/** One for each episode of an alert: what is raised, cleared and raised again later are two. */
export function alertIdOf(scope: string, name: string, since: number): AlertId {
  return digest('alert', scope, name, since) as AlertId;
}

/** SHA-256 of a policy's JSON text; all 64 hex digits, so that anyone can check it. */
export function policyDigestOf(policyJson: string): string {
  return hash('sha256', policyJson, 'hex');
}

/**
 * `cal-` and 16 hex digits. What the version was fitted from decides it, so proposing twice from the same evidence is one
 * version.
 */
export function calibrationVersionOf(evidence: readonly (string | number | null)[]): string {
  return `cal-${digest('calibration', ...evidence).slice(0, 16)}`;
}

/** `topic:partition:offset` of a dead letter in its dead-letter topic. */
export function letterIdOf({
  topic,
  partition,
  offset,
}: {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}): LetterId {
  return `${topic}:${partition}:${offset}` as LetterId;
}

/** The trade of a fill by others: one for each fill. Venues number fills within a symbol. */
export function externalTradeIdOf(venue: string, account: string, symbol: string, fillId: FillId): TradeId {
  return digest('external', venue, account, symbol, fillId) as TradeId;
}

/** An imported row has no order, so its id derives from its content: importing it again gives the same trade. */
export function backfillTradeIdOf(content: readonly (string | number | null)[]): TradeId {
  return digest('backfill', ...content) as TradeId;
}

/**
 * An imported trade is a position of its own, even where an earlier one of the same symbol, side and opening time is known: recorders
 * round times.
 */
export function backfillPositionIdOf(
  account: string,
  symbol: string,
  side: Side,
  openedAt: number,
  tradeId: TradeId,
): PositionId {
  return `${positionIdOf(account, symbol, side, openedAt)}:${tradeId}` as PositionId;
}
