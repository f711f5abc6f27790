import { isDeepStrictEqual } from 'node:util';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { RandomStream } from '../../../ports/random.ts';
import { type Step, performStep, stateOf } from './log-history.ts';

/** The disk of a log, which is filled and emptied meanwhile. */
export interface DiskOfLog {
  /** Leaves room for about so much more. Unit: bytes. */
  fill(log: EmbeddedLog, bytesLeft: number): void;
  makeRoom(log: EmbeddedLog): void;
}

/** Room for a few steps. Unit: bytes. */
const MOST_LEFT = 25_000;

/**
 * Does the steps on a log while its disk fills up and has room again at any time. Each is acknowledged, and then all of it is there, or refused
 * with DISK_FULL, and then nothing of it is; the steps after it go on. Returns the steps that were
 * refused.
 */
export async function workThroughFullDisk(
  folder: string,
  disk: DiskOfLog,
  steps: readonly Step[],
  random: RandomStream,
): Promise<readonly Step['kind'][]> {
  const refused: Step['kind'][] = [];
  const log = EmbeddedLog.open(folder, new SystemClock());
  // Checkpoints meet a full disk as well.
  log.database.exec('PRAGMA wal_autocheckpoint = 20');
  let world = await stateOf(log);
  for (const step of steps) {
    const change = random.integer(0, 4);
    if (change < 2) disk.fill(log, random.integer(0, MOST_LEFT));
    if (change === 2) disk.makeRoom(log);
    try {
      world = await performStep(log, step, world);
    } catch (thrown) {
      if (!(thrown instanceof HarvestlineError) || thrown.code !== 'DISK_FULL') throw thrown;
      refused.push(step.kind);
      verify(await stateOf(log), world, `after a ${step.kind} that was refused`);
      if (step.kind !== 'topic') continue;
      // The steps after it need the topic.
      disk.makeRoom(log);
      world = await performStep(log, step, world);
    }
    verify(await stateOf(log), world, `after a ${step.kind}`);
  }
  disk.makeRoom(log);
  await log.close();
  const again = EmbeddedLog.openReadOnly(folder, new SystemClock());
  verify(await stateOf(again), world, 'at the next opening');
  await again.close();
  return refused;
}

function verify(found: unknown, acknowledged: unknown, when: string): void {
  if (isDeepStrictEqual(found, acknowledged)) return;
  throw new Error(`${when} there is ${JSON.stringify(found)}, acknowledged was ${JSON.stringify(acknowledged)}`);
}
