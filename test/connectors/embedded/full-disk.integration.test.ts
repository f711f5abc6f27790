import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const FILLING = fileURLToPath(new URL('./filling-process.ts', import.meta.url));

/** Appends, commits and registrations meet a full disk in them. */
const SEEDS = ['1', '2', '3', '4'];

/** Runs a command as the root of a namespace of its own, with a small disk at `mount`. */
function onSmallDisk(
  mount: string,
  ...command: readonly string[]
): { readonly code: number | null; readonly stdout: string } {
  const script = 'mount -t tmpfs -o size=800k none "$0" && exec "$@"';
  const { status, stdout } = spawnSync('unshare', ['-Urm', 'sh', '-c', script, mount, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { code: status, stdout };
}

/** Not every container lets its processes mount. */
function mayMount(): boolean {
  const may = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/tmp'], { stdio: 'ignore' }).status === 0;
  if (!may)
    process.stderr.write('\n!! A DISK THAT IS REALLY FULL IS NOT TESTED: `unshare -Urm` may not mount one.\n\n');
  return may;
}

it.skipIf(!mayMount())('PORT-1, PORT-3: a disk that is full when a commit is written, too', () => {
  const mount = folderForTest();
  const { code, stdout } = onSmallDisk(mount, process.execPath, FILLING, mount, ...SEEDS);
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['append', 'commit', 'schema']));
});
