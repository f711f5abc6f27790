import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openKafka } from '../../cli/log-session/log-session.ts';
import { deskChecks } from '../../cli/compose/desk-checks.ts';
import { doctorCommand } from '../../cli/doctor.ts';
import { kafkaConnection } from '../../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { BinanceServer, TEST_KEYS } from '../../packages/fake-binance/binance-server.ts';
import { CHECK_LIMIT_MS, type CheckResult, examine } from '../../pipelines/doctor/check.ts';
import type { Clock } from '../../ports/clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { sharedTestBroker, started } from '../tools/kafka/test-broker.ts';
import { runProgram } from './program.ts';

const broker = await sharedTestBroker();
const machine = new SystemClock();

/** A clock on which the limit of a check is over as soon as everything that answers has answered. */
const HURRIED_MS = 1500;
const hurried: Clock = {
  now: () => machine.now(),
  sleep: (ms, signal) => machine.sleep(ms === CHECK_LIMIT_MS ? HURRIED_MS : ms, signal),
};

describe.skipIf('skipped' in broker)('doctor', () => {
  const { brokers, registryUrl } = started(broker);
  const folder = temporaryFolder();
  const settings = { KAFKA_BROKERS: brokers?.join(','), SCHEMA_REGISTRY_URL: registryUrl };
  let exchange: BinanceServer;

  beforeAll(async () => {
    exchange = await BinanceServer.start();
    exchange.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
    vi.stubEnv('HARVESTLINE_API_KEY', TEST_KEYS.key);
    vi.stubEnv('HARVESTLINE_API_SECRET', TEST_KEYS.secret);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await exchange.close();
    folder.remove();
  });

  const wordsOf = (desk: string): readonly string[] => [
    '--desk',
    desk,
    '--data',
    join(folder.path, desk),
    '--brokers',
    brokers.join(','),
    '--registry',
    registryUrl,
  ];
  const venue = (url = exchange.url): readonly string[] => [
    '--venue',
    'binanceusdm',
    '--live',
    '--symbols',
    'BTCUSDT',
    '--venue-url',
    url,
  ];

  async function examined(words: readonly string[], clock: Clock = machine): Promise<ReadonlyMap<string, CheckResult>> {
    const command = doctorCommand().action(() => {});
    await command.parseAsync(words, { from: 'user' });
    const { checks } = await examine(await deskChecks(['scoring', 'execution'], command.opts(), clock), clock);
    return new Map(checks.map((check) => [check.name, check]));
  }
  const notFine = (found: ReadonlyMap<string, CheckResult>) =>
    Object.fromEntries(
      [...found.values()].filter(({ state }) => state !== 'fine').map(({ name, detail }) => [name, detail]),
    );

  it('finds what a desk lacks before its topics are made, and nothing afterwards', async () => {
    const words = [...wordsOf('doctor-prepared'), ...venue()];
    expect(notFine(await examined(words))).toEqual({
      topics: expect.stringMatching(/ are missing: doctor-prepared\.model\.signal, /),
      schemas: expect.stringMatching(/ lack this program's schema: doctor-prepared\.model\.signal-value, /),
    });
    const { log, registry } = openKafka(kafkaConnection(settings), SILENT_LOGGER, new DeskNames('doctor-prepared'));
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    await log.close();
    const { code, stdout, stderr } = await runProgram(['doctor', 'execution', ...words, '--json']);
    const answer = JSON.parse(stdout) as { readonly ok: boolean; readonly checks: readonly CheckResult[] };
    expect({ code, stderr, wrong: answer.checks.filter((check) => !('ok' in check && check.ok)) }).toEqual({
      code: 0,
      stderr: '',
      wrong: [],
    });
    // The broker and the exchange run on this machine, and so by its clock.
    expect(answer.checks.find(({ name }) => name === 'clock')?.detail).toMatch(/^this machine is \d+ ms /);
    expect(stdout).not.toContain(TEST_KEYS.secret);
  });

  it('refuses a key that may withdraw, and exits 1', async () => {
    exchange.exchange.keyRights = { withdrawals: true, futures: true, anyAddress: false };
    const found = await examined([...wordsOf('doctor-rights'), ...venue()]);
    expect(found.get('key rights')).toMatchObject({ state: 'trouble', detail: 'the key may withdraw' });
    expect(found.get('position mode')).toMatchObject({ state: 'fine', detail: 'one-way' });
    exchange.exchange.keyRights = { withdrawals: false, futures: true, anyAddress: false };
  });

  it('ends although broker and exchange take connections and never answer, and examines the rest', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const words = ['--brokers', `127.0.0.1:${port}`, '--registry', registryUrl, '--data', folder.path];
    const found = await examined([...words, ...venue(`http://127.0.0.1:${port}`)], hurried);
    silent.close();
    expect(notFine(found)).toMatchObject({
      login: 'no answer within 10 s',
      topics: 'not checked: the broker does not answer',
      clock: 'not checked: the broker does not answer',
      exchange: 'no answer within 10 s',
      keys: 'not checked: the exchange does not answer',
    });
    expect(found.get('broker')?.state).toBe('fine');
    expect(found.get('registry')?.state).toBe('fine');
    expect(found.get('disk')?.state).toBe('fine');
  });
});
