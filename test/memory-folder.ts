import { statfsSync } from 'node:fs';

/** Linux keeps in memory what lies here. */
const FOLDER = '/dev/shm';

/** The files of all tests at a time take a fraction of it. Unit: bytes. */
const ENOUGH = 4 * 1024 ** 3;

/** A folder whose files are in memory, null where there is none or too little of it, as in a container that is given 64 MB. */
export function memoryFolder(): string | null {
  try {
    const { bavail, bsize } = statfsSync(FOLDER);
    return Math.min(bavail * bsize, process.availableMemory()) >= ENOUGH ? FOLDER : null;
  } catch {
    return null;
  }
}
