import { significant } from '../../render/figures.ts';
import { pc, printable } from '../../render/terminal.ts';
import { formatEventTime } from '../../render/event-time.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';
import type { ExecutionReport, RecordByTopic } from '../../schemas/generated/records.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';
import { plural } from '../../render/figures.ts';

/** One record as `tail` shows it. */
export interface TailRecord {
  readonly at: LogRecord;
  readonly topic: TopicName | null;
  /** Decoded; base64 on a dead-letter topic; null without a value or where it does not decode. */
  readonly value: unknown;
  /** `CODE: message` where the value does not decode. */
  readonly error: string | null;
}

type Brief = { readonly [N in TopicName]: (record: RecordByTopic[N]) => string };

/** The few fields of each record that tell its story on one line. */
const BRIEF: Brief = {
  [TOPICS.modelSignal.name]: (r) => `${r.side} confidence ${figure(r.confidence)} ${r.regime} ${r.model_id}`,
  [TOPICS.positionSnapshot.name]: (r) =>
    `${r.side} ${amount(r.quantity)} at ${amount(r.entry_price)}, mark ${amount(r.mark_price)}, R ${figure(r.r_history.at(-1) ?? null)}, ${r.regime ?? 'regime unknown'}`,
  [TOPICS.harvestIntent.name]: (r) =>
    `${r.action} ${amount(r.fraction)} of ${r.side} ${amount(r.quantity)}: ${r.reason}, hold ${amount(r.hold_score)} exit ${amount(r.exit_score)}, R ${figure(r.r)}`,
  [TOPICS.executionReport.name]: (r) =>
    `${r.status} ${r.reason} ${r.action}` +
    (r.average_price === null
      ? ''
      : ` filled ${amount(r.filled_quantity)} of ${amount(r.rounded_quantity)} at ${amount(r.average_price)}`) +
    orderWords(r),
  [TOPICS.tradeClosed.name]: (r) =>
    `${r.side} ${amount(r.quantity)} at ${amount(r.exit_price)} (${figure(r.pnl_percent)} %), ${amount(r.remaining_quantity)} left: ${r.exit_reason} ${r.origin}`,
  [TOPICS.clmOutcome.name]: (r) =>
    `${r.label ?? r.status} ${r.side} ${figure(r.pnl_percent)} % in ${plural(r.slices.length, 'slice')}` +
    (r.excluded_from_calibration === null ? '' : `, excluded: ${r.excluded_from_calibration}`),
  [TOPICS.confidenceCalibration.name]: (r) =>
    `${r.status} ${r.version} ${r.method} from ${plural(r.counts.usable, 'outcome')}` +
    (r.decided_by === null ? '' : ` by ${r.decided_by}`) +
    (r.reason === null ? '' : `: ${r.reason}`),
  [TOPICS.positionReconciled.name]: (r) =>
    `${plural(r.reductions.length, 'fill')}, ${plural(r.differences.length, 'difference')}` +
    r.differences.map(({ kind, detail }) => `; ${kind}: ${detail}`).join(''),
  [TOPICS.shadowDecision.name]: (r) =>
    `${r.policy} ${r.action} ${amount(r.fraction)}: ${r.reason}, hold ${amount(r.hold_score)} exit ${amount(r.exit_score)}, R ${figure(r.r)}; ` +
    `${r.against} ${r.current_action} ${amount(r.current_fraction)}`,
  [TOPICS.policyApplied.name]: (r) =>
    `${r.policy} from offset ${r.input.offset} on` +
    (r.calibrations.length === 0 ? ', raw confidence' : '') +
    r.calibrations.map(({ model_id, version }) => `, ${model_id} ${version}`).join(''),
  [TOPICS.deskClaim.name]: (r) =>
    `${r.state} ${r.part} at ${r.venue} ${r.mode} by ${r.by}` + (r.reason === null ? '' : `: ${r.reason}`),
  [TOPICS.deskProcess.name]: (r) =>
    `${r.state} ${r.part} of ${r.account} at ${r.venue} ${r.mode}` +
    r.obeys.map(({ scope, command }) => `, ${command} of ${scope}`).join(''),
  [TOPICS.letterDiscarded.name]: (r) => `${r.code ?? 'no code'} by ${r.by}: ${r.reason}`,
  [TOPICS.deskAlert.name]: (r) => `${r.state} ${r.severity} ${r.name}: ${r.evidence}`,
  [TOPICS.notifyDelivered.name]: (r) =>
    `${r.target} took ${r.name} ${r.state}` + (r.reminder === 0 ? '' : `, reminder ${r.reminder}`),
  [TOPICS.deskControl.name]: (r) => `${r.command} by ${r.issued_by}: ${r.reason}`,
};

/** The record as one JSON object: {topic, partition, offset, timestamp, key, value, headers}, and `error`, `value_base64` where it does not decode. */
export function jsonLine({ at, value, error }: TailRecord): string {
  const { topic, partition, offset, timestamp, headers } = at;
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    key: text(at.key),
    value,
    headers: headersOf(headers),
    ...(error === null ? {} : { error, value_base64: base64(at.value) }),
  });
}

/** The record on one line for people. */
export function readableLine(record: TailRecord): string {
  const { at, topic, value, error } = record;
  const where = pc.dim(`${formatEventTime(at.timestamp)} ${at.partition}@${at.offset}`);
  const key = pc.bold(printable(text(at.key) ?? '(no key)'));
  return `${where} ${key} ${error === null ? printable(brief(topic, value, at)) : pc.red(printable(error))}`;
}

/** The few fields of a record that tell its story. */
export function briefOf<N extends TopicName>(topic: N, record: RecordByTopic[N]): string {
  return BRIEF[topic](record as never);
}

function brief(topic: TopicName | null, value: unknown, at: LogRecord): string {
  if (topic !== null) return BRIEF[topic](value as never);
  const headers = at.headers.map(([name, header]) => `${name}=${text(header) ?? ''}`).join(' ');
  return `${at.value?.length ?? 0} bytes ${headers}`;
}

/** UTF-8 text by name. Kafka allows a name more than once: such a header is an array, in order. */
function headersOf(
  headers: LogRecord['headers'],
): Readonly<Record<string, string | null | readonly (string | null)[]>> {
  const byName = Map.groupBy(headers, ([name]) => name);
  return Object.fromEntries(
    Array.from(byName, ([name, same]) => {
      const values = same.map(([, value]) => text(value));
      return [name, values.length > 1 ? values : (values[0] ?? null)];
    }),
  );
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : bufferOf(bytes).toString('utf8');
}

export function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : bufferOf(bytes).toString('base64');
}

/** A quantity, price or score for people. A double may have seventeen digits, which only a program needs: --json has them. */
function amount(value: number | null): string {
  return value === null ? 'unknown' : significant(value, 6);
}

function figure(value: number | null): string {
  return value === null ? 'unknown' : significant(value, 5);
}

/** An intent may lead to several orders: which of them was sent, or how many there were in the end. */
function orderWords({ status, order_style: style, part, client_order_id: id }: ExecutionReport): string {
  const how = style === null || style === 'market' ? '' : `${style} `;
  if (part === null || part === 0) return `, ${how}order ${id}`;
  const count = part + 1;
  return status === 'SUBMITTED'
    ? `, ${how}order ${id}, number ${count} of its intent`
    : `, ${count} orders, the last ${id}`;
}
