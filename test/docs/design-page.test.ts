import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('DESIGN.md and CONTRIBUTING.md name only what is there', () => {
  const texts = ['DESIGN.md', 'CONTRIBUTING.md'].map((name) => readFileSync(ROOT + name, 'utf8')).join('\n');

  it('files', () => {
    const files = new Set(
      readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
        .filter((path) => !/(^|\/)(node_modules|\.git)\//.test(path))
        .map((path) => path.replace(/^.*\//, '')),
    );
    const named = Array.from(texts.matchAll(/`(?:[\w./-]+\/)?([\w-][\w.-]*\.(?:ts|mjs))`/g), ([, name = '']) => name);
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((name) => !files.has(name))).toEqual([]);
  });

  it('scripts', () => {
    const named = Array.from(texts.matchAll(/npm run ([\w:]+)/g), ([, name = '']) => name);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !Object.hasOwn(packageJson.scripts, name))).toEqual([]);
  });
});
