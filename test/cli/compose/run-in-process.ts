import { onTestFinished } from 'vitest';
import { type RunOptions, run } from '../../../cli/compose/run.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { EventLog, LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { type TopicName, allTopicSpecs } from '../../../schemas/topics.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { defaultPolicy } from './fresh-snapshots.ts';

export interface PreparedLog {
  readonly log: EmbeddedLog;
  readonly codec: RecordCodec;
  /** Another client on the same records. */
  readonly open: () => EmbeddedLog;
}

/** An embedded log with topics and schemas, which outlives the runs on it. */
export async function preparedLog(): Promise<PreparedLog> {
  const folder = folderForTest();
  const open = (): EmbeddedLog => EmbeddedLog.open(folder, new SystemClock());
  const log = open();
  onTestFinished(() => log.close());
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  return { log, codec: await RecordCodec.open(log.registry), open };
}

export interface RunningProgram {
  readonly drain: AbortController;
  readonly done: Promise<void>;
  readonly exchange: PaperExchange;
  /** Status and body of one of its pages. */
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
}

/** `run` in this process, on a client of its own and a paper exchange in memory. Drained when the test ends. */
export async function startRun(open: () => EmbeddedLog, overrides: Partial<RunOptions> = {}): Promise<RunningProgram> {
  const clock = new SystemClock();
  const exchange = new PaperExchange({ path: ':memory:', clock, random: new SeededRandom(1) });
  const drain = new AbortController();
  const listening = Promise.withResolvers<string>();
  const done = run(
    {
      desk: {
        account: '*',
        venue: 'paper',
        mode: 'PAPER',
        standing: false,
        observes: [],
        machine: 'test',
        by: 'tester',
        clock,
      },
      processors: ['scoring', 'execution', 'clm'],
      sources: {},
      connect: () => {
        const log = open();
        return Promise.resolve({ log, openCodec: () => RecordCodec.open(log.registry), close: () => log.close() });
      },
      policy: defaultPolicy(),
      exchange: () => Promise.resolve(exchange),
      from: 'beginning',
      http: { host: '127.0.0.1', port: 0, allowedHosts: [], token: null },
      onListening: listening.resolve,
      clock,
      logger: SILENT_LOGGER,
      ...overrides,
    },
    drain,
  );
  // The test looks at `done` itself; until then a failure is not unhandled.
  done.catch(() => {});
  onTestFinished(async () => {
    drain.abort();
    await done.catch(() => {});
    exchange.close();
  });
  const url = await listening.promise;
  return {
    drain,
    done,
    exchange,
    get: async (path) => {
      const response = await fetch(url + path);
      return { status: response.status, body: await response.text() };
    },
  };
}

export async function recordsOf<N extends TopicName>(
  world: { readonly log: EventLog; readonly codec: RecordCodec },
  topic: N,
): Promise<RecordByTopic[N][]> {
  const found: RecordByTopic[N][] = [];
  await forEachRecord(world, topic, {}, (record) => found.push(record));
  return found;
}

export async function rawRecordsOf(log: EventLog, topic: string): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const batch of log.read(topic)) found.push(...batch.records);
  return found;
}
