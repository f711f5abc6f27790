import { accessSync, constants, existsSync, readdirSync, statSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { FolderFacts } from '../../ports/desk-probe.ts';

/** The mode bits of everybody but the owner. */
const OTHERS = 0o077;
const PERMISSIONS = 0o777;

/** The data folder and its disk as they are. Changes nothing. */
export function folderFacts(path: string): FolderFacts {
  const exists = existsSync(path);
  const nearest = nearestExisting(resolve(path));
  const { bavail, bsize } = statfsSync(nearest);
  const unwritable = whyUnwritable(nearest);
  return {
    path,
    exists,
    unwritable,
    freeBytes: bavail * bsize,
    openToOthers: exists && unwritable === null ? openToOthers(path) : [],
  };
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

function whyUnwritable(path: string): string | null {
  if (!statSync(path).isDirectory()) return `${path} is a file`;
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** The folder, and what lies in it. */
function openToOthers(folder: string): readonly string[] {
  const named = [['.', folder], ...readdirSync(folder).map((name) => [name, join(folder, name)] as const)] as const;
  return named.flatMap(([name, path]) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & OTHERS) === 0) return [];
    return [`${name === '.' ? folder : name} (0${(found.mode & PERMISSIONS).toString(8)})`];
  });
}
