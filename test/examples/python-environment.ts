import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { messageOf } from '../../errors/harvestline-error.ts';

const run = promisify(execFile);

/** Kept between runs: what pip brings is 300 MB. */
const CACHE = fileURLToPath(new URL('../../.harvestline/', import.meta.url));

/** A registry that does not answer is no registry. Unit: milliseconds. */
const INSTALL_WITHIN_MS = 240_000;

/**
 * The Python of an environment that has what a requirements file asks for. Without python3, pip or a registry the tests that need it are
 * skipped, and standard error says so; with HARVESTLINE_REQUIRE_PYTHON=1 it throws instead.
 */
export async function pythonWith(
  requirements: string,
): Promise<{ readonly python: string } | { readonly skipped: string }> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(CACHE, `python-${digest}`);
  const ready = { python: join(folder, 'bin', 'python') };
  if (existsSync(ready.python)) return ready;
  const unfinished = `${folder}.${process.pid}`;
  try {
    await run('python3', ['-m', 'venv', unfinished], { timeout: INSTALL_WITHIN_MS });
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '-r',
      requirements,
    ];
    await run(join(unfinished, 'bin', 'python'), pip, { timeout: INSTALL_WITHIN_MS });
    renameSync(unfinished, folder);
    return ready;
  } catch (thrown) {
    rmSync(unfinished, { recursive: true, force: true });
    const skipped = `python3 with ${requirements}: ${messageOf(thrown).split('\n').slice(0, 2).join(' ')}`;
    if (process.env['HARVESTLINE_REQUIRE_PYTHON'] === '1') throw new Error(skipped, { cause: thrown });
    const line = '!'.repeat(100);
    process.stderr.write(`\n${line}\n!! THE NOTEBOOK IS NOT RUN. ${skipped}\n${line}\n\n`);
    return { skipped };
  }
}
