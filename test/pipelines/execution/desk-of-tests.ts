import { type ExecutionOptions, executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { WorkedAccounts } from '../../../ports/worked-accounts.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { MINUTE_MS, OPENED_AT } from '../../fixtures/an-intent.ts';
import { ExecutionLog } from './execution-log.ts';
import { ScriptedExchange } from '../../fixtures/scripted-exchange.ts';

/** Execution on a log in memory and a scripted venue; the clock stands a second after the usual intent. */
export class DeskOfTests {
  readonly log: ExecutionLog;
  readonly exchange = new ScriptedExchange();
  readonly clock = new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000);
  readonly errors: string[] = [];

  private constructor(log: ExecutionLog) {
    this.log = log;
  }

  static async open(): Promise<DeskOfTests> {
    return new DeskOfTests(await ExecutionLog.open());
  }

  get outcomes(): string[] {
    return this.log.reports.map(({ status, reason }) => `${status} ${reason}`);
  }

  /** A process that starts: it knows the log alone. */
  async execution(options: Partial<ExecutionOptions> = {}): Promise<Processor> {
    const { log, exchange, clock, errors } = this;
    const logger: Logger = { ...SILENT_LOGGER, error: (_, message) => void errors.push(message) };
    const writer = new TopicWriter('execution', log.codec);
    const processor = executionProcessor({ writer, exchange, clock, logger, ...options });
    await processor.restore?.(log.replay);
    return processor;
  }

  async work(processor: Processor, ...intents: HarvestIntent[]): Promise<void> {
    const deliveries = intents.map((intent) => this.log.addIntent(intent));
    await this.log.append(await processor.process(deliveries, this.log.append));
  }

  /** SUBMITTED is in the log, and what became of the order nobody knows: the process died. */
  async announceAndDie(intent: HarvestIntent): Promise<void> {
    const crash = new Error('killed');
    const { exchange } = this;
    const died = (await this.execution()).process([this.log.addIntent(intent)], async (records) => {
      await this.log.append(records);
      exchange.calls.length = 0;
      throw crash;
    });
    await died.catch((thrown: unknown) => {
      if (thrown !== crash) throw thrown;
    });
  }
}

/** The accounts of a process that works only this one. */
export function onlyAccount(account: string): WorkedAccounts {
  return { works: (asked) => Promise.resolve(asked === account), whyNotNow: () => null, sentAsNow: () => true };
}
