import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { BATCH, CRASH_TOPIC } from './appending-process.ts';

const APPENDING = fileURLToPath(new URL('./appending-process.ts', import.meta.url));

it('PORT-1: kill -9 in the middle of appends loses nothing acknowledged and leaves nothing half-written', async () => {
  const folder = folderForTest();
  let acknowledged = 0;
  for (const batches of [1, 7, 23, 50]) {
    const child = spawn(process.execPath, [APPENDING, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Math.max(acknowledged, Number(line));
      lines += 1;
      if (lines === batches) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  const log = EmbeddedLog.openReadOnly(folder, new SystemClock());
  const values: number[] = [];
  for await (const { records } of log.read(CRASH_TOPIC))
    values.push(...records.map(({ value }) => Number(Buffer.from(value ?? []).toString())));
  await log.close();
  expect(values.length).toBeGreaterThanOrEqual(acknowledged);
  expect(values.length % BATCH).toBe(0);
  expect(values).toEqual(values.map((_, index) => index));
});
