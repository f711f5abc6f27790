/**
 * The data folder and its files are their owner's alone: they hold what a desk trades. What is made here is made so, whatever umask the
 * caller has; what an earlier version made is tightened when it is opened for writing.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { diskError } from './disk-errors.ts';

const OWNER_FOLDER = 0o700;
const OWNER_FILE = 0o600;
const OTHERS = 0o077;

/** Stands in a folder that others share, such as /tmp. */
const STICKY = 0o1000;

/** By these a folder is known as one of this program's; a desk with a name has it before them. */
const OWN_FILE = /^(?:[\w-]+\.)?(?:log\.sqlite|paper-exchange\.sqlite|locks)$/;

/** SQLite's files beside its own. */
const COMPANIONS = ['-wal', '-shm'];

/**
 * Makes a folder for data where there is none. One that is there and wider is tightened where it is empty or this program's; another's
 * is left as it is: its files are closed, each by itself.
 */
export function makeDataFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: OWNER_FOLDER });
  const { mode } = statSync(folder);
  if ((mode & OTHERS) === 0 || (mode & STICKY) !== 0) return;
  const names = readdirSync(folder);
  if (names.length === 0 || names.some((name) => OWN_FILE.test(name))) tighten(folder, OWNER_FOLDER);
}

/** Before SQLite opens `path` for writing: its companions get the mode of the file. */
export function closeToOthers(path: string): void {
  closeSync(openSync(path, 'a', OWNER_FILE));
  for (const file of [path, ...COMPANIONS.map((end) => join(dirname(path), `${basename(path)}${end}`))]) {
    if (existsSync(file) && (statSync(file).mode & OTHERS) !== 0) tighten(file, OWNER_FILE);
  }
}

function tighten(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    // Somebody else's: they decide who may read it, and whether it can be written to is found out next.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
  }
}

const ORIGIN_FILE = z.object({ origin: z.int().positive() });

/**
 * When the desk's market began: `now` at its first start, and the same ever after, so that a restart goes on where the prices
 * would be by now. Kept in the data folder. Throws LOG_UNREADABLE for a file that is not ours.
 */
export function originOf(dataDir: string, desk: string, now: EpochMillis): EpochMillis {
  const file = join(dataDir, `${desk}.json`);
  makeDataFolder(dataDir);
  try {
    writeFileSync(file, JSON.stringify({ origin: now }), { flag: 'wx', mode: 0o600 });
    return now;
  } catch (thrown) {
    const isThere = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
    if (!isThere) throw diskError(file, thrown);
  }
  try {
    return ORIGIN_FILE.parse(JSON.parse(readFileSync(file, 'utf8'))).origin;
  } catch (cause) {
    throw new HarvestlineError('LOG_UNREADABLE', `holds no start of a market: ${messageOf(cause)}`, {
      at: { file },
      cause,
    });
  }
}
