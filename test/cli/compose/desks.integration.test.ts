import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { type TopicName, TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { openDesk } from '../../../packages/fake-binance/open-desk.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { type RunningProgram, runProgram, startProgram } from '../program.ts';

/** Several desks on one Kafka, as people start them: case second-execution-takes-partitions. */

const PATIENCE = { timeout: 90_000, interval: 300 };
const POSITIONS = 6;

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('desks on one Kafka', () => {
  const kafka = started(broker);
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const log = KafkaLog.open({ brokers: kafka.brokers, clock: new SystemClock(), logger: SILENT_LOGGER });
  afterAll(() => log.close());
  const connection = ['--brokers', kafka.brokers.join(','), '--registry', kafka.registryUrl];
  const others: RunningProgram[] = [];
  let codec: RecordCodec;
  let server: BinanceServer;
  let symbols: readonly string[];
  let live: RunningProgram;

  beforeAll(async () => {
    await log.createTopics(allTopicSpecs());
    const registry = new ConfluentRegistry({ url: kafka.registryUrl });
    await registerSchemas(registry);
    codec = await RecordCodec.open(registry);
    server = await BinanceServer.start({});
    symbols = openDesk(server.exchange, POSITIONS);
    withKeys();
    live = startProgram([
      'run',
      'snapshots',
      'scoring',
      'execution',
      'clm',
      ...atExchange('--live'),
      '--data',
      folder.path,
    ]);
    vi.unstubAllEnvs();
  });

  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => void process.stderr.write(`the live desk said last: ${live.stderr().slice(-4000)}\n`));
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const { process } of others) process.kill('SIGTERM');
    await Promise.all(others.splice(0).map(({ ended }) => ended));
  });

  afterAll(async () => {
    live?.process.kill('SIGKILL');
    await server?.close();
  });

  function withKeys(): void {
    vi.stubEnv('HARVESTLINE_API_KEY', TEST_KEYS.key);
    vi.stubEnv('HARVESTLINE_API_SECRET', TEST_KEYS.secret);
  }

  function atExchange(stake: '--live' | '--demo'): readonly string[] {
    const markets = ['--symbols', symbols.join(',')];
    return ['--venue', 'binanceusdm', stake, ...markets, '--venue-url', server.url, '--cycle', '1000', ...connection];
  }

  function start(args: readonly string[]): RunningProgram {
    const program = startProgram([...args, '--data', folderForTest()]);
    others.push(program);
    return program;
  }

  async function recordsOf<N extends TopicName>(topic: N): Promise<readonly RecordByTopic[N][]> {
    const records: RecordByTopic[N][] = [];
    await forEachRecord({ log, codec }, topic, {}, (record) => records.push(record));
    return records;
  }

  async function listed(...desk: readonly string[]) {
    const { stdout } = await runProgram(['desk', 'list', '--json', ...desk, ...connection]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { account: string; venue: string; mode: string; processes: string[] });
  }

  /** Intents of an account that have no end on record. */
  async function unfinished(account: string): Promise<readonly string[]> {
    const reports = await recordsOf(TOPICS.executionReport.name);
    const ended = new Set(reports.filter(({ status }) => status !== 'SUBMITTED').map(({ intent_id }) => intent_id));
    const intents = await recordsOf(TOPICS.harvestIntent.name);
    return intents
      .filter((intent) => intent.account === account && !ended.has(intent.intent_id))
      .map(({ intent_id }) => intent_id);
  }

  async function filled(count: number): Promise<void> {
    await vi.waitFor(async () => {
      const fills = (await recordsOf(TOPICS.executionReport.name)).filter(({ status }) => status === 'FILLED');
      expect(fills.length).toBeGreaterThanOrEqual(count);
    }, PATIENCE);
  }

  it('a process of another account has a group of its own: it takes nothing, and says nothing of what is not its own', async () => {
    withKeys();
    start(['run', 'execution', '--account', 'second', ...atExchange('--live')]);
    vi.unstubAllEnvs();
    await vi.waitFor(async () => {
      expect(await listed()).toMatchObject([
        { account: 'main', venue: 'binanceusdm', mode: 'live', processes: [expect.any(String), expect.any(String)] },
        { account: 'second', venue: 'binanceusdm', mode: 'live', processes: [expect.any(String)] },
      ]);
      const committed = await log.committed('execution.second', TOPICS.harvestIntent.name);
      expect([...committed.values()].reduce((sum, offset) => sum + offset, 0)).toBeGreaterThan(2 * POSITIONS);
    }, PATIENCE);
    await filled(3);
    await vi.waitFor(async () => {
      expect(await unfinished('main')).toEqual([]);
    }, PATIENCE);
    const reports = await recordsOf(TOPICS.executionReport.name);
    expect(reports.filter(({ reason, venue }) => reason === 'OTHER_ACCOUNT' || venue !== 'binanceusdm')).toEqual([]);
    const { stdout } = await runProgram(['status', '--json', ...connection]);
    const { topics } = JSON.parse(stdout) as { topics: Record<string, { lag: Record<string, number> }> };
    expect(Object.keys(topics[TOPICS.harvestIntent.name]?.lag ?? {})).toEqual(['execution', 'execution.second', 'clm']);
  });

  it('a process that differs is refused at its start by name and reason, and takes nothing', async () => {
    const paper = await runProgram(['run', 'execution', ...connection, '--data', folderForTest()]);
    withKeys();
    const demo = await runProgram(['run', 'execution', ...atExchange('--demo'), '--data', folderForTest()]);
    const livePaper = await runProgram([
      'run',
      'execution',
      '--venue-url',
      server.url,
      ...connection,
      '--data',
      folderForTest(),
    ]);
    const source = await runProgram(['run', 'snapshots', ...atExchange('--live'), '--data', folderForTest()]);
    vi.unstubAllEnvs();
    for (const { code, stderr } of [paper, demo, livePaper, source]) {
      expect([code, stderr]).toEqual([1, expect.stringContaining('ACCOUNT_TAKEN')]);
      expect(stderr).toMatch(
        /account main is worked at binanceusdm \(LIVE\) since .* by .*desk retire .*main --by NAME/,
      );
    }
    expect(paper.stderr).toContain('--account NAME');
    expect((await listed()).map(({ account }) => account)).toEqual(['main', 'second']);
    const reports = await recordsOf(TOPICS.executionReport.name);
    expect(new Set(reports.map(({ venue }) => venue))).toEqual(new Set(['binanceusdm']));
  });

  it('what a person retires stops, and is free for another', async () => {
    withKeys();
    const second = start(['run', 'execution', '--account', 'second', ...atExchange('--live')]);
    vi.unstubAllEnvs();
    await vi.waitFor(async () => {
      expect((await listed()).at(-1)?.processes).toHaveLength(1);
    }, PATIENCE);
    const why = ['--by', 'alice', '--reason', 'moved to paper'];
    const unknown = await runProgram(['desk', 'retire', 'thrid', ...why, ...connection]);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('claimed are main, second')]);
    const dry = await runProgram(['desk', 'retire', 'second', '--dry-run', ...why, ...connection]);
    expect([dry.code, JSON.parse(dry.stdout)]).toMatchObject([0, { account: 'second', retired: false, dry_run: true }]);
    const retired = await runProgram(['desk', 'retire', 'second', ...why, ...connection]);
    expect([retired.code, JSON.parse(retired.stdout)]).toMatchObject([0, { account: 'second', retired: true }]);
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain('retired by alice: moved to paper');
    start(['run', 'execution', '--account', 'second', ...connection]);
    await vi.waitFor(async () => {
      expect((await listed()).at(-1)).toMatchObject({ account: 'second', venue: 'paper', mode: 'paper' });
    }, PATIENCE);
  });

  it('a desk with a name of its own shares the Kafka and nothing on it', async () => {
    const alpha = ['--desk', 'alpha'];
    const early = await runProgram(['run', 'execution', ...alpha, ...connection, '--data', folderForTest()]);
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('alpha.position.snapshot')]);
    const applied = await runProgram(['topics', 'apply', '--json', ...alpha, ...connection]);
    expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('"alpha.trade.closed.dlq"')]);
    const registered = await runProgram(['schemas', 'register', '--json', ...alpha, ...connection]);
    expect([registered.code, registered.stdout]).toEqual([0, expect.stringContaining('"alpha.trade.closed-value"')]);
    start(['run', 'snapshots', 'scoring', 'execution', 'clm', '--interval', '300', ...alpha, ...connection]);
    await vi.waitFor(async () => {
      const { stdout } = await runProgram([
        'tail',
        'alpha.execution.report',
        '--from',
        'beginning',
        '--json',
        ...alpha,
        ...connection,
      ]);
      expect(stdout).toContain('"FILLED"');
      const lines = stdout.trimEnd().split('\n');
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        topic: 'alpha.execution.report',
        value: { venue: 'paper', intent: { topic: 'alpha.harvest.intent' } },
      });
    }, PATIENCE);
    expect((await log.committed('alpha.scoring', 'alpha.position.snapshot')).size).toBeGreaterThan(0);
    const accounts = (await listed(...alpha)).map(({ account }) => account);
    expect(accounts).toContain('*');
    expect(accounts.some((account) => account.startsWith('live-simulated-1'))).toBe(true);
    expect((await listed()).map(({ account }) => account)).toEqual(['main', 'second']);
    const reports = await recordsOf(TOPICS.executionReport.name);
    expect(new Set(reports.map(({ venue }) => venue))).toEqual(new Set(['binanceusdm']));
  });

  it('the live desk went on all the while, and what it closed is what the exchange closed', async () => {
    await vi.waitFor(async () => {
      expect(await unfinished('main')).toEqual([]);
    }, PATIENCE);
    live.process.kill('SIGTERM');
    expect(await live.ended).toBe(0);
    const trades = await recordsOf(TOPICS.tradeClosed.name);
    expect(trades.length).toBeGreaterThan(2);
    expect(new Set(trades.map(({ venue, account }) => `${account} at ${venue}`))).toEqual(
      new Set(['main at binanceusdm']),
    );
  });
});
