import { openSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

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
