import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { makeDataFolder } from './data-folder.ts';
import { diskError } from './disk-errors.ts';

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
