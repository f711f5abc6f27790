import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { type PrintedAlert, STALL_ALERTS } from '../../../pipelines/alerts/alerts.ts';
import type { ClientOrderId, IntentId, PositionId, RecordByTopic } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { type Topic, TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../../cli/program.ts';

const START = 1_770_003_600_000;
const MINUTE_MS = 60_000;
const LAUNCHER = join(import.meta.dirname, '../../../bin/harvestline.mjs');
/** No shell takes it for one word. */
const ACCOUNT = "the desk's";
const own = (name: string) => ({ account: ACCOUNT, position_id: `${ACCOUNT}:${name}` as PositionId, symbol: name });

/** A log with every stall. */
async function stalledLog(folder: string): Promise<void> {
  const log = EmbeddedLog.open(folder, new SystemClock());
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const codec = await RecordCodec.open(log.registry);
  const write = <T extends Topic>(topic: T, record: RecordByTopic[T['name']], minutes: number): Promise<void> =>
    log.append([new TopicWriter(topic.writer, codec).encode(topic, record, START + minutes * MINUTE_MS)]);
  const snapshot = GOOD_RECORDS[TOPICS.positionSnapshot.name];
  const report = GOOD_RECORDS[TOPICS.executionReport.name];
  for (let minutes = 0; minutes <= 300; minutes += 5) {
    const observed_at = START + minutes * MINUTE_MS;
    const names = minutes < 200 ? ['A', 'B', 'CEASED'] : ['A', 'B', 'C'];
    for (const name of names)
      await write(TOPICS.positionSnapshot, { ...snapshot, ...own(name), observed_at, confidence: 0.7 }, minutes);
  }
  const other = { ...own('A'), account: 'other', position_id: 'other:A' as PositionId };
  const signal = { ...GOOD_RECORDS[TOPICS.modelSignal.name], account: 'other', symbol: 'A' };
  for (let minutes = 0; minutes <= 40; minutes += 5) {
    const observed_at = START + minutes * MINUTE_MS;
    if (minutes <= 20)
      await write(TOPICS.positionSnapshot, { ...snapshot, ...other, observed_at, mark_price: 100 }, minutes);
    await write(TOPICS.modelSignal, signal, minutes);
  }
  await write(TOPICS.harvestIntent, { ...GOOD_RECORDS[TOPICS.harvestIntent.name], ...own('A') }, 1);
  const lost = { intent_id: 'lost' as IntentId, client_order_id: 'lost' as ClientOrderId };
  await write(TOPICS.executionReport, { ...report, ...own('A'), ...lost }, 1);
  await write(TOPICS.tradeClosed, { ...GOOD_RECORDS[TOPICS.tradeClosed.name], ...own('A') }, 2);
  await log.close();
}

describe('what an alert says to run', () => {
  it('ALR-1: runs as printed, on the log that the alert is about, and shows something', async () => {
    const folder = join(folderForTest(), 'my data');
    await stalledLog(folder);
    const { stdout } = await runProgram(['status', '--data', folder, '--json']);
    const { alerts } = JSON.parse(stdout) as { alerts: readonly PrintedAlert[] };
    expect(alerts.map(({ name }) => name).toSorted()).toEqual(STALL_ALERTS.toSorted());
    for (const { name, evidence, command } of alerts) {
      expect(evidence.endsWith(`: ${command}`)).toBe(true);
      // As npx would start it, without the second that npx takes.
      const direct = command.replaceAll('npx harvestline', 'harvestline');
      const script = `harvestline() { '${process.execPath}' '${LAUNCHER}' "$@"; }; ${direct}`;
      const shown = await promisify(execFile)('sh', ['-c', script], { maxBuffer: 64 * 1024 * 1024 });
      expect(shown.stdout.trim(), `${name}: ${command}`).not.toBe('');
    }
  });

  it('--stall-limits: what a file changes, and all that is wrong with it at once', async () => {
    const folder = folderForTest();
    await stalledLog(folder);
    const limits = join(folder, 'limits.json');
    const status = async (text: string) => {
      writeFileSync(limits, text);
      return runProgram(['status', '--data', folder, '--json', '--stall-limits', limits]);
    };
    const patient = await status(
      '{"held_for_minutes": 600, "unobserved_for_minutes": 120, "silent_minutes": 30, "confidences": 1000}',
    );
    const { alerts } = JSON.parse(patient.stdout) as { alerts: readonly PrintedAlert[] };
    expect(alerts.map(({ name }) => name)).toEqual(STALL_ALERTS.filter((name) => name.includes('without')));
    const wrong = await status('{"held_for_minutes": -1, "held": 3, "silent_cycles": 2}');
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain('held_for_minutes: ');
    expect(wrong.stderr).toContain('held: is no limit');
    expect(wrong.stderr).toContain('silent_cycles: ');
    expect(await status('{')).toMatchObject({ code: 1, stderr: expect.stringContaining('is not JSON') });
    const missing = await runProgram(['status', '--data', folder, '--stall-limits', join(folder, 'none.json')]);
    expect(missing.code).toBe(2);
  });
});
