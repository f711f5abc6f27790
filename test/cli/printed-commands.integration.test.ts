import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runProgram } from './program.ts';

const run = promisify(execFile);

const Report = z.object({ alerts: z.array(z.object({ name: z.string(), command: z.string() })).min(1) });

describe('commands that are printed outside the checkout', () => {
  it('run as they are printed: npx would ask the registry there (CALL-1)', async () => {
    const folder = folderForTest();
    expect((await runProgram(['dev', '--cycles', '3'], '', folder)).code).toBe(0);
    await runProgram(['halt', '--reason', 'a test'], '', folder);
    const status = await runProgram(['status', '--json'], '', folder);
    const { alerts } = Report.parse(JSON.parse(status.stdout));
    expect(alerts.map(({ name }) => name)).toEqual(['halted']);
    for (const { name, command } of alerts) {
      expect(command, name).toMatch(/^'?\/.*\/bin\/harvestline\.mjs'? /);
      const { stdout } = await run('sh', ['-c', command], { cwd: folder });
      expect(stdout, name).not.toBe('');
    }
    const missing = await runProgram(['status', '--data', 'nowhere'], '', folder);
    expect(missing.stderr).toMatch(/run `\/.*harvestline\.mjs dev` first/);
    expect((await runProgram(['tail', '--help'], '', folder)).stdout).toMatch(/^Usage: \/.*harvestline\.mjs tail/);
  });
});
