import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ClmOutcome, PositionId, TradeClosed } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import {
  type DecodedRecord,
  NOTHING_PROCESSED,
  type Processor,
  type Replay,
  type Write,
} from '../runtime/processor.ts';
import { type Alert, printedAlert } from '../alerts/alerts.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { IntentsSinceTrade } from '../alerts/starvation.ts';
import { accumulate } from './accumulate.ts';
import { type Gate, GateTally } from './gate.ts';
import { isKind } from '../../errors/harvestline-error.ts';
import { timesAhead } from '../../schemas/time-bound.ts';

/**
 * CLM, the closed-trade learning memory: one outcome a position, accumulated over its trades.
 *
 * Reads      trade.closed; watches harvest.intent (timestamps only) to notice that trades stopped coming, and clm.outcome for tombstones.
 * Writes     clm.outcome: once for each position that a batch changed, stamped with the time of its latest slice.
 * State      the latest outcome of every position, in memory; clm.outcome is the durable copy and holds nothing less. What others took
 *            from it is made again from trade.closed (RemadeOutcomes): when a tombstone comes, and at every start.
 * Guarantee  effectively once: whatever is delivered twice, each trade counts once and the last outcome written is whole.
 *
 * Invariants:
 * CLM-9  Memory changes only after everything the batch causes has been encoded: a batch that fails leaves no trace.
 * CLM-10  A batch that is redelivered to the same process is answered with the outcomes as they stand: the append of its first
 *         answer may have failed. A trade that was written twice to the topic (another offset) is answered with nothing.
 * CLM-11  Only event time counts, so that a replay gives the same records.
 * CLM-12  `process` waits for nothing, so calls for several partitions never interleave; a position's trades come in one partition.
 * CLM-13  An outcome's timestamp is never after that of the newest trade, which the log has taken: one slice that was dated into the future
 *         must not keep all later outcomes of its position from the log.
 */
export interface ClmProcessor extends Processor {
  observe(records: readonly LogRecord[], topic: TopicName): Promise<readonly EncodedRecord[]>;
  /** The gate over all outcomes known here. */
  gate(): Gate;
  /** Sums over all outcomes known here. Net: of those whose costs are known. Unit: quote currency. */
  pnl(): { readonly gross: number; readonly net: number };
  /** Positions that were closed in part and are not FINAL. */
  accumulating(): number;
  /** The starvation alert while its episode lasts, else null. */
  alert(): Alert | null;
}

interface ClmDependencies {
  readonly writer: TopicWriter;
  readonly logger: Logger;
}

export function clmProcessor(dependencies: ClmDependencies): ClmProcessor {
  return new Clm(dependencies);
}

class Clm implements ClmProcessor {
  readonly name = 'clm';
  readonly inputs = [TOPICS.tradeClosed];
  readonly observes = [TOPICS.harvestIntent, TOPICS.clmOutcome];
  readonly #writer: TopicWriter;
  readonly #logger: Logger;
  #outcomes = new Map<PositionId, ClmOutcome>();
  #tally = new GateTally();
  /** The latest timestamp of a record on trade.closed, as far as read. */
  #newestTrade: EpochMillis = -Infinity;
  /** Partition of trade.closed -> the offset after the last record processed in this life (CLM-10). */
  #processedTo = new Map<number, number>();
  #intents = new IntentsSinceTrade();
  #starved: Alert | null = null;
  /** What the latest restore was read by; outcomes that tombstones remove are read by it again. */
  #replay: Replay | null = null;
  /** Outcomes that clm.outcome has lost, until they are written again. */
  #remade: readonly ClmOutcome[] = [];

  constructor({ writer, logger }: ClmDependencies) {
    this.#writer = writer;
    this.#logger = logger;
  }

  gate(): Gate {
    return this.#tally.gate(() => this.#outcomes.values());
  }

  pnl(): { readonly gross: number; readonly net: number } {
    let gross = 0;
    let net = 0;
    for (const { pnl_quote, pnl_net_quote } of this.#outcomes.values()) {
      gross += pnl_quote;
      net += pnl_net_quote ?? 0;
    }
    return { gross, net };
  }

  accumulating(): number {
    let count = 0;
    for (const { status } of this.#outcomes.values()) if (status === 'ACCUMULATING') count += 1;
    return count;
  }

  alert(): Alert | null {
    return this.#starved;
  }

  async restore(replay: Replay, processed = NOTHING_PROCESSED): Promise<void> {
    const outcomes = new Map<PositionId, ClmOutcome>();
    for await (const { record } of replay(TOPICS.clmOutcome.name)) outcomes.set(record.position_id, record);
    // Trades that still wait to be processed count here already: a backlog of intents is no starvation.
    const intents = new IntentsSinceTrade();
    let newest = -Infinity;
    const isProcessed = await processed();
    const remade = new RemadeOutcomes(outcomes, (outcome) => this.#encode(outcome));
    for await (const { record, at } of replay(TOPICS.tradeClosed.name)) {
      newest = Math.max(newest, at.timestamp);
      if (isProcessed(at, TOPICS.tradeClosed.name)) remade.add(record, at);
      if (record.origin !== 'BACKFILL') intents.trade(at.timestamp);
    }
    const tally = new GateTally();
    for (const outcome of outcomes.values()) tally.add(outcome);
    this.#outcomes = outcomes;
    this.#tally = tally;
    this.#intents = intents;
    this.#newestTrade = newest;
    this.#processedTo = new Map();
    this.#starved = null;
    this.#replay = replay;
    this.#remade = remade.changed();
  }

  /** Every outcome of a trade that was processed is on clm.outcome before the first batch. */
  async recover(_: readonly number[], write: Write): Promise<void> {
    if (this.#remade.length === 0) return;
    await write(this.#remade.map((outcome) => this.#encode(outcome)));
    for (const { position_id, slices } of this.#remade) {
      const context = { position_id, slices: slices.length };
      this.#logger.warn(context, 'an outcome was not on clm.outcome: made again from trade.closed');
    }
    this.#remade = [];
  }

  async observe(records: readonly LogRecord[], topic: TopicName): Promise<readonly EncodedRecord[]> {
    if (topic === TOPICS.clmOutcome.name) return this.#undo(tombstonedIn(records));
    this.#observeIntents(records);
    return [];
  }

  /** Writes the outcomes again that tombstones removed: readers of clm.outcome must not depend on who writes nulls to it. */
  async #undo(tombstones: ReadonlyMap<string, LogRecord>): Promise<readonly EncodedRecord[]> {
    if (tombstones.size === 0 || this.#replay === null) return [];
    const remade = new RemadeOutcomes(new Map(), (outcome) => this.#encode(outcome));
    for await (const { record, at } of this.#replay(TOPICS.tradeClosed.name)) {
      this.#newestTrade = Math.max(this.#newestTrade, at.timestamp);
      if (tombstones.has(record.position_id)) remade.add(record, at);
    }
    const outcomes = remade.changed();
    const slices = new Map<string, number>(outcomes.map((one) => [one.position_id, one.slices.length]));
    for (const [position_id, { partition, offset }] of tombstones) {
      const found = slices.get(position_id) ?? 0;
      const context = { topic: TOPICS.clmOutcome.name, partition, offset, position_id, slices: found };
      if (found > 0)
        this.#logger.warn(context, 'tombstone on clm.outcome: the outcome is made again from trade.closed');
      else this.#logger.warn(context, 'tombstone on clm.outcome: no trade of such a position is on trade.closed');
    }
    return outcomes.map((outcome) => this.#encode(outcome));
  }

  #observeIntents(records: readonly LogRecord[]): void {
    for (const { timestamp } of records) this.#intents.intent(timestamp);
    const alert = this.#intents.alert();
    if (alert === null) return;
    if (this.#starved === null) this.#logger.warn({ alert: printedAlert(alert) }, 'trades are starved');
    this.#starved = alert;
  }

  async process(records: readonly DecodedRecord[]): Promise<readonly EncodedRecord[]> {
    const changed = new Map<PositionId, ClmOutcome>();
    for (const entry of records) {
      if (entry.topic !== TOPICS.tradeClosed.name) continue;
      const { record: trade, at } = entry;
      const known = changed.get(trade.position_id) ?? this.#outcomes.get(trade.position_id);
      const redelivered = at.offset < (this.#processedTo.get(at.partition) ?? 0);
      const outcome = accumulate(known, trade) ?? (redelivered ? known : undefined);
      if (outcome !== undefined) changed.set(trade.position_id, outcome);
    }
    for (const { at } of records) this.#newestTrade = Math.max(this.#newestTrade, at.timestamp);
    const encoded = Array.from(changed.values(), (outcome) => this.#encode(outcome));
    // CLM-9: from here on nothing fails.
    const finals = [...changed.values()].filter((outcome) => this.#becomesFinal(outcome));
    for (const outcome of changed.values()) this.#replace(outcome);
    for (const entry of records) this.#remember(entry);
    if (finals.length > 0) this.#announce(finals);
    return encoded;
  }

  /** CLM-13. */
  #encode(outcome: ClmOutcome): EncodedRecord {
    return this.#writer.encode(TOPICS.clmOutcome, outcome, Math.min(outcome.last_slice_at, this.#newestTrade));
  }

  #replace(outcome: ClmOutcome): void {
    const before = this.#outcomes.get(outcome.position_id);
    this.#outcomes.set(outcome.position_id, outcome);
    if (before !== undefined) this.#tally.remove(before);
    this.#tally.add(outcome);
  }

  #becomesFinal(outcome: ClmOutcome): boolean {
    return outcome.status === 'FINAL' && this.#outcomes.get(outcome.position_id)?.status !== 'FINAL';
  }

  #remember(entry: DecodedRecord): void {
    if (entry.topic !== TOPICS.tradeClosed.name) return;
    const { partition, offset, timestamp } = entry.at;
    this.#processedTo.set(partition, Math.max(this.#processedTo.get(partition) ?? 0, offset + 1));
    if (entry.record.origin !== 'BACKFILL') this.#tradeCame(timestamp);
  }

  #tradeCame(at: EpochMillis): void {
    this.#intents.trade(at);
    if (this.#starved === null || this.#intents.alert() !== null) return;
    this.#logger.info({ starved_since: this.#starved.since, trade_at: at }, 'trades come again');
    this.#starved = null;
  }

  #announce(finals: readonly ClmOutcome[]): void {
    const { final, usable, needed, open, eta } = this.gate();
    const gate = { final, usable, needed, open, eta: eta === null ? null : formatEventTime(eta) };
    for (const outcome of finals) {
      const { position_id, symbol, label, pnl_percent, excluded_from_calibration } = outcome;
      const context = { position_id, symbol, label, pnl_percent, excluded_from_calibration, gate };
      this.#logger.info(context, 'outcome became FINAL');
    }
  }
}

/** The latest record of each key, where that is a tombstone. */
function tombstonedIn(records: readonly LogRecord[]): ReadonlyMap<string, LogRecord> {
  const tombstones = new Map<string, LogRecord>();
  for (const at of records) {
    const key = Buffer.from(at.key ?? []).toString();
    if (at.value === null) tombstones.set(key, at);
    else tombstones.delete(key);
  }
  return tombstones;
}

/**
 * Outcomes made again from trade.closed, which keeps every trade forever, where clm.outcome no longer has them: a tombstone that
 * compaction has honoured, a topic that was deleted.
 *
 * CLM-14  A trade that an outcome counts changes nothing, so outcomes that are whole stay as they are.
 * CLM-15  A trade that was made a dead letter is left out here, too: one that is dated ahead, or that makes an outcome which no topic
 *         takes.
 */
class RemadeOutcomes {
  readonly #outcomes: Map<PositionId, ClmOutcome>;
  readonly #encode: (outcome: ClmOutcome) => EncodedRecord;
  readonly #changed = new Set<PositionId>();

  /** `outcomes` are those that there are; what is made again is put among them. */
  constructor(outcomes: Map<PositionId, ClmOutcome>, encode: (outcome: ClmOutcome) => EncodedRecord) {
    this.#outcomes = outcomes;
    this.#encode = encode;
  }

  add(trade: TradeClosed, at: LogRecord): void {
    if (timesAhead(TOPICS.tradeClosed.name, trade, at.timestamp, null).length > 0) return;
    try {
      const outcome = accumulate(this.#outcomes.get(trade.position_id), trade);
      if (outcome === null) return;
      this.#encode(outcome);
      this.#outcomes.set(trade.position_id, outcome);
      this.#changed.add(trade.position_id);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
    }
  }

  /** Those that a trade has changed. */
  changed(): readonly ClmOutcome[] {
    return [...this.#changed].flatMap((position) => this.#outcomes.get(position) ?? []);
  }
}
