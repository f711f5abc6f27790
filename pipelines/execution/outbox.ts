import { type Clock, type EpochMillis, isRecent } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Write } from '../runtime/processor.ts';
import type { Ledger } from './ledger.ts';

/**
 * How old the log's word may be, that nobody else works these partitions, when an order is handed to the network. Together with what the
 * log itself allows it is well below the time after which another process works them (connectors/kafka/membership.ts). Unit: milliseconds.
 */
const CONFIRMED_MS = 2000;

interface OutboxOptions {
  readonly writer: TopicWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each report that the log has acknowledged. */
  readonly onReport?: ((report: ExecutionReport) => void) | undefined;
}

/**
 * The records that a batch has caused and the log does not have yet, in order. Adding one updates the ledger, which is so ahead of the log by
 * exactly these records. An `add…` method that throws RECORD_INVALID has added nothing.
 */
export class Outbox {
  readonly #writer: TopicWriter;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #ledger: Ledger;
  readonly #write: Write;
  readonly #onReport: ((report: ExecutionReport) => void) | undefined;
  #records: EncodedRecord[] = [];
  #reports: ExecutionReport[] = [];
  #failed = false;
  /** When the latest write that the log took was begun. */
  #confirmedAt: EpochMillis = -Infinity;

  constructor({ writer, clock, logger, onReport }: OutboxOptions, ledger: Ledger, write: Write) {
    this.#writer = writer;
    this.#clock = clock;
    this.#logger = logger;
    this.#onReport = onReport;
    this.#ledger = ledger;
    this.#write = write;
  }

  /** A write failed: whether the log holds what the ledger does is unknown (EXE-9). */
  get failed(): boolean {
    return this.#failed;
  }

  /** The log took a write that was begun at most CONFIRMED_MS before (EXE-52). */
  get isConfirmed(): boolean {
    return isRecent(this.#confirmedAt, CONFIRMED_MS, this.#clock);
  }

  /** The trades of an intent without an end, in the order of its orders. */
  tradesOf({ intent_id: intentId }: Pick<ExecutionReport, 'intent_id'>): readonly TradeClosed[] {
    return this.#ledger.tradesOf(intentId);
  }

  /** `intent` is null where the log does not hold it any more. */
  addReport(report: ExecutionReport, intent: HarvestIntent | null): void {
    this.#pushReport(this.#encodeReport(report), report, intent);
  }

  /** Adds the trade of a fill, and the report after it (EXE-4): both or neither. */
  addFill(trade: TradeClosed, report: ExecutionReport, intent: HarvestIntent): void {
    const [encodedTrade, encodedReport] = [this.#encodeTrade(trade, report), this.#encodeReport(report)];
    this.#pushTrade(encodedTrade, trade);
    this.#pushReport(encodedReport, report, intent);
  }

  /** Adds the trade of an order without the report that ends its intent. */
  addTrade(trade: TradeClosed, report: ExecutionReport): void {
    this.#pushTrade(this.#encodeTrade(trade, report), trade);
  }

  /** Adds the trade of a fill that no report of our orders covers. */
  addExternalTrade(trade: TradeClosed): void {
    this.#pushTrade(this.#datedAnew(this.#writer.encode(TOPICS.tradeClosed, trade, trade.closed_at)), trade);
  }

  #encodeReport(report: ExecutionReport): EncodedRecord {
    return this.#datedAnew(this.#writer.encode(TOPICS.executionReport, report, report.reported_at));
  }

  /** With the venue's time as timestamp, but none before the order was sent. */
  #encodeTrade(trade: TradeClosed, { submitted_at: submittedAt }: ExecutionReport): EncodedRecord {
    const timestamp = Math.max(trade.closed_at, submittedAt ?? trade.closed_at);
    return this.#datedAnew(this.#writer.encode(TOPICS.tradeClosed, trade, timestamp));
  }

  /** The record with `now` as timestamp where the log refuses its own: a fill must be recorded whatever its time. */
  #datedAnew(record: EncodedRecord): EncodedRecord {
    return {
      ...record,
      ifRefused: ({ code, message }) => {
        const now = this.#clock.now();
        if (code !== 'TIMESTAMP_REFUSED' || record.timestamp === now) return null;
        const { topic, ...same } = record;
        const context = { topic, refused: record.timestamp, written: now, code };
        this.#logger.error(context, `the log refuses the time of a record, which is written as of now: ${message}`);
        return { ...same, timestamp: now };
      },
    };
  }

  #pushTrade(encoded: EncodedRecord, trade: TradeClosed): void {
    this.#records.push(encoded);
    this.#ledger.traded(trade);
  }

  #pushReport(encoded: EncodedRecord, report: ExecutionReport, intent: HarvestIntent | null): void {
    this.#records.push(encoded);
    this.#reports.push(report);
    this.#ledger.apply(report);
    if (intent !== null) this.#ledger.remember(intent);
  }

  /** Writes the records; returns when the log has acknowledged them. */
  async flush(): Promise<void> {
    if (this.#records.length === 0) return;
    const records = this.#records;
    const reports = this.#reports;
    this.#records = [];
    this.#reports = [];
    try {
      await this.#take(records);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    if (this.#onReport !== undefined) for (const report of reports) this.#onReport(report);
  }

  /** Asks the log where its word is old (EXE-52). Throws what it says, and its silence. */
  async confirm(): Promise<void> {
    if (!this.isConfirmed) await this.#take([]);
  }

  async #take(records: readonly EncodedRecord[]): Promise<void> {
    const begunAt = this.#clock.now();
    await this.#write(records);
    this.#confirmedAt = begunAt;
  }
}
