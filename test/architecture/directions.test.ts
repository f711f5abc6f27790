import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, ringsOf, wrongWay } from './imports.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The rows of "Where things are" in CONTRIBUTING.md: a folder, what it holds, what it may import. */
const ROW = /^\| `(\w+)\/` +\|[^|]*\| ([^|]+?) +\|$/gm;

/** Null: everything. */
const ALLOWED: ReadonlyMap<string, readonly string[] | null> = new Map(
  Array.from(readFileSync(`${ROOT}CONTRIBUTING.md`, 'utf8').matchAll(ROW), ([, folder = '', may = '']) => [
    folder,
    may === 'everything' ? null : may === 'nothing' ? [] : may.split(', '),
  ]),
);

describe('the folders of CONTRIBUTING.md', () => {
  it('are all that hold modules', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map(({ name }) => name)
      .filter((name) =>
        readdirSync(ROOT + name, { recursive: true }).some((file) => /\.(?:ts|mjs)$/.test(String(file))),
      );
    expect(folders.toSorted()).toEqual([...ALLOWED.keys()].toSorted());
  });

  it('name only folders', () => {
    const named = [...ALLOWED.values()].flatMap((may) => may ?? []);
    expect([...ALLOWED.keys()]).toEqual(expect.arrayContaining([...new Set(named)]));
  });

  it('import in the directions of the table', () => {
    const imports = importsOf(ROOT, [...ALLOWED.keys()]);
    expect(imports.length).toBeGreaterThan(2000);
    expect(wrongWay(imports, ALLOWED)).toEqual([]);
  });

  it('hold no rings: neither they nor the folders in them', () => {
    const folders = [...ALLOWED.keys()].filter((folder) => folder !== 'test');
    expect(ringsOf(importsOf(ROOT, folders))).toEqual([]);
  });
});

describe('the check itself', () => {
  it('finds a ring of three folders, with the imports that make it', () => {
    const ring = [
      { from: 'a/x.ts', to: 'a/b/y.ts' },
      { from: 'a/b/z.ts', to: 'c/w.ts' },
      { from: 'c/v.ts', to: 'a/u.ts' },
    ];
    const line = { from: 'd/x.ts', to: 'a/x.ts' };
    expect(ringsOf([line, ...ring])).toEqual([['a/x.ts -> a/b/y.ts', 'a/b/z.ts -> c/w.ts', 'c/v.ts -> a/u.ts']]);
    expect(ringsOf([line, ...ring.slice(1)])).toEqual([]);
  });

  it('finds an import against the table, of a type as well', () => {
    const allowed = new Map([
      ['a', ['b']],
      ['b', []],
    ]);
    const imports = [
      { from: 'a/x.ts', to: 'b/y.ts' },
      { from: 'b/y.ts', to: 'a/x.ts' },
    ];
    expect(wrongWay(imports, allowed)).toEqual(['b/y.ts -> a/x.ts']);
  });
});
