/** Works through several histories on a small file system of its own, which it fills, and prints the kinds of steps that were refused. */
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { plannedSteps } from './log-history.ts';
import { type DiskOfLog, workThroughFullDisk } from './through-a-full-disk.ts';

const STEPS = 60;

/** The rest of the disk is taken by another file. */
function diskOf(mount: string): DiskOfLog {
  const other = join(mount, 'other');
  return {
    fill: (_, bytesLeft) => {
      rmSync(other, { force: true });
      const { bavail, bsize } = statfsSync(mount);
      writeFileSync(other, Buffer.alloc(Math.max(0, bavail * bsize - bytesLeft)));
    },
    makeRoom: () => rmSync(other, { force: true }),
  };
}

const [mount, ...seeds] = process.argv.slice(2);
if (import.meta.main && mount !== undefined) {
  for (const seed of seeds.map(Number)) {
    const random = new SeededRandom(seed);
    const folder = join(mount, String(seed));
    mkdirSync(folder);
    const steps = plannedSteps(random.stream('steps'), STEPS);
    for (const kind of await workThroughFullDisk(folder, diskOf(mount), steps, random.stream('disk')))
      process.stdout.write(`${kind}\n`);
    rmSync(folder, { recursive: true });
  }
}
