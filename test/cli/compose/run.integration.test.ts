import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readPolicyHistory } from '../../../pipelines/scoring/policy-history.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { policiesById } from '../../../cli/replay.ts';
import { auditIntents } from '../../../pipelines/replay/audit-intents.ts';
import { loadPolicy } from '../../../cli/options/policy-options.ts';
import { freePorts } from '../../tools/kafka/test-servers.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { PositionId, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { auditLog } from '../audit-data-folder.ts';
import { runProgram as harvestline, startProgram } from '../program.ts';
import { deservingIntents, freshSnapshots } from './fresh-snapshots.ts';
import { lagOf } from './lag.ts';
import { recordsOf } from './run-in-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PROGRAM = join(ROOT, 'bin/harvestline.mjs');

/** Longer than a group takes to notice that a member was killed (30 s). */
const PATIENCE = { timeout: 60_000, interval: 200 };

const clock = new SystemClock();

interface Running {
  readonly child: ChildProcess;
  /** Code and signal, once the process and every descendant that holds its output are gone. */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: string | null; readonly log: string }>;
  ready(): Promise<number>;
  metrics(): Promise<string>;
  readonly state: () => Promise<unknown>;
  readonly followed: () => Promise<Response>;
}

/** Starts `run …` and waits for its first line, the address of its pages. */
async function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Running> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, as a shell gives to what is typed.
    detached: true,
  });
  onTestFinished(() => killGroup(child, 'SIGKILL'));
  const log = text(child.stderr);
  const closed = once(child, 'close').then(async ([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    log: await log,
  }));
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    closed.then((end) => Promise.reject(new Error(`ended early: ${end.log}`))),
  ])) as [string];
  const { http } = JSON.parse(line) as { http: string };
  return {
    child,
    closed,
    ready: async () => (await fetch(`${http}/ready`)).status,
    metrics: async () => (await fetch(`${http}/metrics`)).text(),
    state: async () => (await fetch(`${http}/api/state`)).json(),
    followed: () => fetch(`${http}/api/events`),
  };
}

/** As Ctrl-C does, and what npx leaves behind. Nothing where the group is gone. */
function killGroup({ pid }: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Three hours up to `now`: a winner that only `legacy` holds, a loser that both close, and one that both hold. */
function deskOfLegacy(now: number): PositionSnapshot[] {
  const times = Array.from({ length: 19 }, (_, index) => now - (18 - index) * 10 * 60_000);
  return times.flatMap((observed_at) => {
    const opened_at = now - 7 * 60 * 60_000;
    return [
      aSnapshot({ symbol: 'HELDUSDT', r: 3 }, { opened_at, observed_at }),
      aSnapshot({ symbol: 'LOSTUSDT', r: -0.5 }, { opened_at, observed_at, regime: 'TREND_DOWN', confidence: 0.3 }),
      aSnapshot(
        { symbol: 'QUIETUSDT', r: 0.5 },
        { opened_at: now - 4 * 60 * 60_000, observed_at, volatility_gradient: 0.5 },
      ),
    ];
  });
}

const OPTIONS = ['--http-port', '0', '--log-level', 'info'];

describe('run without a broker', () => {
  /** Nobody listens there. */
  async function nowhere(): Promise<NodeJS.ProcessEnv> {
    const { kafka, registry } = await freePorts();
    return { KAFKA_BROKERS: `127.0.0.1:${kafka}`, SCHEMA_REGISTRY_URL: `http://127.0.0.1:${registry}` };
  }

  it('says that it needs one, and exits 2', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'run', '--data', folderForTest()], {
      env: { ...process.env, KAFKA_BROKERS: '', SCHEMA_REGISTRY_URL: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [message, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(message).toContain('KAFKA_BROKERS');
    expect(code).toBe(2);
  });

  it('waits for one that is away, not ready; SIGTERM ends it with 0', async () => {
    const running = await start(
      process.execPath,
      [PROGRAM, 'run', ...OPTIONS, '--data', folderForTest()],
      await nowhere(),
    );
    expect(await running.ready()).toBe(503);
    expect(await running.state()).toMatchObject({ code: 'BROKER_AWAY' });
    running.child.kill('SIGTERM');
    const { code, log } = await running.closed;
    expect({ code, drained: log.includes('"drained"') }).toEqual({ code: 0, drained: true });
  });

  it.each([
    ['SIGTERM to npx', (npx: ChildProcess) => void npx.kill('SIGTERM')],
    ['Ctrl-C on npx', (npx: ChildProcess) => killGroup(npx, 'SIGINT')],
  ])('%s drains too, and leaves no orphan', async (_, stop) => {
    const running = await start('npx', ['harvestline', 'run', ...OPTIONS, '--data', folderForTest()], await nowhere());
    stop(running.child);
    expect((await running.closed).log).toContain('"drained"');
  });
});

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('run on Kafka', () => {
  const kafka = started(broker);
  const env = { KAFKA_BROKERS: kafka.brokers?.join(','), SCHEMA_REGISTRY_URL: kafka.registryUrl };
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const registry = new ConfluentRegistry({ url: kafka.registryUrl });
  const log = KafkaLog.open({ brokers: kafka.brokers ?? [], clock, logger: SILENT_LOGGER });
  afterAll(() => log.close());
  let codec: RecordCodec;

  const runProgram = (...args: readonly string[]) =>
    start(process.execPath, [PROGRAM, 'run', ...args, ...OPTIONS, '--data', folder.path], env);

  async function produce(snapshots: readonly PositionSnapshot[]): Promise<void> {
    const source = new TopicWriter('snapshots', codec);
    await log.append(snapshots.map((one) => source.encode(TOPICS.positionSnapshot, one, one.observed_at)));
  }

  /** The members of the consumer groups, as the broker counts them. */
  async function membersOf(groups: readonly string[]): Promise<readonly string[]> {
    const admin = kafkaClient({ brokers: kafka.brokers ?? [], clock, logger: SILENT_LOGGER }).admin();
    await admin.connect();
    try {
      const described = await admin.describeGroups([...groups]);
      return described.groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
    } finally {
      await admin.disconnect();
    }
  }

  async function expectWorkedOff(): Promise<void> {
    await vi.waitFor(async () => {
      expect(await lagOf(log, 'scoring', TOPICS.positionSnapshot.name)).toBe(0);
      expect(await lagOf(log, 'execution', TOPICS.harvestIntent.name)).toBe(0);
      expect(await lagOf(log, 'clm', TOPICS.tradeClosed.name)).toBe(0);
    }, PATIENCE);
  }

  it('refuses to start without topics, then without schemas, and says what to type', async () => {
    const missing = await runProgram();
    const topics = await missing.closed;
    expect(topics.code).toBe(1);
    expect(topics.log).toContain('harvestline topics apply');
    await log.createTopics(allTopicSpecs());
    const schemas = await (await runProgram()).closed;
    expect(schemas.code).toBe(1);
    expect(schemas.log).toContain('harvestline schemas register');
    await registerSchemas(registry);
    codec = await RecordCodec.open(registry);
  });

  it('names a feed that died before it started, until snapshots come again', async () => {
    const died = clock.now() - 10 * 60_000;
    // One that every policy holds.
    const quiet = { opened_at: died - 60 * 60_000, volatility_gradient: 0.5 };
    const watched = { ...quiet, account: 'watched', position_id: 'watched:QUIETUSDT' as PositionId };
    const observed = (observed_at: number) => aSnapshot({ symbol: 'QUIETUSDT' }, { ...watched, observed_at });
    await produce([4, 3, 2, 1, 0].map((minutes) => observed(died - minutes * 60_000)));
    const connection = ['--brokers', String(kafka.brokers), '--registry', kafka.registryUrl];
    const alerts = async () => JSON.parse((await harvestline(['status', '--json', ...connection])).stdout) as unknown;
    const silent = expect.objectContaining({
      name: 'feed_silent',
      since: died,
      evidence: expect.stringMatching(
        /^No snapshot of account watched came from test for 1\d min, where one comes every 1 min, .* open position: watched:QUIETUSDT\./,
      ),
    });
    const running = await runProgram('clm');
    const gauge = async () => /^harvestline_alert\{name="feed_silent"\} (.)$/m.exec(await running.metrics())?.[1];
    await vi.waitFor(async () => expect(await gauge()).toBe('1'), PATIENCE);
    expect(await alerts()).toMatchObject({ open_positions: 1, alerts: [silent] });
    await produce([observed(clock.now())]);
    await vi.waitFor(async () => expect(await gauge()).toBe('0'), PATIENCE);
    expect(await alerts()).toMatchObject({ open_positions: 1, alerts: [] });
    running.child.kill('SIGTERM');
    const { code, log: lines } = await running.closed;
    expect(code).toBe(0);
    expect(lines).toMatch(/alert feed_silent: No snapshot of account watched .*alert feed_silent is over/s);
  });

  it('killed with -9 in the middle and started again: every intent is what the policy says, and has one end', async () => {
    const snapshots = freshSnapshots(300, clock.now());
    const first = await runProgram();
    await produce(snapshots.slice(0, 150));
    // In the middle: some orders are done, others are not.
    await vi.waitFor(async () => expect(await endOf(TOPICS.executionReport.name)).toBeGreaterThan(40), PATIENCE);
    first.child.kill('SIGKILL');
    await first.closed;
    const second = await runProgram();
    await produce(snapshots.slice(150));
    await expectWorkedOff();
    expect(await second.ready()).toBe(200);
    second.child.kill('SIGTERM');
    expect((await second.closed).code).toBe(0);

    const { violations, contents } = await auditLog({ log, codec }, folder.path);
    expect(violations).toEqual([]);
    const intents = new Map(contents.intents.map((intent) => [intent.intent_id, intent]));
    const expected = deservingIntents(snapshots);
    expect(intents.size).toBe(expected.length);
    for (const intent of expected) {
      expect({ ...intents.get(intent.intent_id), input: null }).toEqual({ ...intent, input: null });
    }
    expect(await endOf(deadLetterTopicOf(TOPICS.positionSnapshot.name))).toBe(0);
    // Killed or not, every snapshot has what it was decided by on the log, HOLDs too.
    const { history, unreadable } = await readPolicyHistory({ log, codec });
    const told = new Set<string | undefined>();
    await forEachRecord({ log, codec }, TOPICS.positionSnapshot.name, {}, (_, at) =>
      told.add(history.inForceAt(at)?.record.policy),
    );
    expect({ told: [...told], unreadable }).toEqual({ told: ['2026-02-07'], unreadable: 0 });
    const window = { from: null, to: null };
    const audit = await auditIntents({ log, codec }, { window, policies: policiesById([]) });
    expect(audit).toMatchObject({ differing: 0, unverifiable: { total: 0 }, warnings: [] });
  });

  it('SIGTERM to npx while it works: what is in hand is finished and committed, and the next start goes on', async () => {
    const snapshots = freshSnapshots(120, clock.now());
    const running = await start('npx', ['harvestline', 'run', ...OPTIONS, '--data', folder.path], env);
    await vi.waitFor(async () => expect(await running.ready()).toBe(200), PATIENCE);
    const before = await endOf(TOPICS.executionReport.name);
    await produce(snapshots);
    await vi.waitFor(async () => expect(await endOf(TOPICS.executionReport.name)).toBeGreaterThan(before), PATIENCE);
    const followed = await running.followed();
    running.child.kill('SIGTERM');
    expect((await running.closed).log).toContain('"drained"');
    // Whoever looks is cut off at the end, and does not delay it.
    await expect(followed.text()).rejects.toThrow();
    // So that the next member is assigned at once, not after a session timed out.
    expect(await membersOf(['scoring', 'execution', 'clm'])).toEqual([]);
    const next = await runProgram();
    await vi.waitFor(async () => expect(await next.ready()).toBe(200), PATIENCE);
    await expectWorkedOff();
    next.child.kill('SIGINT');
    expect((await next.closed).code).toBe(0);
    expect((await auditLog({ log, codec }, folder.path)).violations).toEqual([]);
  });

  it('with legacy: a held winner is named, and a candidate shows what it would do and does nothing', async () => {
    const snapshots = deskOfLegacy(clock.now());
    const candidate = { ...loadPolicy('2026-02-07'), id: 'candidate' };
    const file = join(folder.path, 'candidate.json');
    writeFileSync(file, JSON.stringify(candidate));
    const decisions = snapshots.map((one) => [evaluate(one, loadPolicy('legacy')), evaluate(one, candidate)] as const);
    const told = decisions.filter((both) => both.some(({ action }) => action !== 'HOLD'));
    const intended = decisions.filter(([{ action }]) => action !== 'HOLD');
    const connection = ['--brokers', String(kafka.brokers), '--registry', kafka.registryUrl];

    await produce(snapshots);
    const follower = startProgram(['shadow', '--follow', '--json', ...connection]);
    onTestFinished(() => void follower.process.kill('SIGKILL'));
    const boards = () => follower.stdout().trim().split('\n');
    const running = await runProgram('scoring', '--policy', 'legacy', '--shadow', file);
    await vi.waitFor(async () => {
      expect(boards().at(-1)).toContain(`"decisions":${told.length},`);
      expect(await running.metrics()).toContain('harvestline_alert{name="winner_held"} 1\n');
      expect(await running.state()).toMatchObject({
        alerts: expect.arrayContaining([expect.objectContaining({ name: 'winner_held' })]),
        positions: expect.arrayContaining([expect.objectContaining({ symbol: 'HELDUSDT', side: 'LONG' })]),
      });
      expect(await lagOf(log, 'scoring', TOPICS.positionSnapshot.name)).toBe(0);
    }, PATIENCE);
    const [shadow, status] = await Promise.all(
      ['shadow', 'status'].map((command) => harvestline([command, '--json', ...connection])),
    );
    follower.process.kill('SIGTERM');
    running.child.kill('SIGTERM');
    const { code, log: lines } = await running.closed;
    expect([code, await follower.ended]).toEqual([0, 0]);

    const shadows = await recordsOf({ log, codec }, TOPICS.shadowDecision.name);
    const flips = shadows.filter(({ action, current_action }) => action !== current_action).length;
    expect(shadows).toHaveLength(told.length);
    expect(flips).toBe(decisions.filter(([current, other]) => current.action !== other.action).length);
    const counts = { policy: 'candidate', against: 'legacy', decisions: shadows.length, flips };
    expect(shadow?.stdout.trim()).toBe(boards().at(-1));
    expect(JSON.parse(shadow?.stdout ?? '')).toMatchObject({ undecodable: 0, candidates: [counts] });

    const intents = await recordsOf({ log, codec }, TOPICS.harvestIntent.name);
    expect(intents.filter(({ policy }) => policy === 'legacy')).toHaveLength(intended.length);
    expect(intents.filter(({ policy }) => policy === 'candidate')).toEqual([]);

    const alert = { name: 'winner_held', evidence: expect.stringContaining(String(snapshots[0]?.position_id)) };
    expect(JSON.parse(status?.stdout ?? '')).toMatchObject({
      shadow: [counts],
      alerts: expect.arrayContaining([expect.objectContaining(alert)]),
    });
    expect(lines).toContain('alert winner_held: 1 position is held above R 2 without a trade: ');
  });

  async function endOf(topic: string): Promise<number> {
    return (await log.offsets(topic)).reduce((sum, { end }) => sum + end, 0);
  }
});
