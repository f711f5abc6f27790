import type { FolderFacts } from '../../ports/desk-probe.ts';
import { shellWord } from '../../render/output.ts';
import { type Check, fine, trouble } from './check.ts';

/** The paper book, the locks and a quiet day of the embedded log need less. Unit: bytes. */
const LEAST_FREE = 256 * 1024 * 1024;

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** The disk of the data folder: it can be written to, has room, and is its owner's alone. */
export function folderCheck(facts: () => FolderFacts): Check {
  return {
    name: 'disk',
    blocks: 'the data folder cannot be used',
    examine: () => {
      const { path, exists, unwritable, freeBytes, openToOthers } = facts();
      const free = freeBytes < GIB ? `${Math.floor(freeBytes / MIB)} MiB` : `${(freeBytes / GIB).toFixed(1)} GiB`;
      if (unwritable !== null)
        return trouble(
          `${path}: ${unwritable}`,
          `chown -R "$(id -un)" ${shellWord(path)}, or another folder with --data`,
        );
      if (freeBytes < LEAST_FREE)
        return trouble(
          `${path}: ${free} free, ${LEAST_FREE / MIB} MiB are needed`,
          'Make room on that disk, or name a folder on another with --data.',
        );
      if (openToOthers.length > 0)
        return trouble(`open to others: ${openToOthers.join(', ')}`, `chmod -R go= ${shellWord(path)}`);
      return fine(exists ? `${path}: writable, its owner's alone, ${free} free` : `${path}: to be made, ${free} free`);
    },
  };
}
