import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Write } from '../processor.ts';
import type { Ledger } from './ledger.ts';

export interface OutboxWorld {
  readonly writer: TopicWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each report that the log has acknowledged. */
  readonly onReport?: ((report: ExecutionReport) => void) | undefined;
}

/** What a batch has caused and the log does not have yet, in order. The ledger runs ahead of the log by exactly this. */
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

  constructor({ writer, clock, logger, onReport }: OutboxWorld, ledger: Ledger, write: Write) {
    this.#writer = writer;
    this.#clock = clock;
    this.#logger = logger;
    this.#onReport = onReport;
    this.#ledger = ledger;
    this.#write = write;
  }

  /** A write failed: the log may or may not hold what the ledger does. */
  get failed(): boolean {
    return this.#failed;
  }

  /** What the orders of an intent without an end have filled, in their order. */
  tradesOf({ intent_id: intentId }: Pick<ExecutionReport, 'intent_id'>): readonly TradeClosed[] {
    return this.#ledger.tradesOf(intentId);
  }

  /** `intent` is null where the log has it no more. Throws RECORD_INVALID, and nothing is added then: as all of these do. */
  addReport(report: ExecutionReport, intent: HarvestIntent | null): void {
    this.#pushReport(this.#encodeReport(report), report, intent);
  }

  /** A fill: its trade, and the report after it (E4). Both or neither. */
  addFill(trade: TradeClosed, report: ExecutionReport, intent: HarvestIntent): void {
    const [encodedTrade, encodedReport] = [this.#encodeTrade(trade, report), this.#encodeReport(report)];
    this.#pushTrade(encodedTrade, trade);
    this.#pushReport(encodedReport, report, intent);
  }

  /** The trade of an order whose report says something else. */
  addTrade(trade: TradeClosed, report: ExecutionReport): void {
    this.#pushTrade(this.#encodeTrade(trade, report), trade);
  }

  /** The trade of a fill that was none of our orders'. */
  addExternalTrade(trade: TradeClosed): void {
    this.#pushTrade(this.#taken(this.#writer.encode(TOPICS.tradeClosed, trade, trade.closed_at)), trade);
  }

  #encodeReport(report: ExecutionReport): EncodedRecord {
    return this.#taken(this.#writer.encode(TOPICS.executionReport, report, report.reported_at));
  }

  /** Venue time, but not before the order was sent. */
  #encodeTrade(trade: TradeClosed, { submitted_at: submittedAt }: ExecutionReport): EncodedRecord {
    const timestamp = Math.max(trade.closed_at, submittedAt ?? trade.closed_at);
    return this.#taken(this.#writer.encode(TOPICS.tradeClosed, trade, timestamp));
  }

  /** What has happened is written with a time that the log takes, where it refuses the one that it happened at. */
  #taken(record: EncodedRecord): EncodedRecord {
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

  async flush(): Promise<void> {
    if (this.#records.length === 0) return;
    const records = this.#records;
    const reports = this.#reports;
    this.#records = [];
    this.#reports = [];
    try {
      await this.#write(records);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    if (this.#onReport !== undefined) for (const report of reports) this.#onReport(report);
  }
}
