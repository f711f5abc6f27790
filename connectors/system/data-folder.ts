/**
 * The data folder and its files are readable by their owner only, since they hold what a desk trades: they are created so whatever the umask,
 * and existing ones are tightened when they are opened for writing. The start of a simulated market is kept there as well.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { diskError } from './disk-errors.ts';

const OWNER_FOLDER = 0o700;
const OWNER_FILE = 0o600;
const OTHERS = 0o077;

/** The mode bit of shared folders such as /tmp. */
const STICKY = 0o1000;

/** Files by which a folder is recognised as this program's, with or without the name of a desk as prefix. */
const OWN_FILE = /^(?:[\w-]+\.)?(?:log\.sqlite|paper-exchange\.sqlite|locks)$/;

/** Suffixes of the files that SQLite keeps next to a database. */
const COMPANIONS = ['-wal', '-shm'];

/**
 * Creates the data folder if there is none. An existing folder that is open to others is tightened if it is empty or this program's. Any other
 * folder is left as it is, and only the files in it are closed to others.
 */
export function makeDataFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: OWNER_FOLDER });
  if (first !== undefined) syncNames(resolve(first), resolve(folder));
  const { mode } = statSync(folder);
  if ((mode & OTHERS) === 0 || (mode & STICKY) !== 0) return;
  const names = readdirSync(folder);
  if (names.length === 0 || names.some((name) => OWN_FILE.test(name))) tighten(folder, OWNER_FOLDER);
}

/** Syncs the names of new folders, each in the one above it: SQLite does so for its files, and a file that is synced in a lost folder is lost. */
function syncNames(first: string, last: string): void {
  for (let made = last; ; made = dirname(made)) {
    const above = openSync(dirname(made), 'r');
    try {
      fsyncSync(above);
    } finally {
      closeSync(above);
    }
    if (made === first || made === dirname(made)) return;
  }
}

/** To be called before SQLite opens `path` for writing, which gives its other files the mode of that one. */
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
    // It belongs to somebody else, who decides who may read it. Whether it can be written to shows next.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
  }
}

const ORIGIN_FILE = z.object({ origin: z.int().positive() });

/**
 * The time at which a desk's simulated market began: `now` at its first start, and the same time ever after, so that a restart goes on where
 * the prices would be by now. Throws LOG_UNREADABLE where the file holds anything else.
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
