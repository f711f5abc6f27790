import { expect, onTestFinished, vi } from 'vitest';
import { commandRecords } from '../../../pipelines/desk/control-topic.ts';
import { openExchange } from '../../../cli/compose/open-exchange.ts';
import { exchangeSource } from '../../../pipelines/snapshots/exchange-source.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { BinanceServer, type BinanceServerOptions } from '../../../packages/fake-binance/binance-server.ts';
import type { ProcessorName } from '../../../cli/compose/build-processors.ts';
import type { ExecutionLimits } from '../../../pipelines/execution/limits.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import { type TopicName, TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { settingsFor } from '../../chaos/exchange/exchange-settings.ts';
import { type PreparedLog, type RunningProgram, preparedLog, recordsOf, startRun } from './run-in-process.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const CYCLE_MS = 200;

/** The whole chain in this process, on an embedded log, with a local exchange of its own. */
export class DeskOnBinance {
  readonly server: BinanceServer;
  readonly prepared: PreparedLog;
  readonly #clock = new SystemClock();
  readonly #symbols: readonly string[] | null;

  private constructor(server: BinanceServer, prepared: PreparedLog, symbols: readonly string[] | null) {
    this.server = server;
    this.prepared = prepared;
    this.#symbols = symbols;
  }

  /** Ends with the test. `symbols` are those of --symbols; null: all. */
  static async open(options: BinanceServerOptions, symbols: readonly string[] | null = null): Promise<DeskOnBinance> {
    const server = await BinanceServer.start(options);
    const prepared = await preparedLog();
    onTestFinished(() => server.close());
    return new DeskOnBinance(server, prepared, symbols);
  }

  now(): number {
    return this.#clock.now();
  }

  /** `run`, with all processors unless some are named, and with the source of snapshots where scoring is among them. */
  async run(
    limits: Partial<ExecutionLimits> = {},
    processors: readonly ProcessorName[] = ['scoring', 'execution', 'clm'],
  ): Promise<RunningProgram> {
    const observes = processors.includes('scoring');
    const { clock, venue, connect } = await openExchange(
      settingsFor(this.server.url),
      this.#symbols,
      this.#clock,
      SILENT_LOGGER,
    );
    const symbols = this.#symbols === null ? null : new Set(this.#symbols);
    const looking = { venue, account: 'main', symbols, cycleMs: CYCLE_MS, mirror: null, clock, stream: null };
    return startRun(this.prepared.open, {
      exchange: connect,
      clock,
      limits: { lookUpWaitsMs: [50, 100, 200], ...limits },
      processors,
      sources: observes ? { snapshots: (given) => exchangeSource({ ...looking, ...given }) } : {},
      desk: {
        account: 'main',
        venue: 'binanceusdm',
        mode: 'DEMO',
        standing: false,
        observes: observes ? ['main'] : [],
        machine: `test-${processors.join('-')}`,
        by: 'tester',
        clock: this.#clock,
      },
    });
  }

  /** Gives a command of the kill switch, and waits until the process that executes says that it obeys. */
  async command(command: 'HALT' | 'RESUME'): Promise<void> {
    const given = { ...GOOD_RECORDS[TOPICS.deskControl.name], command, issued_at: this.now() };
    await this.prepared.log.append(await commandRecords(this.prepared, given));
    await vi.waitFor(
      async () => {
        const obeys = (await this.records(TOPICS.deskProcess.name)).flatMap((one) => one.obeys);
        expect(obeys.map(({ issued_at }) => issued_at)).toContain(given.issued_at);
      },
      { ...PATIENCE, interval: 5 },
    );
  }

  records<N extends TopicName>(topic: N): Promise<RecordByTopic[N][]> {
    return recordsOf(this.prepared, topic);
  }

  /** Waits for a record that is as wanted. */
  async recordWhere<N extends TopicName>(
    topic: N,
    isWanted: (record: RecordByTopic[N]) => boolean,
  ): Promise<RecordByTopic[N]> {
    return vi.waitFor(async () => {
      const found = (await this.records(topic)).findLast(isWanted);
      if (found === undefined) throw new Error(`no such record in ${topic} yet`);
      return found;
    }, PATIENCE);
  }
}
