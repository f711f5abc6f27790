import { join } from 'node:path';
import { type ReadableTopics, forEachRecord } from '../../pipelines/runtime/topic-cursor.ts';
import { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { Clock } from '../../ports/clock.ts';
import { TOPICS, allTopicSpecs, isDeadLetterTopic } from '../../schemas/topics.ts';
import { auditLog, type Contents } from '../cli/audit-data-folder.ts';
import { commitViolations, type Effect, type Place, placeOf, placeKey } from './commit-audit.ts';
import { FLOWS, type Observation, flowOf } from './log-watch.ts';
import type { IntentId, HarvestIntent, ClientOrderId, ExecutionReport } from '../../schemas/generated/records.ts';
import { isDeepStrictEqual } from 'node:util';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { intentOf } from '../../pipelines/scoring/scoring-processor.ts';
import { defaultPolicy } from '../cli/compose/fresh-snapshots.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { PaperOrder } from '../../connectors/exchange/paper/paper-book.ts';
import { clientOrderIdOf, tradeIdOf } from '../../schemas/ids.ts';

/** With several brokers: some seconds of observations. */
const FORGIVEN_LOOKS = 10;

interface RunAudit {
  readonly violations: readonly string[];
  /** Counts, in the order in which they are shown. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface AuditOptions {
  /** The data folder of the processes: the book of the paper exchange. */
  readonly folder: string;
  /** The number of snapshots that were produced. */
  readonly records: number;
  /** Every observation of the log; the last one was taken after all processes had ended. */
  readonly observations: readonly Observation[];
  /** With more than one, leaders change, and an observation may be out of date for a moment. */
  readonly brokers: number;
  readonly clock: Clock;
}

/** Audits the log and the paper book after a run, however often its processes were killed. */
export async function auditRun(
  world: ReadableTopics,
  { folder, records, observations, brokers, clock }: AuditOptions,
): Promise<RunAudit> {
  const forgiven = brokers > 1 ? FORGIVEN_LOOKS : 0;
  const intents = await auditIntents(world);
  const { violations: chain, contents } = await auditLog(world, folder);
  const { positionSnapshot, harvestIntent, executionReport, tradeClosed, clmOutcome } = TOPICS;
  const scoring = flowOf('scoring', positionSnapshot.name);
  const execution = flowOf('execution', harvestIntent.name);
  const clm = flowOf('clm', tradeClosed.name);
  const book = new PaperExchange({ path: join(folder, 'paper-exchange.sqlite'), clock, random: new SeededRandom(0) });
  try {
    const violations = [
      ...intents.violations,
      ...(intents.distinctSnapshots === records
        ? []
        : [`${intents.distinctSnapshots} of ${records} snapshots are there`]),
      ...chain,
      ...orderViolations(contents, book),
      ...commitViolations(scoring, harvestIntent.name, intents.effects, observations, forgiven),
      ...commitViolations(execution, executionReport.name, await executionEffects(world), observations, forgiven),
      ...commitViolations(clm, clmOutcome.name, await clmEffects(world), observations, forgiven),
      ...lagViolations(observations.at(-1)),
      ...(await deadLetterViolations(world)),
    ];
    const byStatus = Object.groupBy(contents.reports, ({ status }) => status);
    const byReason = Object.groupBy(byStatus.SUPPRESSED ?? [], ({ reason }) => reason);
    const figures = {
      'snapshot records': intents.snapshots,
      'snapshots that deserve an intent': intents.deserving,
      'intent records': intents.intentRecords,
      'different intents': intents.intents.size,
      'orders at the venue': [...book.orders()].length,
      'reports SUBMITTED': byStatus.SUBMITTED?.length ?? 0,
      'reports FILLED': byStatus.FILLED?.length ?? 0,
      'reports REJECTED': byStatus.REJECTED?.length ?? 0,
      'reports UNKNOWN': byStatus.UNKNOWN?.length ?? 0,
      ...Object.fromEntries(
        Object.entries(byReason).map(([reason, reports]) => [`reports SUPPRESSED ${reason}`, reports?.length ?? 0]),
      ),
      'trade records': contents.trades.length,
      'different trades': new Set(contents.trades.map(({ trade_id }) => trade_id)).size,
      'outcome records': contents.outcomes.length,
      'looks at the offsets': observations.length,
    };
    return { violations, figures };
  } finally {
    book.close();
  }
}

function lagViolations(last: Observation | undefined): string[] {
  if (last === undefined) return ['nobody ever looked at the offsets'];
  return FLOWS.filter((flow) => last.lag(flow) !== 0).map(
    (flow) => `${flow.group} has left ${last.lag(flow)} records of ${flow.topic} uncommitted`,
  );
}

async function deadLetterViolations({ log }: ReadableTopics): Promise<string[]> {
  const violations: string[] = [];
  for (const { name } of allTopicSpecs()) {
    if (!isDeadLetterTopic(name)) continue;
    const records = (await log.offsets(name)).reduce((sum, { end }) => sum + end, 0);
    if (records > 0) violations.push(`${name} holds ${records} dead letters`);
  }
  return violations;
}

/** The terminal report of each intent record. */
async function executionEffects(world: ReadableTopics): Promise<readonly Effect[]> {
  const ends = new Map<IntentId, Place>();
  await forEachRecord(world, TOPICS.executionReport.name, {}, ({ intent_id, status }, at) => {
    if (status !== 'SUBMITTED' && !ends.has(intent_id)) ends.set(intent_id, placeOf(at));
  });
  const effects: Effect[] = [];
  await forEachRecord(world, TOPICS.harvestIntent.name, {}, ({ intent_id }, at) => {
    const output = ends.get(intent_id);
    if (output !== undefined) effects.push({ input: placeOf(at), output });
  });
  return effects;
}

/** The outcome that counts each trade record. */
async function clmEffects(world: ReadableTopics): Promise<readonly Effect[]> {
  const counted = new Map<string, Place>();
  await forEachRecord(world, TOPICS.clmOutcome.name, {}, ({ slices }, at) => {
    for (const slice of slices) if (!counted.has(slice)) counted.set(slice, placeOf(at));
  });
  const effects: Effect[] = [];
  await forEachRecord(world, TOPICS.tradeClosed.name, {}, ({ trade_id }, at) => {
    const output = counted.get(trade_id);
    if (output !== undefined) effects.push({ input: placeOf(at), output });
  });
  return effects;
}

interface IntentAudit {
  readonly violations: readonly string[];
  /** Snapshot records, and how many different ones. */
  readonly snapshots: number;
  readonly distinctSnapshots: number;
  /** Snapshot records that require an intent, and the distinct intents that they require. */
  readonly deserving: number;
  readonly intents: ReadonlySet<IntentId>;
  /** Intent records; there are more than required where a batch was scored again after a crash. */
  readonly intentRecords: number;
  /** Each snapshot and its intent. */
  readonly effects: readonly Effect[];
}

interface Expected {
  readonly intent: HarvestIntent;
  readonly input: Place;
  output: Place | null;
}

/** Every snapshot that requires an intent has it, exactly as `evaluate` decides, and there is no other intent. */
async function auditIntents(world: ReadableTopics): Promise<IntentAudit> {
  const policy = defaultPolicy();
  const violations: string[] = [];
  const expected = new Map<string, Expected>();
  const different = new Set<string>();
  let snapshots = 0;
  await forEachRecord(world, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    snapshots += 1;
    different.add(`${snapshot.position_id} ${snapshot.observed_at}`);
    const intent = intentOf(snapshot, evaluate(snapshot, policy), at);
    const input = placeOf(at);
    if (intent !== null) expected.set(placeKey(input), { intent, input, output: null });
  });
  let intentRecords = 0;
  await forEachRecord(world, TOPICS.harvestIntent.name, {}, (intent, at) => {
    intentRecords += 1;
    const wanted = expected.get(placeKey(intent.input));
    if (wanted === undefined) violations.push(`intent ${intent.intent_id} rests on a snapshot that deserves none`);
    else if (!isDeepStrictEqual(plain(intent), plain(wanted.intent)))
      violations.push(`intent ${intent.intent_id} is not what the policy says`);
    else wanted.output ??= placeOf(at);
  });
  const effects: Effect[] = [];
  for (const { intent, input, output } of expected.values()) {
    if (output === null) violations.push(`the snapshot at ${placeKey(input)} has no intent ${intent.intent_id}`);
    else effects.push({ input, output });
  }
  return {
    violations,
    snapshots,
    distinctSnapshots: different.size,
    deserving: expected.size,
    intents: new Set(Array.from(expected.values(), ({ intent }) => intent.intent_id)),
    intentRecords,
    effects,
  };
}

/** Decoded records are instances of generated classes; only their content is compared. */
function plain(record: HarvestIntent): unknown {
  return JSON.parse(JSON.stringify(record));
}

/**
 * Orders, reports and trades are consistent: an intent is sent at most once, and each filled order has one FILLED report and one trade of the
 * exchange's quantity. A trade may be on the topic twice, with one trade_id: delivery is at least once.
 */
function orderViolations({ intents, reports, trades }: Contents, book: PaperExchange): string[] {
  const orders = new Map(Array.from(book.orders(), (order) => [order.clientOrderId, order]));
  const known = new Set(intents.map(({ intent_id }) => clientOrderIdOf(intent_id)));
  const traded = new Map(trades.map((trade) => [trade.trade_id, trade]));
  const violations: string[] = [];
  for (const id of orders.keys()) if (!known.has(id)) violations.push(`order ${id} belongs to no intent`);
  for (const [id, times] of sendings(reports)) {
    if (times.size > 1) violations.push(`order ${id} was sent at ${times.size} times`);
  }
  const filled = new Set<string>();
  for (const { status, client_order_id: id, filled_quantity } of reports) {
    if (status !== 'FILLED') continue;
    const trade = traded.get(tradeIdOf(id));
    filled.add(tradeIdOf(id));
    const placed = filledQuantity(orders.get(id));
    if (!placed.equals(filled_quantity) || trade?.quantity !== filled_quantity)
      violations.push(
        `order ${id} is FILLED with ${filled_quantity}, traded ${trade?.quantity}, at the venue ${placed.toFixed()}`,
      );
  }
  for (const id of traded.keys()) if (!filled.has(id)) violations.push(`trade ${id} has no FILLED report`);
  return violations;
}

/** The times at which each order was announced; every attempt to send it is announced before. */
function sendings(reports: readonly ExecutionReport[]): ReadonlyMap<ClientOrderId, ReadonlySet<number | null>> {
  const found = new Map<ClientOrderId, Set<number | null>>();
  for (const { status, client_order_id: id, submitted_at } of reports) {
    if (status !== 'SUBMITTED') continue;
    const times = found.get(id);
    if (times === undefined) found.set(id, new Set([submitted_at]));
    else times.add(submitted_at);
  }
  return found;
}

function filledQuantity(order: PaperOrder | undefined): Exact {
  return Exact.sum(0, ...(order?.fills ?? []).map(({ quantity }) => quantity));
}
