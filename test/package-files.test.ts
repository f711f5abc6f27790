import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import packageJson from '../package.json' with { type: 'json' };
import { TOPICS } from '../schemas/topics.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(ROOT + path, 'utf8');

/** What `npm pack` would put into the package. */
const PACK = z.tuple([z.object({ unpackedSize: z.number(), files: z.array(z.object({ path: z.string() })) })]);
const [packed] = PACK.parse(
  JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: ROOT, encoding: 'utf8' })),
);
const files = packed.files.map(({ path }) => path).toSorted();

/** Every way in which a module of the program names another, or a file beside it; types count, since the package's sources are to be read. */
const SPECIFIER = /(?:\bfrom |\bimport\(|^import |new URL\()'(\.[^'\n]+|[\w-]+\.ts)'/gm;

/** The launcher, and everything that can be reached from it. */
function reachable(): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    if (!/\.(?:ts|mjs)$/.test(path)) return;
    for (const [, specifier = ''] of read(path).matchAll(SPECIFIER)) {
      const target = posix.join(posix.dirname(path), specifier);
      if (/\.\w+$/.test(target)) visit(target);
    }
  };
  visit(packageJson.bin.harvestline);
  return found;
}

/** What npm packs always. */
const OF_NPM = ['LICENSE', 'README.md', 'package.json'];

/** Files that are read by a name that is put together. */
const SCHEMAS = Object.values(TOPICS).map(({ name }) => `schemas/${name}.avsc`);
const isRelease = (path: string): boolean => /^schemas\/released\/[\w.]+\/v\d+\.avsc$/.test(path);

/** Modules that nothing in the package calls: for docs/, and what is not wired yet. */
const isUncalled = (path: string): boolean =>
  path === 'pipelines/desk/kafka-rights.ts' || path.startsWith('pipelines/notify/');

/** What the HTTP server hands to browsers, whatever they ask for. */
const isServed = (path: string): boolean => /^connectors\/http\/page\/.*\.(?:html|css|js|svg)$/.test(path);

/** Packages that no module imports: the page loads them in the browser, or is about to. */
const OF_THE_PAGE = ['fastify', 'lit-html', 'uplot'];

/** For the editors of those who write policies. */
const FOR_EDITORS = ['pipelines/scoring/policy.schema.json'];

describe('the package', () => {
  const needed = new Set([...reachable(), ...OF_NPM, ...SCHEMAS, ...FOR_EDITORS]);

  it('has every file that the program needs', () => {
    expect(needed.size).toBeGreaterThan(300);
    expect([...needed].filter((path) => !files.includes(path) && !path.startsWith('../'))).toEqual([]);
    expect(files.filter(isRelease).length).toBeGreaterThanOrEqual(SCHEMAS.length);
  });

  it('has no other file: no tests, no tools, nothing of this machine', () => {
    expect(
      files.filter((path) => !needed.has(path) && !isRelease(path) && !isServed(path) && !isUncalled(path)),
    ).toEqual([]);
  });

  it('depends on every package that its modules import, and on no other', () => {
    const imported = files
      .filter((path) => /\.(?:ts|mjs)$/.test(path))
      .flatMap((path) =>
        Array.from(
          read(path).matchAll(/(?:\bfrom |\bimport\()'((?:@[\w-]+\/)?[\w.-]+)[^'\n]*'/g),
          ([, name = '']) => name,
        ),
      )
      .filter((name) => !name.startsWith('.') && name !== 'node');
    const unused = Object.keys(packageJson.dependencies).filter((name) => !imported.includes(name));
    expect(imported.filter((name) => !(name in packageJson.dependencies))).toEqual([]);
    expect(unused.filter((name) => !OF_THE_PAGE.includes(name))).toEqual([]);
  });

  it('is small', () => {
    expect(packed.unpackedSize).toBeLessThan(5_000_000);
  });
});
