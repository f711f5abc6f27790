/** A record of the log in a line of a story. */
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, findTopic, type TopicName } from '../../schemas/topics.ts';

/** What is told of a record, by its topic: the fields that make the story. */
const TOLD: Readonly<Partial<Record<TopicName, readonly string[]>>> = {
  [TOPICS.positionSnapshot.name]: ['symbol', 'side', 'quantity', 'mark_price', 'confidence', 'regime'],
  [TOPICS.harvestIntent.name]: [
    'symbol',
    'side',
    'action',
    'fraction',
    'hold_score',
    'exit_score',
    'reason',
    'intent_id',
  ],
  [TOPICS.executionReport.name]: [
    'symbol',
    'status',
    'reason',
    'detail',
    'filled_quantity',
    'rounded_quantity',
    'client_order_id',
    'intent_id',
  ],
  [TOPICS.tradeClosed.name]: [
    'symbol',
    'side',
    'quantity',
    'remaining_quantity',
    'origin',
    'exit_reason',
    'order_id',
    'trade_id',
    'position_id',
  ],
  [TOPICS.positionReconciled.name]: ['symbol', 'reductions', 'differences'],
  [TOPICS.clmOutcome.name]: ['symbol', 'status', 'label', 'quantity', 'pnl_quote'],
  [TOPICS.deskAlert.name]: ['name', 'scope', 'state'],
  [TOPICS.deskControl.name]: ['command', 'scope'],
  [TOPICS.deskClaim.name]: ['state', 'account', 'part', 'process'],
};

export function recordLine(codec: RecordCodec, topic: string, value: Uint8Array): string {
  const name = findTopic(topic)?.name;
  const fields = name === undefined ? undefined : TOLD[name];
  if (name === undefined || fields === undefined) return topic;
  try {
    const record: object = codec.decode(name, { value, headers: [] });
    const figures = new Map(Object.entries(record));
    const told = fields.map((field) => `${field} ${plain(figures.get(field))}`);
    return `${topic}: ${told.join(', ')}`;
  } catch {
    return `${topic}: no record`;
  }
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
