import type { LogRecord } from '../../ports/event-log.ts';
import type {
  RecordByTopic,
  EpochMillis,
  HarvestIntent,
  ClmOutcome,
  ExecutionReport,
  PositionSnapshot,
} from '../../schemas/generated/records.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';
import type { ReadSession } from '../runtime/log-session.ts';
import { forEachRecord, type ReadableTopics, withinPartition } from '../runtime/topic-cursor.ts';
import { significant } from '../../render/figures.ts';
import { briefOf } from '../runtime/record-line.ts';
import type { ExplainedOrder, ExplainedStep, Place } from './explanation.ts';

export type CountedTopics = ReadableTopics & Pick<ReadSession, 'counts'>;

/** Called once with the number of records to read, then with the number of those read since. */
export interface ReadObserver {
  /** Called with each snapshot of the position and its R, but for those that no policy can score. */
  readonly onSnapshot?: (snapshot: PositionSnapshot, r: number) => void;
  readonly onTotal: (records: number) => void;
  readonly onRecords: (records: number) => void;
}

/** Streams whole topics, reports progress, and counts records that did not decode. */
export class TopicReader {
  readonly #world: CountedTopics;
  readonly #observer: ReadObserver | undefined;
  readonly #undecodable = new Map<string, number>();

  constructor(world: CountedTopics, observer?: ReadObserver) {
    this.#world = world;
    this.#observer = observer;
    const read = [
      TOPICS.harvestIntent,
      TOPICS.positionSnapshot,
      TOPICS.executionReport,
      TOPICS.tradeClosed,
      TOPICS.clmOutcome,
    ];
    observer?.onTotal(read.reduce((sum, { name }) => sum + world.counts(name), 0));
  }

  async visit<N extends TopicName>(topic: N, visit: (record: RecordByTopic[N], at: LogRecord) => void): Promise<void> {
    const onBatch = this.#observer?.onRecords;
    const undecodable = await forEachRecord(this.#world, topic, {}, visit, onBatch);
    if (undecodable > 0) this.#undecodable.set(topic, undecodable);
  }

  /** By topic; topics without any are left out. */
  undecodable(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#undecodable);
  }
}

interface FoundIntent {
  readonly intent: HarvestIntent;
  readonly at: LogRecord;
}

/** From `at` on the intents of a model name `version`. */
export interface VersionChange {
  readonly at: EpochMillis;
  readonly model: string | null;
  readonly version: string | null;
}

/** From `at` on the intents of a partition name `policy`. */
interface PolicyChange {
  readonly at: EpochMillis;
  readonly policy: string;
}

export interface ReadIntents {
  /** The intents of the position, in the order of their partition. */
  readonly found: readonly FoundIntent[];
  /** The intent that was asked for by its id. */
  readonly selected: FoundIntent | null;
  /** In order of time: the policies that intents of any position name. */
  readonly policies: readonly PolicyChange[];
  /** In order of time: the versions that intents name. Times of approvals do not serve: a simulated market has a clock of its own. */
  readonly versions: readonly VersionChange[];
}

/**
 * Reads the intents of a position, or of the position of one intent, in one pass. The position of an intent is known only once the intent
 * is found: the part of the partition since the position's first intent is then read again.
 */
export async function readIntents(topics: ReadableTopics, reader: TopicReader, id: string): Promise<ReadIntents> {
  const topic = TOPICS.harvestIntent.name;
  const found: FoundIntent[] = [];
  const versions: VersionChange[] = [];
  const current = new Map<string, string | null>();
  const selected: FoundIntent[] = [];
  /** Position -> offset of its first intent in the partition that is being read. */
  const begins = new Map<string, number>();
  let reading = -1;
  const policies: PolicyChange[] = [];
  const currentPolicy = new Map<number, string>();
  await reader.visit(topic, (intent, at) => {
    const { timestamp, partition } = at;
    if (currentPolicy.get(partition) !== intent.policy) {
      currentPolicy.set(partition, intent.policy);
      policies.push({ at: timestamp, policy: intent.policy });
    }
    const key = JSON.stringify([partition, intent.model_id]);
    if (current.get(key) !== intent.calibration_version) {
      current.set(key, intent.calibration_version);
      versions.push({ at: timestamp, model: intent.model_id, version: intent.calibration_version });
    }
    if (selected.length === 0) {
      if (partition !== reading) begins.clear();
      reading = partition;
      if (!begins.has(intent.position_id)) begins.set(intent.position_id, at.offset);
    }
    if (intent.intent_id === id && selected.length === 0) selected.push({ intent, at });
    const position = selected[0]?.intent.position_id ?? id;
    if (intent.position_id === position) found.push({ intent, at });
  });
  const [one = null] = selected;
  if (one !== null)
    found.unshift(...(await intentsBefore(topics, one, begins.get(one.intent.position_id) ?? one.at.offset)));
  return {
    found,
    selected: one,
    policies: policies.toSorted((a, b) => a.at - b.at),
    versions: versions.toSorted((a, b) => a.at - b.at),
  };
}

/** The policy that the last intents before a time name, else the first after it; null without intents. */
export function policyAt(policies: readonly PolicyChange[], at: EpochMillis): string | null {
  return (policies.findLast((change) => change.at <= at) ?? policies[0])?.policy ?? null;
}

/** The calibration version that intents of a model name at a time; null: raw confidence, or no intent. */
export function versionAt(versions: readonly VersionChange[], model: string | null, at: EpochMillis): string | null {
  return versions.findLast((change) => change.model === model && change.at <= at)?.version ?? null;
}

async function intentsBefore(
  topics: ReadableTopics,
  { intent, at }: FoundIntent,
  begin: number,
): Promise<readonly FoundIntent[]> {
  const found: FoundIntent[] = [];
  const range = { partition: at.partition, begin, end: at.offset };
  const keep = (other: HarvestIntent, place: LogRecord): void => {
    if (other.position_id === intent.position_id) found.push({ intent: other, at: place });
  };
  await forEachRecord(topics, TOPICS.harvestIntent.name, withinPartition(range), keep);
  return found;
}

/** Significant digits of quantities and prices. */
const DIGITS = 6;

/** The order of records of the same time: that in which they cause each other. */
const RANK = { intent: 0, report: 1, trade: 2, outcome: 3 } as const;

interface FoundStep extends Omit<ExplainedStep, 'after_ms'> {
  readonly rank: number;
}

/**
 * The records that followed from the intents of a position, or from one of them, in order of time. Of the outcome only the latest record
 * is kept (its topic is compacted); for one intent it is shown only if it counts a trade of the intent.
 */
export async function gatherSteps(
  reader: TopicReader,
  positionId: string,
  intentId: string | null,
  intents: readonly FoundIntent[],
): Promise<readonly ExplainedStep[]> {
  const { harvestIntent, executionReport, tradeClosed, clmOutcome } = TOPICS;
  const wanted = (record: { readonly position_id: string; readonly intent_id: string | null }): boolean =>
    record.position_id === positionId && (intentId === null || record.intent_id === intentId);
  const found: FoundStep[] = [];
  for (const { intent, at } of intents) {
    if (!wanted(intent)) continue;
    const { intent_id, action, fraction } = intent;
    const what = briefOf(harvestIntent.name, intent);
    const figures = action === 'CLOSE' ? '' : String(fraction);
    found.push({ ...placed(at), rank: RANK.intent, intent_id, order: null, kind: action, figures, what });
  }
  const orders = new Map<string, ExplainedOrder>();
  await reader.visit(executionReport.name, (report, at) => {
    if (!wanted(report)) return;
    const { intent_id, client_order_id, order_id, order_style, part, submitted_at } = report;
    const order = submitted_at === null ? null : { client_order_id, order_id, order_style, part };
    if (order !== null) orders.set(client_order_id, order);
    const [kind, figures] = reportWords(report);
    const what = briefOf(executionReport.name, report);
    found.push({ ...placed(at), rank: RANK.report, intent_id, order, kind, figures, what });
  });
  const slices = new Set<string>();
  await reader.visit(tradeClosed.name, (trade, at) => {
    if (!wanted(trade)) return;
    slices.add(trade.trade_id);
    const { intent_id, origin, quantity, exit_price, pnl_percent, client_order_id, order_id } = trade;
    const sent = client_order_id === null ? undefined : orders.get(client_order_id);
    const order =
      client_order_id === null
        ? null
        : { client_order_id, order_id, order_style: sent?.order_style ?? null, part: sent?.part ?? null };
    const kind = origin === 'HARVEST' ? 'slice' : `slice ${origin}`;
    const figures = `${significant(quantity, DIGITS)} at ${significant(exit_price, DIGITS)}, ${pnl_percent.toFixed(2)} %`;
    const what = briefOf(tradeClosed.name, trade);
    found.push({ ...placed(at), rank: RANK.trade, intent_id, order, kind, figures, what });
  });
  const outcomes: { latest: { readonly outcome: ClmOutcome; readonly at: LogRecord } | null } = { latest: null };
  await reader.visit(clmOutcome.name, (outcome, at) => {
    if (outcome.position_id === positionId) outcomes.latest = { outcome, at };
  });
  const { latest } = outcomes;
  if (latest !== null && (intentId === null || latest.outcome.slices.some((slice) => slices.has(slice)))) {
    const { label, status } = latest.outcome;
    const brief = briefOf(clmOutcome.name, latest.outcome);
    const what = `the position's latest outcome: ${brief}`;
    found.push({
      ...placed(latest.at),
      rank: RANK.outcome,
      intent_id: null,
      order: null,
      kind: label ?? status,
      figures: brief,
      what,
    });
  }
  return inTime(found);
}

/** Kind and figures. An intent may have several orders: a SUBMITTED report for each, and one terminal report for all. */
function reportWords({ status, reason, filled_quantity, order_style, part }: ExecutionReport): [string, string] {
  const number = part ?? 0;
  if (status === 'SUBMITTED') {
    const style = order_style === null || order_style === 'market' ? '' : ` ${order_style}`;
    const why = reason === 'ORDER_SENT' ? '' : ` ${reason}`;
    return [`${status}${why}${style}`, number === 0 ? '' : `order ${number + 1}`];
  }
  const kind = status === reason ? status : `${status} ${reason}`;
  if (filled_quantity <= 0) return [kind, ''];
  return [kind, `${significant(filled_quantity, DIGITS)}${number === 0 ? '' : ` in ${number + 1} orders`}`];
}

function placed({ topic, partition, offset, timestamp }: LogRecord): Place & { readonly at: EpochMillis } {
  return { topic, partition, offset, at: timestamp };
}

function inTime(found: readonly FoundStep[]): readonly ExplainedStep[] {
  const sorted = found.toSorted((one, other) => one.at - other.at || one.rank - other.rank);
  return sorted.map(({ rank: _sortedBy, ...step }, index) => {
    const before = sorted[index - 1];
    return { ...step, after_ms: before === undefined ? null : step.at - before.at };
  });
}
