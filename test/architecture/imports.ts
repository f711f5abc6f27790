/**
 * Which file imports which, and what that makes of their folders. Imports are read as text: types count like values, since whoever reads
 * the one file has to know the other.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix, sep } from 'node:path';

/** One file imports another; both as paths from the root. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** `from '…'`, `import('…')`, `import '…'`, and a file that is started by its name: `new URL('thread.ts', …)`. */
const SPECIFIER = /(?:\bfrom |\bimport\(|^import |new URL\()'([^'\n]+\.(?:ts|mjs))'/gm;

/** Every import between modules of the folders. */
export function importsOf(root: string, folders: readonly string[]): readonly Import[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|mjs)$/.test(name) && !name.includes('node_modules') && !isHidden(name))
      .map((name) => posix.join(folder, name.replaceAll('\\', '/'))),
  );
  const known = new Set(files);
  return files.flatMap((from) =>
    Array.from(readFileSync(join(root, from), 'utf8').matchAll(SPECIFIER), ([, specifier = '']) => ({
      from,
      to: posix.join(posix.dirname(from), specifier),
    })).filter(({ to }) => known.has(to)),
  );
}

/** In a folder such as `.venv`: what tools keep beside the source. */
function isHidden(name: string): boolean {
  return name.split(sep).some((part) => part.startsWith('.'));
}

/** The first folder of a path. */
export function topOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

/**
 * Rings of folders, each as the imports that lead round it: `a/x.ts -> b/y.ts`, `b/z.ts -> a/w.ts`; none only where there is none. A
 * folder is where a file lies, so one inside of another is a folder of its own.
 */
export function ringsOf(imports: readonly Import[]): readonly (readonly string[])[] {
  const next = new Map<string, Map<string, Import>>();
  for (const one of imports) {
    const [from, to] = [posix.dirname(one.from), posix.dirname(one.to)];
    if (from === to) continue;
    const others = next.get(from) ?? new Map<string, Import>();
    if (!others.has(to)) others.set(to, one);
    next.set(from, others);
  }
  const rings: string[][] = [];
  const done = new Set<string>();
  const walk = (folder: string, way: readonly { readonly folder: string; readonly by: Import }[]): void => {
    const start = way.findIndex((step) => step.folder === folder);
    if (start !== -1) {
      rings.push(way.slice(start).map(({ by }) => `${by.from} -> ${by.to}`));
      return;
    }
    if (done.has(folder)) return;
    for (const [to, by] of next.get(folder) ?? []) walk(to, [...way, { folder, by }]);
    done.add(folder);
  };
  for (const folder of next.keys()) walk(folder, []);
  return rings;
}

/** Imports that the table does not allow; `allowed` by top folder, null for everything. */
export function wrongWay(
  imports: readonly Import[],
  allowed: ReadonlyMap<string, readonly string[] | null>,
): readonly string[] {
  return imports
    .filter(({ from, to }) => {
      const [own, other] = [topOf(from), topOf(to)];
      const may = allowed.get(own) ?? null;
      return own !== other && may !== null && !may.includes(other);
    })
    .map(({ from, to }) => `${from} -> ${to}`);
}
