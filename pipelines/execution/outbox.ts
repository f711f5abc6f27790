import type { EpochMillis } from '../../ports/clock.ts';
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

  addReport(report: ExecutionReport, intent: HarvestIntent): void {
    this.#records.push(this.#writer.encode(TOPICS.executionReport, report, report.reported_at));
    this.#reports.push(report);
    this.#ledger.apply(report);
    this.#ledger.remember(intent);
  }

  /** The trade of an order that was submitted at `submitted_at`: venue time, but not before the order was sent. */
  addTrade(trade: TradeClosed, { submitted_at }: ExecutionReport): void {
    this.#push(trade, Math.max(trade.closed_at, submitted_at ?? trade.closed_at));
  }

  /** The trade of a fill that was none of our orders'. */
  addExternalTrade(trade: TradeClosed): void {
    this.#push(trade, trade.closed_at);
  }

  #push(trade: TradeClosed, timestamp: EpochMillis): void {
    this.#records.push(this.#writer.encode(TOPICS.tradeClosed, trade, timestamp));
    this.#ledger.traded(trade);
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
