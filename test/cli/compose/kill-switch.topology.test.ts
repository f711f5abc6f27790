import { describe, expect, it, vi } from 'vitest';
import { commandRecords } from '../../../pipelines/desk/control-topic.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ExecutionReport } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { freshSnapshots } from './fresh-snapshots.ts';
import { type PreparedLog, type RunningProgram, preparedLog, recordsOf, startRun } from './run-in-process.ts';

const { deskControl } = TOPICS;
const GOOD = GOOD_RECORDS[deskControl.name];
const clock = new SystemClock();

/** Far longer than it takes on a busy machine. */
const PATIENCE = { timeout: 30_000 };

/** Executes nothing that was observed before: each call is a new observation of four positions, of which three deserve an order. */
async function observe({ log, codec }: PreparedLog): Promise<void> {
  const source = new TopicWriter('snapshots', codec);
  const snapshots = freshSnapshots(4, clock.now());
  await log.append(snapshots.map((one) => source.encode(TOPICS.positionSnapshot, one, one.observed_at)));
}

async function say(world: PreparedLog, command: 'HALT' | 'RESUME'): Promise<void> {
  await world.log.append(await commandRecords(world, { ...GOOD, command, issued_at: clock.now() }));
}

async function alertIs(running: RunningProgram, value: 0 | 1): Promise<void> {
  await vi.waitFor(async () => {
    expect((await running.get('/metrics')).body).toContain(`harvestline_alert{name="kill_switch_unknown"} ${value}\n`);
  }, PATIENCE);
}

/** What the next observation of the positions comes to. */
async function reportsOfNext(world: PreparedLog): Promise<readonly ExecutionReport[]> {
  const before = new Set((await recordsOf(world, TOPICS.executionReport.name)).map(({ intent_id }) => intent_id));
  await observe(world);
  return vi.waitFor(async () => {
    const reports = await recordsOf(world, TOPICS.executionReport.name);
    const ends = reports.filter(({ status, intent_id }) => status !== 'SUBMITTED' && !before.has(intent_id));
    expect(ends).toHaveLength(3);
    return ends;
  }, PATIENCE);
}

const reasonsOf = (reports: readonly ExecutionReport[]): readonly string[] => [
  ...new Set(reports.map(({ status, reason }) => `${status} ${reason}`)),
];

describe('a kill switch that cannot be known', () => {
  it('halt-record-passed-over: a HALT that breaks a rule stops orders until somebody resumes, with log, metric and reason', async () => {
    const world = await preparedLog();
    const lines: string[] = [];
    const logger: Logger = { ...SILENT_LOGGER, warn: (_, message) => lines.push(message) };
    const running = await startRun(world.open, { logger });
    await alertIs(running, 0);
    // As a client writes it that does not know the bounds: the reason is empty.
    const [good] = await commandRecords(world, { ...GOOD, reason: 'x' });
    if (good?.value === null || good === undefined) throw new Error('no record');
    const value = Buffer.concat([good.value.slice(0, -2), Buffer.from([0])]);
    await world.log.append([{ ...good, value }]);
    await alertIs(running, 1);
    const reports = await reportsOfNext(world);
    expect(reasonsOf(reports)).toEqual(['SUPPRESSED KILL_SWITCH']);
    expect(reports[0]?.detail).toMatch(/is not known since .*: desk\.control\[\d\]@0 breaks a rule: reason/);
    expect(lines.join('\n')).toContain('alert kill_switch_unknown');
    await say(world, 'RESUME');
    await alertIs(running, 0);
    expect(reasonsOf(await reportsOfNext(world))).not.toContain('SUPPRESSED KILL_SWITCH');
  });

  it('halt-expires: a topic that can forget is refused at the start, and stops orders where it changes later', async () => {
    const world = await preparedLog();
    const settings = (cleanup: string): void =>
      void world.log.database.prepare('UPDATE topics SET cleanup = ? WHERE name = ?').run(cleanup, deskControl.name);
    const running = await startRun(world.open);
    await alertIs(running, 0);
    settings('delete');
    await alertIs(running, 1);
    const reports = await reportsOfNext(world);
    expect([reasonsOf(reports), reports[0]?.detail]).toEqual([
      ['SUPPRESSED KILL_SWITCH'],
      expect.stringContaining('can forget a halt: cleanup is delete'),
    ]);
    running.drain.abort();
    await running.done;

    const refused = await startRun(world.open);
    await expect(refused.done).rejects.toMatchObject({
      code: 'CONTROL_TOPIC_FORGETS',
      message: expect.stringContaining('--add-config cleanup.policy=compact,retention.ms=-1'),
    });
    settings('compact');
    const mended = await startRun(world.open);
    await alertIs(mended, 0);
  });

  it('DSK-24: a halt that was obeyed and is gone from the topic holds for what starts later, until somebody resumes', async () => {
    const world = await preparedLog();
    const first = await startRun(world.open);
    await say(world, 'HALT');
    await vi.waitFor(async () => {
      expect((await recordsOf(world, TOPICS.deskProcess.name)).at(-1)?.obeys).toMatchObject([{ command: 'HALT' }]);
    }, PATIENCE);
    first.drain.abort();
    await first.done;
    // As a topic looks that was deleted and made again.
    world.log.database.prepare('DELETE FROM records WHERE topic = ?').run(deskControl.name);
    const second = await startRun(world.open);
    await alertIs(second, 1);
    expect(reasonsOf(await reportsOfNext(world))).toEqual(['SUPPRESSED KILL_SWITCH']);
    await say(world, 'RESUME');
    await alertIs(second, 0);
  });
});
