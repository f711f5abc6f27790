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
 * The processes of a broker folder, found by their pid files.
 *
 * BRK-3  Only processes of the folder are signalled: those whose pid file has a running pid with the folder's mark in its command line. After
 *        a reboot the same pid may belong to anybody.
 * BRK-4  A process outlives the program that started it. Any program that knows the folder can watch and stop it.
 */
export type ServerName = 'kafka' | 'registry';

/** How often the end of a process is checked. Unit: milliseconds. */
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
      // A process group of its own: Ctrl-C in a terminal reaches only the program that started it, which then stops it in order.
      detached: true,
      stdio: ['ignore', output, output],
    });
    // For a missing program. The undefined pid is reported below.
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
    // It has ended meanwhile.
    return false;
  }
}

/** Ends a server in order, and by force after `graceMs`. Returns which of them. */
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
 * True once the sockets of a killed process are closed, which is later than its command line disappears: once it was reaped, or is a zombie
 * without threads.
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

/** The mark of a server: a system property that no other Java process has. */
function markOf(folder: string, name: ServerName): string {
  return `-Dharvestline.server=${name}@${folder}`;
}

/** The command line of a process; empty where it has ended or is a zombie. */
function commandLineOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
