import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock.ts';

/**
 * The processes of a broker folder, known by their pid files.
 *
 * BRK-3  A process is ours when the pid of its pid file is alive and its command line carries this folder's mark. Nothing
 *     else is ever signalled: after a reboot the same pid may be anybody's.
 * BRK-4  A process outlives the program that started it; whoever knows the folder can look after it and stop it.
 */
export type ServerName = 'kafka' | 'registry';

/** How often a process that was told to end is looked at. Unit: milliseconds. */
const POLL_MS = 50;

/** Starts `java` in the background, its output in the log file (the one before is kept as `.log.1`). Returns its pid. */
export function launch(folder: string, name: ServerName, java: string, args: readonly string[]): number {
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const log = logFile(folder, name);
  if (existsSync(log)) renameSync(log, `${log}.1`);
  const output = openSync(log, 'w');
  try {
    const child = spawn(java, [markOf(folder, name), ...args], {
      cwd: folder,
      // A group of its own, so that Ctrl-C in a terminal reaches only the program that stops it in order.
      detached: true,
      stdio: ['ignore', output, output],
    });
    // A missing program is reported here; the pid stays undefined, which the caller is told below.
    child.on('error', () => undefined);
    child.unref();
    if (child.pid === undefined) throw new Error(`${java} could not be started`);
    writeFileSync(pidFile(folder, name), `${child.pid}\n`);
    return child.pid;
  } finally {
    closeSync(output);
  }
}

/** The pid of that server of the folder, or null when it does not run (BRK-3). */
export function runningPid(folder: string, name: ServerName): number | null {
  const file = pidFile(folder, name);
  if (!existsSync(file)) return null;
  const pid = Number(readFileSync(file, 'utf8'));
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return commandLineOf(pid).includes(markOf(folder, name)) ? pid : null;
}

/** Sends a signal; false when the server does not run. */
export function sendSignal(
  folder: string,
  name: ServerName,
  kind: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT',
): boolean {
  const pid = runningPid(folder, name);
  if (pid === null) return false;
  try {
    process.kill(pid, kind);
    return true;
  } catch {
    // It ended in between.
    return false;
  }
}

/** Ends a server in order, and by force after `graceMs`. Says how it went. */
export async function terminate(
  folder: string,
  name: ServerName,
  graceMs: number,
  clock: Clock,
): Promise<'was not running' | 'stopped' | 'killed'> {
  const pid = runningPid(folder, name);
  if (pid === null || !sendSignal(folder, name, 'SIGTERM')) return 'was not running';
  const ended = await hasEnded(pid, graceMs, clock);
  if (!ended) await kill(folder, name, clock);
  rmSync(pidFile(folder, name), { force: true });
  return ended ? 'stopped' : 'killed';
}

/** kill -9, and waits until the process is gone and its ports with it. The pid file stays, as after a crash. */
export async function kill(folder: string, name: ServerName, clock: Clock): Promise<void> {
  const pid = runningPid(folder, name);
  if (pid !== null && sendSignal(folder, name, 'SIGKILL')) await hasEnded(pid, Infinity, clock);
}

async function hasEnded(pid: number, graceMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.now() + graceMs;
  while (!isGone(pid)) {
    if (clock.now() >= deadline) return false;
    await clock.sleep(POLL_MS);
  }
  return true;
}

/**
 * A killed process loses its command line before its sockets, so that the one says nothing about the other. They are
 * closed once it was reaped, or is a zombie without threads that nobody reaps.
 */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (!existsSync('/proc/self/stat')) return false;
    const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    return state === 'Z' && readdirSync(`/proc/${pid}/task`).length === 1;
  } catch {
    return true;
  }
}

export function logFile(folder: string, name: ServerName): string {
  return join(folder, 'logs', `${name}.log`);
}

/** The last lines of its log, or none. */
export function lastLogLines(folder: string, name: ServerName, count: number): readonly string[] {
  const file = logFile(folder, name);
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count) : [];
}

function pidFile(folder: string, name: ServerName): string {
  return join(folder, `${name}.pid`);
}

/** A system property that no other Java process has. */
function markOf(folder: string, name: ServerName): string {
  return `-Dharvestline.server=${name}@${folder}`;
}

/** Empty for a process that is gone, or a zombie. */
function commandLineOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
