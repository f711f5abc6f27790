import * as fc from 'fast-check';
import type { OrderFate } from '../../../pipelines/execution/ledger.ts';
import type {
  ClientOrderId,
  ExecutionReport,
  HarvestIntent,
  OrderId,
  TradeClosed,
  TradeId,
} from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../../schemas/ids.ts';
import { AHEAD_MS } from '../../../schemas/time-bound.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { anIntent } from '../../fixtures/an-intent.ts';

const SYMBOLS = ['AIOUSDT', 'FHEUSDT'];

/** The report of one order of the intent, or of none where it is SUPPRESSED. */
export function reportOf(
  intent: HarvestIntent,
  status: ExecutionReport['status'],
  traits: Partial<ExecutionReport> = {},
): ExecutionReport {
  const { intent_id, position_id, account, symbol, side, action, observed_at } = intent;
  const part = traits.part ?? 0;
  return {
    ...GOOD_RECORDS[TOPICS.executionReport.name],
    intent_id,
    position_id,
    account,
    symbol,
    side,
    action,
    status,
    part,
    reason: status,
    client_order_id: clientOrderIdOf(intent_id, part),
    order_id: null,
    submitted_at: status === 'SUPPRESSED' ? null : observed_at + 500,
    reported_at: observed_at + 1000,
    remaining_quantity: null,
    ...traits,
  };
}

export function tradeOf(intent: HarvestIntent, part = 0, traits: Partial<TradeClosed> = {}): TradeClosed {
  const { intent_id, position_id, account, symbol, side } = intent;
  const clientOrderId = clientOrderIdOf(intent_id, part);
  return {
    ...GOOD_RECORDS[TOPICS.tradeClosed.name],
    intent_id,
    position_id,
    account,
    symbol,
    side,
    trade_id: tradeIdOf(clientOrderId),
    client_order_id: clientOrderId,
    order_id: venueIdOf(clientOrderId),
    ...traits,
  };
}

/** The trade of a fill by others, or of an order of ours that had been given up: then with its client id. */
export function externalTradeOf(intent: HarvestIntent, clientOrderId: ClientOrderId | null): TradeClosed {
  const id = `external ${clientOrderId ?? intent.intent_id}`;
  return tradeOf(intent, 0, {
    trade_id: id as TradeId,
    intent_id: null,
    origin: 'EXTERNAL',
    client_order_id: clientOrderId,
    order_id: id as OrderId,
  });
}

export const venueIdOf = (clientOrderId: ClientOrderId): OrderId => `v-${clientOrderId}` as OrderId;

/** A record that execution writes; a report with the intent that it is about. */
export type Entry =
  { readonly report: ExecutionReport; readonly intent: HarvestIntent } | { readonly trade: TradeClosed };

/** What a position's records say, and the fate of each of its orders by the story that they tell. */
interface Story {
  readonly entries: readonly Entry[];
  readonly fates: readonly (readonly [ClientOrderId, OrderFate])[];
}

type End = 'open' | 'traded without an end' | 'filled' | 'rejected' | 'unknown' | 'found later' | 'given up';

const aMove = fc.record({
  /** Of each order but the last, whether it filled. */
  before: fc.array(fc.boolean(), { maxLength: 2 }),
  end: fc.constantFrom<End | 'suppressed'>(
    ...(['open', 'traded without an end', 'filled', 'rejected', 'unknown', 'found later', 'given up'] as const),
    'suppressed',
  ),
  fraction: fc.constantFrom(0.5, 0.5, 1),
  reason: fc.constantFrom('VENUE_REJECTED', 'NO_FILL'),
  /** An observation that is dated after its report: the clock was wrong. */
  aheadMs: fc.constantFrom(0, 0, 0, AHEAD_MS + 2000),
});

type Move = typeof aMove extends fc.Arbitrary<infer M> ? M : never;

/** The records of one move, those that come after all moves of the position, and the fates of its orders. */
function recordsOf(intent: HarvestIntent, { before, end, fraction, reason, aheadMs }: Move) {
  const entries: Entry[] = [];
  const later: Entry[] = [];
  const fates: [ClientOrderId, OrderFate][] = [];
  const say = (status: ExecutionReport['status'], traits: Partial<ExecutionReport> = {}): void => {
    entries.push({
      intent,
      report: reportOf(intent, status, { reported_at: intent.observed_at - aheadMs, ...traits }),
    });
  };
  if (end === 'suppressed') {
    say('SUPPRESSED');
    // Never sent, so no fill can be of it.
    fates.push([clientOrderIdOf(intent.intent_id), 'foreign']);
    return { entries, later, fates };
  }
  for (const [part, filled] of before.entries()) {
    say('SUBMITTED', { part });
    if (filled) entries.push({ trade: tradeOf(intent, part) });
    fates.push([clientOrderIdOf(intent.intent_id, part), filled ? 'traded' : 'unfilled']);
  }
  const part = before.length;
  const last = clientOrderIdOf(intent.intent_id, part);
  say('SUBMITTED', { part });
  switch (end) {
    case 'open':
      fates.push([last, 'open']);
      break;
    case 'traded without an end':
      entries.push({ trade: tradeOf(intent, part) });
      fates.push([last, 'traded']);
      break;
    case 'filled':
      entries.push({ trade: tradeOf(intent, part) });
      say('FILLED', { part, reason: 'FILLED', order_id: venueIdOf(last), remaining_quantity: fraction === 1 ? 0 : 5 });
      fates.push([last, 'traded']);
      break;
    case 'rejected':
      say('REJECTED', { part, reason });
      fates.push([last, 'unfilled']);
      break;
    case 'unknown':
      say('UNKNOWN', { part });
      fates.push([last, 'unresolved']);
      break;
    case 'found later':
      say('UNKNOWN', { part });
      later.push({ trade: tradeOf(intent, part) });
      fates.push([last, 'traded']);
      break;
    case 'given up':
      say('UNKNOWN', { part });
      later.push({ trade: externalTradeOf(intent, last) });
      fates.push([last, 'unfilled']);
      break;
  }
  return { entries, later, fates };
}

function storyOf(symbol: string, moves: readonly Move[]): Story {
  const parts = moves.map((move, index) =>
    recordsOf(anIntent({ symbol, fraction: move.fraction, minute: 60 + index }), move),
  );
  const entries = [...parts.flatMap((part) => part.entries), ...parts.flatMap((part) => part.later)];
  return { entries, fates: parts.flatMap(({ fates }) => fates) };
}

/** The stories of two positions, and for each place of the log whose record comes next. */
export const aLog = fc
  .record({
    moves: fc.tuple(...SYMBOLS.map(() => fc.array(aMove, { maxLength: 5 }))),
    turns: fc.array(fc.nat({ max: 1 }), { maxLength: 60 }),
  })
  .map(({ moves, turns }) => {
    const stories = SYMBOLS.map((symbol, index) => storyOf(symbol, moves[index] ?? []));
    const left = stories.map(({ entries }) => [...entries]);
    const log = [...turns.flatMap((turn) => left[turn]?.splice(0, 1) ?? []), ...left.flat()];
    return {
      log,
      inTurn: stories.flatMap(({ entries }) => entries),
      fates: stories.flatMap(({ fates }, index) =>
        fates.map(([order, fate]) => [order, SYMBOLS[index] ?? '', fate] as const),
      ),
    };
  });
