import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { invocationOf, userFolder } from '../../../connectors/system/invocation.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

/** A file in a new folder, with what lies around it. */
function fileIn(folder: string, path: string, text = ''): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** A shell that has a Node, and no harvestline. */
function plainShell(folder: string): { readonly path: string; readonly node: string } {
  const node = fileIn(folder, 'usr/bin/node');
  return { path: `${dirname(node)}:/nowhere`, node };
}

describe('the word that starts the program again', () => {
  const place = temporaryFolder();
  afterAll(() => place.remove());
  const root = realpathSync(place.path);
  const shell = plainShell(root);
  const launcher = fileIn(root, 'src/checkout/bin/harvestline.mjs');
  fileIn(root, 'src/checkout/package.json', '{}');
  mkdirSync(join(root, 'src/checkout/docs/deep'), { recursive: true });
  mkdirSync(join(root, 'elsewhere'));

  it.each([
    ['in a checkout', 'src/checkout', 'npx harvestline'],
    ['in a folder of it', 'src/checkout/docs/deep', 'npx harvestline'],
    ['elsewhere, where npx would ask the registry', 'elsewhere', launcher],
    ['above it', 'src', launcher],
  ])('%s', (_where, folder, called) => {
    expect(invocationOf({ ...shell, launcher, folder: join(root, folder) })).toBe(called);
  });

  it('is a path that a shell takes for one word, behind a Node where the shell has none', () => {
    const spaced = fileIn(root, "a desk's/bin/harvestline.mjs");
    const own = { launcher: spaced, folder: root, node: '/opt/node' };
    expect(invocationOf({ ...own, path: shell.path })).toBe(`'${root}/a desk'\\''s/bin/harvestline.mjs'`);
    expect(invocationOf({ ...own, path: '/nowhere' })).toMatch(/^\/opt\/node '/);
  });

  it('is harvestline where the shell finds this program by that name, and only then', () => {
    const linked = join(root, 'usr/local/bin/harvestline');
    mkdirSync(dirname(linked), { recursive: true });
    symlinkSync(launcher, linked);
    const own = { ...shell, launcher, folder: join(root, 'elsewhere') };
    expect(invocationOf({ ...own, path: `${shell.path}:${dirname(linked)}` })).toBe('harvestline');
    // Another program of that name comes first.
    const other = dirname(fileIn(root, 'other/harvestline'));
    expect(invocationOf({ ...own, path: `${other}:${dirname(linked)}:${shell.path}` })).toBe(launcher);
  });

  it("is npx in a project that has it among its packages, though npm put it on this process's PATH", () => {
    const installed = fileIn(root, 'project/node_modules/@harvestline/harvestline/bin/harvestline.mjs');
    const bin = join(root, 'project/node_modules/.bin');
    mkdirSync(bin);
    symlinkSync(installed, join(bin, 'harvestline'));
    const own = { ...shell, launcher: installed, path: `${bin}:${shell.path}` };
    expect(invocationOf({ ...own, folder: join(root, 'project') })).toBe('npx harvestline');
    expect(invocationOf({ ...own, folder: join(root, 'elsewhere') })).toBe(installed);
  });

  it.each([
    ['a package of the registry', '@harvestline/harvestline@0.1.0', 'npx @harvestline/harvestline@0.1.0'],
    ['a tarball, wherever the user goes next', './harvestline.tgz', `npx file:${root}/elsewhere/harvestline.tgz`],
    ['a tarball that is gone', './gone.tgz', null],
  ])('is what npx was given, where it runs from the cache of npx: %s', (_what, spec, called) => {
    fileIn(root, 'elsewhere/harvestline.tgz');
    const cached = fileIn(root, '.npm/_npx/0a1b/node_modules/@harvestline/harvestline/bin/harvestline.mjs');
    fileIn(root, '.npm/_npx/0a1b/package.json', JSON.stringify({ _npx: { packages: [spec] } }));
    expect(invocationOf({ ...shell, launcher: cached, folder: join(root, 'elsewhere') })).toBe(called ?? cached);
  });
});

describe('where the user stands', () => {
  it('is not where `npm start` runs', () => {
    expect(userFolder({ npm_lifecycle_event: 'start', INIT_CWD: '/home/a' }, '/src')).toBe('/home/a');
    expect(userFolder({ npm_lifecycle_event: 'test', INIT_CWD: '/home/a' }, '/src')).toBe('/src');
    expect(userFolder({}, '/src')).toBe('/src');
  });
});
