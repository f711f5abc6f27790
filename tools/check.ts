/**
 * `npm run check`: every check and every test, in two lanes at a time.
 *
 * - The integration tier, which waits more than it computes. It prints as it goes.
 * - What only computes: the checks without tests, then the other tiers. Each step prints when it has ended. It has the same priority: with a lower one
 *   a test could wait for the processor until its time is up.
 *
 * All of them run, whatever fails. One that fails fails all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const TESTS = ['npm', 'test', '--'] as const;
const INTEGRATION = [...TESTS, '--project', 'integration'];

/** Two files at a time: both of two cores where the other lane waits, or has ended. */
const OTHERS = [...TESTS, '--project', 'pure', '--project', 'topology', '--maxWorkers', '2'];

const folder = mkdtempSync(join(tmpdir(), 'harvestline-check-'));

/** Where the tests of a lane leave their counts. */
const COUNTS = { integration: join(folder, 'integration.json'), others: join(folder, 'others.json') } as const;

function start([program = '', ...args]: readonly string[], out: 'inherit' | 'pipe', countsFile = ''): ChildProcess {
  return spawn(program, args, { env: { ...process.env, TEST_COUNTS_FILE: countsFile }, stdio: ['ignore', out, out] });
}

async function passed(child: ChildProcess): Promise<boolean> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}

/** Prints what it says once it has ended. */
async function passedInBackground(name: string, child: ChildProcess): Promise<boolean> {
  const said = (stream: ChildProcess['stdout']): Promise<string> =>
    stream === null ? Promise.resolve('') : text(stream);
  const [output, errors, ok] = await Promise.all([said(child.stdout), said(child.stderr), passed(child)]);
  process.stdout.write(`\n${name}: ${ok ? 'passed' : 'FAILED'}\n${output}${errors}\n`);
  return ok;
}

/** Without a file it has failed before its first test. */
function countsIn(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function computing(): Promise<boolean> {
  const checked = await passedInBackground('check:static', start(['npm', 'run', '--silent', 'check:static'], 'pipe'));
  const tested = await passedInBackground('pure and topology tests', start(OTHERS, 'pipe', COUNTS.others));
  return checked && tested;
}

const results = await Promise.all([passed(start(INTEGRATION, 'inherit', COUNTS.integration)), computing()]);
const counts = Object.values(COUNTS).map(countsIn);
const sum = (name: keyof Counts): number => counts.reduce((total, one) => total + one[name], 0);
const all: Counts = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
writeFileSync('.test-counts.json', `${JSON.stringify(all)}\n`);
rmSync(folder, { recursive: true });
process.stdout.write(`tests: ${all.passed} passed, ${all.failed} failed, ${all.skipped} skipped\n`);
if (results.includes(false)) process.exitCode = 1;
