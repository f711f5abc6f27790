import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Write } from '../processor.ts';
import type { Ledger } from './ledger.ts';

/** What a batch has caused and the log does not have yet, in order. The ledger runs ahead of the log by exactly this. */
export class Outbox {
  readonly #writer: TopicWriter;
  readonly #ledger: Ledger;
  readonly #write: Write;
  readonly #onReport: ((report: ExecutionReport) => void) | undefined;
  #records: EncodedRecord[] = [];
  #reports: ExecutionReport[] = [];
  #failed = false;

  /** `onReport` is told of each report that the log has acknowledged. */
  constructor(writer: TopicWriter, ledger: Ledger, write: Write, onReport?: (report: ExecutionReport) => void) {
    this.#writer = writer;
    this.#ledger = ledger;
    this.#write = write;
    this.#onReport = onReport;
  }

  /** A write failed: the log may or may not hold what the ledger does. */
  get failed(): boolean {
    return this.#failed;
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
    this.#pushTrade(this.#writer.encode(TOPICS.tradeClosed, trade, trade.closed_at), trade);
  }

  #encodeReport(report: ExecutionReport): EncodedRecord {
    return this.#writer.encode(TOPICS.executionReport, report, report.reported_at);
  }

  /** Venue time, but not before the order was sent. */
  #encodeTrade(trade: TradeClosed, { submitted_at: submittedAt }: ExecutionReport): EncodedRecord {
    return this.#writer.encode(TOPICS.tradeClosed, trade, Math.max(trade.closed_at, submittedAt ?? trade.closed_at));
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
