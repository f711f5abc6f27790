/** A record of the log as a sentence of a story. */
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, type TopicName, findTopic } from '../../schemas/topics.ts';

type Sentence = (codec: RecordCodec, value: Uint8Array) => string;

const SENTENCES: ReadonlyMap<string, Sentence> = new Map([
  of(
    TOPICS.positionSnapshot.name,
    ({ symbol, side, quantity, mark_price: mark, regime, confidence }) =>
      `sees ${quantity} ${symbol} ${side} at ${mark}, regime ${regime ?? 'unknown'}, confidence ${confidence?.toFixed(2) ?? 'unknown'}`,
  ),
  of(
    TOPICS.harvestIntent.name,
    ({ symbol, action, fraction, hold_score, exit_score, reason, intent_id }) =>
      `decides ${action} of ${percent(fraction)} of ${symbol}, hold ${hold_score} against exit ${exit_score} (${reason}), intent ${short(intent_id)}`,
  ),
  of(TOPICS.executionReport.name, (report) => {
    const {
      symbol,
      status,
      reason,
      rounded_quantity: rounded,
      filled_quantity: filled,
      client_order_id,
      detail,
    } = report;
    const order = `order ${short(client_order_id.replace('hl-', ''))} of intent ${short(report.intent_id)}`;
    if (status === 'SUBMITTED') return `announces ${order}: ${rounded} ${symbol}`;
    if (status === 'FILLED') return `reports ${order} ${reason}: ${filled} of ${rounded} ${symbol}`;
    return `reports ${order} ${status} ${reason}, ${symbol}${detail === null ? '' : `: ${detail}`}`;
  }),
  of(
    TOPICS.tradeClosed.name,
    ({ symbol, quantity, remaining_quantity: left, origin, order_id, exit_reason }) =>
      `records ${quantity} ${symbol} closed, ${left} left (${origin}, ${exit_reason}, order ${order_id ?? 'unknown'})`,
  ),
  of(TOPICS.positionReconciled.name, ({ symbol, reductions, differences }) =>
    [
      `finds ${reductions.length} fills of ${symbol} that closed something`,
      ...reductions.map(({ quantity, remaining_quantity: left, cause }) => `${quantity} by ${cause}, ${left} left`),
      ...differences.map(({ kind }) => `differs: ${kind}`),
    ].join('; '),
  ),
  of(
    TOPICS.clmOutcome.name,
    ({ symbol, status, label, quantity, pnl_quote: pnl }) =>
      `sums up ${symbol}: ${status}${label === null ? '' : ` ${label}`}, ${quantity} closed, ${pnl.toFixed(2)} gained`,
  ),
  of(TOPICS.deskAlert.name, ({ name, scope, state }) => `${state} the alert ${name} of ${scope}`),
  of(TOPICS.deskClaim.name, ({ state, account, part }) => `${state} ${part} of ${account}`),
]);

/** Null for a record that makes no story. */
export function recordLine(codec: RecordCodec, topic: string, value: Uint8Array): string | null {
  if (findTopic(topic) === undefined) return `sets a record aside: ${topic}`;
  try {
    return SENTENCES.get(topic)?.(codec, value) ?? null;
  } catch {
    return `writes what is no record of ${topic}`;
  }
}

function of<N extends TopicName>(
  topic: N,
  sentence: (record: RecordByTopic[N]) => string,
): readonly [string, Sentence] {
  return [topic, (codec, value) => sentence(codec.decode(topic, { value, headers: [] }))];
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}

/** Enough of an id to tell it from the others of a story. */
function short(id: string): string {
  return id.slice(0, 6);
}
