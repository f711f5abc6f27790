/** A copy of the tree to run a mutant in: what the simulator is made of, and the installed packages by a link. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Files and folders that the simulator needs. */
const COPIED = [
  'cli',
  'connectors',
  'errors',
  'packages',
  'pipelines',
  'ports',
  'render',
  'schemas',
  'test',
  'package.json',
];

/** Calls `work` with the folder of a copy that has the mutant in it, and removes the copy. */
export async function withMutant<T>(mutant: Mutant, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'harvestline-mutant-'));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const file = join(folder, mutant.file);
    writeFileSync(file, mutated(readFileSync(file, 'utf8'), mutant));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The source with the mutant in it. Throws where it has no place for it, or more than one (SIM-61). */
export function mutated(source: string, { name, file, find, replace }: Mutant): string {
  const [before, after, ...others] = source.split(find);
  if (before === undefined || after === undefined || others.length > 0)
    throw new RangeError(`${name}: what it replaces does not occur once in ${file}`);
  return before + replace + after;
}
