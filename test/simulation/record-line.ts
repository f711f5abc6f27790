/** A record of the log as a sentence of a story. */
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, type TopicName, findTopic } from '../../schemas/topics.ts';

type Sentences = { readonly [N in TopicName]?: (record: RecordByTopic[N]) => string };

const SENTENCES: Sentences = {
  [TOPICS.positionSnapshot.name]: ({ symbol, side, quantity, mark_price: mark, regime, confidence }) =>
    `sees ${quantity} ${symbol} ${side} at ${mark}, regime ${regime ?? 'unknown'}, confidence ${confidence?.toFixed(2) ?? 'unknown'}`,
  [TOPICS.harvestIntent.name]: ({ symbol, action, fraction, hold_score, exit_score, reason, intent_id }) =>
    `decides ${action} of ${percent(fraction)} of ${symbol}, hold ${hold_score} against exit ${exit_score} (${reason}), intent ${short(intent_id)}`,
  [TOPICS.executionReport.name]: (report) => {
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
  },
  [TOPICS.tradeClosed.name]: ({ symbol, quantity, remaining_quantity: left, origin, order_id, exit_reason }) =>
    `records ${quantity} ${symbol} closed, ${left} left (${origin}, ${exit_reason}, order ${order_id ?? 'unknown'})`,
  [TOPICS.positionReconciled.name]: ({ symbol, reductions, differences }) =>
    [
      `finds ${reductions.length} fills of ${symbol} that closed something`,
      ...reductions.map(({ quantity, remaining_quantity: left, cause }) => `${quantity} by ${cause}, ${left} left`),
      ...differences.map(({ kind }) => `differs: ${kind}`),
    ].join('; '),
  [TOPICS.clmOutcome.name]: ({ symbol, status, label, quantity, pnl_quote: pnl }) =>
    `sums up ${symbol}: ${status}${label === null ? '' : ` ${label}`}, ${quantity} closed, ${pnl.toFixed(2)} gained`,
  [TOPICS.deskAlert.name]: ({ name, scope, state }) => `${state} the alert ${name} of ${scope}`,
  [TOPICS.deskClaim.name]: ({ state, account, part }) => `${state} ${part} of ${account}`,
};

/** Null for a record that makes no story. */
export function recordLine(codec: RecordCodec, topic: string, value: Uint8Array): string | null {
  const name = findTopic(topic)?.name;
  return name === undefined ? `sets a record aside: ${topic}` : sentenceOf(codec, name, value);
}

function sentenceOf<N extends TopicName>(codec: RecordCodec, topic: N, value: Uint8Array): string | null {
  const sentence = SENTENCES[topic];
  if (sentence === undefined) return null;
  try {
    return sentence(codec.decode(topic, { value, headers: [] }));
  } catch {
    return `writes what is no record of ${topic}`;
  }
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}

/** Enough of an id to tell it from the others of a story. */
function short(id: string): string {
  return id.slice(0, 6);
}
