import { join } from 'node:path';
import { Decimal } from 'decimal.js';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../../pipelines/runtime/topic-cursor.ts';

/** Every violation, and what was looked at. */
export interface Audit {
  readonly violations: readonly string[];
  readonly contents: Contents;
}

/** Everything a log holds, decoded. */
export interface Contents {
  readonly intents: readonly RecordByTopic['harvest.intent'][];
  readonly reports: readonly RecordByTopic['execution.report'][];
  readonly trades: readonly RecordByTopic['trade.closed'][];
  readonly outcomes: readonly RecordByTopic['clm.outcome'][];
}

/**
 * What must hold in a data folder that dev has finished with, however often it was killed on the way. Returns every
 * violation, none for a sound folder.
 */
export async function auditDataFolder(folder: string): Promise<Audit> {
  const log = EmbeddedLog.openReadOnly(folder, new SystemClock());
  try {
    return await auditLog({ log, codec: await RecordCodec.open(log.registry) }, folder);
  } finally {
    await log.close();
  }
}

/** The same for any log whose orders went to the paper exchange of `folder`. */
export async function auditLog(world: ReadableTopics, folder: string): Promise<Audit> {
  const book = new PaperExchange({
    path: join(folder, 'paper-exchange.sqlite'),
    clock: new SystemClock(),
    random: new SeededRandom(0),
  });
  const all = async <N extends TopicName>(topic: N): Promise<RecordByTopic[N][]> => {
    const records: RecordByTopic[N][] = [];
    const undecodable = await forEachRecord(world, topic, {}, (record) => records.push(record));
    if (undecodable > 0) throw new Error(`${undecodable} records of ${topic} do not decode`);
    return records;
  };
  try {
    const contents: Contents = {
      intents: await all(TOPICS.harvestIntent.name),
      reports: await all(TOPICS.executionReport.name),
      trades: await all(TOPICS.tradeClosed.name),
      outcomes: await all(TOPICS.clmOutcome.name),
    };
    const violations = [
      ...intentViolations(contents),
      ...orderViolations(contents, book),
      ...quantityViolations(contents, book),
      ...outcomeViolations(contents),
    ];
    return { violations, contents };
  } finally {
    book.close();
  }
}

/** Every intent has exactly one terminal report (EXE-5). */
function intentViolations({ intents, reports }: Contents): string[] {
  const terminals = Map.groupBy(
    reports.filter(({ status }) => status !== 'SUBMITTED'),
    ({ intent_id }) => intent_id,
  );
  return [...new Set(intents.map(({ intent_id }) => intent_id))]
    .filter((id) => terminals.get(id)?.length !== 1)
    .map((id) => `intent ${id} has ${terminals.get(id)?.length ?? 0} terminal reports`);
}

/** At most one order an intent (EXE-2), each announced before it was sent (EXE-1), each fill recorded (EXE-4). */
function orderViolations({ reports, trades }: Contents, book: PaperExchange): string[] {
  const submitted = new Set(
    reports.filter(({ status }) => status === 'SUBMITTED').map(({ client_order_id }) => client_order_id),
  );
  const unknown = new Set(
    reports.filter(({ status }) => status === 'UNKNOWN').map(({ client_order_id }) => client_order_id),
  );
  const traded = new Set(trades.map(({ client_order_id }) => client_order_id));
  const seen = new Set<string>();
  const violations: string[] = [];
  for (const { clientOrderId, fills } of book.orders()) {
    if (seen.has(clientOrderId)) violations.push(`order ${clientOrderId} was placed twice`);
    seen.add(clientOrderId);
    if (!submitted.has(clientOrderId)) violations.push(`order ${clientOrderId} was never announced`);
    if (fills.length > 0 && !traded.has(clientOrderId) && !unknown.has(clientOrderId))
      violations.push(`order ${clientOrderId} was filled and not recorded`);
  }
  return violations;
}

/** Opened and grown is closed by recorded trades or still open, to the last digit, but for orders that are UNKNOWN (EXE-7). */
function quantityViolations({ trades, reports }: Contents, book: PaperExchange): string[] {
  const doubtful = new Set(reports.filter(({ status }) => status === 'UNKNOWN').map(({ position_id }) => position_id));
  const byPosition = Map.groupBy(
    new Map(trades.map((trade) => [trade.trade_id, trade])).values(),
    ({ position_id }) => position_id,
  );
  const violations: string[] = [];
  for (const { position_id, initialQuantity, grownQuantity, quantity } of book.positions()) {
    if (doubtful.has(position_id)) continue;
    const closed = (byPosition.get(position_id) ?? []).reduce((sum, trade) => sum.add(trade.quantity), new Decimal(0));
    const opened = new Decimal(initialQuantity).add(grownQuantity);
    if (!closed.add(quantity).equals(opened))
      violations.push(`${position_id}: ${closed.toString()} closed + ${quantity} open is not ${opened.toString()}`);
  }
  return violations;
}

/** Every trade is in its position's outcome, once; a position with nothing left is FINAL. */
function outcomeViolations({ trades, outcomes }: Contents): string[] {
  const latest = new Map(outcomes.map((outcome) => [outcome.position_id, outcome]));
  const violations: string[] = [];
  for (const [id, slices] of Map.groupBy(trades, ({ position_id }) => position_id)) {
    const outcome = latest.get(id);
    const expected = [...new Set(slices.map(({ trade_id }) => trade_id))].toSorted();
    if (JSON.stringify(outcome?.slices.toSorted()) !== JSON.stringify(expected))
      violations.push(`${id}: its outcome has other slices than its trades`);
    const closed = slices.some(({ remaining_quantity }) => remaining_quantity === 0);
    if ((outcome?.status === 'FINAL') !== closed)
      violations.push(`${id}: is ${outcome?.status ?? 'missing'} though it is ${closed ? 'closed' : 'open'}`);
  }
  return violations;
}
