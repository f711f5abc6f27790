import { openSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runProgram } from './program.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/harvestline.mjs', import.meta.url));

describe('harvestline', () => {
  it('says nothing of a reader that goes away, not even of help', async () => {
    const child = spawn(process.execPath, [LAUNCHER, 'replay', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('links on a Node that cannot cache what it compiled: that one has to hand over to the pinned Node', async () => {
    const older = encodeURIComponent(`import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) =>
        name === 'node:module' && context.parentURL?.endsWith('harvestline.mjs')
          ? { url: 'data:text/javascript,', shortCircuit: true }
          : next(name, context) });`);
    const child = spawn(process.execPath, ['--import', `data:text/javascript,${older}`, LAUNCHER, '--version'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]);
    expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  });

  it('writes plain text into a pipe, in a build as well, and colours where they are asked for', async () => {
    const { CI: _ci, NO_COLOR: _no, FORCE_COLOR: _force, TERM: _term, ...inherited } = process.env;
    const stderrWith = async (added: NodeJS.ProcessEnv): Promise<string> => {
      const child = spawn(process.execPath, [LAUNCHER, 'status', '--data', 'nowhere'], {
        env: { ...inherited, ...added },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const [stderr] = await Promise.all([textOf(child.stderr), once(child, 'close')]);
      return stderr;
    };
    expect(await stderrWith({ CI: 'true' })).toMatch(/^error [A-Z_]+/);
    expect(await stderrWith({ FORCE_COLOR: '1' })).toContain('\u001B[31merror');
    expect(await stderrWith({ FORCE_COLOR: '1', NO_COLOR: '1' })).toMatch(/^error [A-Z_]+/);
  });

  it('prints every wrong path of a notify file, once', async () => {
    const file = join(folderForTest(), 'notify.yaml');
    writeFileSync(file, 'targets: [{ type: webhook, url: "http://u:hidden@a/" }]\nremind_after_minutes: soon\n');
    const { code, stdout, stderr } = await runProgram(['notify', 'test', '--notify', file]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^error NOTIFY_FILE_INVALID: .* targets\[0\]\.url: must hold no user and password; remind_after_minutes: /,
    );
    expect(stderr.match(/remind_after_minutes/g)).toHaveLength(1);
    expect(stderr).not.toContain('hidden');
  });

  it.skipIf(process.platform !== 'linux')('says once, and without a stack, that the disk is full', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [LAUNCHER, 'policy', 'list'], { stdio: ['ignore', full, 'pipe'] });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    // What happened, and what to do.
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/DISK_FULL.*ENOSPC/),
      expect.stringContaining('Make room'),
    ]);
  });
});
