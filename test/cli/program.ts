import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHER = fileURLToPath(new URL('../../bin/harvestline.mjs', import.meta.url));

/** The program as a child process, with what it printed so far. */
export interface RunningProgram {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves once standard output holds `count` lines, or the process has ended. */
  lines(count: number): Promise<void>;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** What the program is started with, before its own arguments: Node and the launcher, unless npx is to do it. */
interface Starter {
  readonly command: string;
  readonly args: readonly string[];
}

const DIRECTLY: Starter = { command: process.execPath, args: [LAUNCHER] };

/** Starts `harvestline ARGUMENTS`. Settings of the caller's own environment do not leak in; `added` are. */
export function startProgram(
  args: readonly string[],
  starter: Starter = DIRECTLY,
  input = '',
  cwd = ROOT,
  added: Readonly<Record<string, string>> = {},
): RunningProgram {
  const { HARVESTLINE_DATA: _data, HARVESTLINE_DESK: _desk, KAFKA_BROKERS: _brokers, ...plain } = process.env;
  // vitest asks its workers for colours where its own output has them, as in a build.
  const { CI: _ci, FORCE_COLOR: _force, NO_COLOR: _no, ...env } = plain;
  const child = spawn(starter.command, [...starter.args, ...args], {
    cwd,
    env: { ...env, ...added },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}).end(input);
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals | null);
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    lines: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (stdout.split('\n').length <= count) return;
          child.stdout.off('data', look);
          resolve();
        };
        child.stdout.on('data', look);
        child.once('close', () => resolve());
        look();
      }),
  };
}

/** Runs it to its end. */
export async function runProgram(
  args: readonly string[],
  input = '',
  cwd = ROOT,
  added: Readonly<Record<string, string>> = {},
): Promise<{ code: number | NodeJS.Signals | null; stdout: string; stderr: string }> {
  const program = startProgram(args, DIRECTLY, input, cwd, added);
  const code = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}
