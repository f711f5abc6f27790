import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folderForTest } from './fixtures/temporary-folder.ts';

const OXLINT = fileURLToPath(new URL('../node_modules/oxlint/bin/oxlint', import.meta.url));
const RULES = fileURLToPath(new URL('lint-rules.ts', import.meta.url));

/** The lines of `code` that a rule of ours refuses. */
function refusedLines(rule: string, code: string): readonly number[] {
  const folder = folderForTest();
  const config = {
    jsPlugins: [RULES],
    plugins: [],
    rules: { [`tests/${rule}`]: 'error' },
    categories: { correctness: 'off' },
  };
  writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'a.test.ts'), code);
  const { stdout } = spawnSync(process.execPath, [OXLINT, '--format', 'json'], { cwd: folder, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { labels: { span: { line: number } }[] }[] };
  return diagnostics.flatMap(({ labels }) => labels.map(({ span }) => span.line)).toSorted((a, b) => a - b);
}

describe('the rules against tests that cannot fail', () => {
  it('a RegExp in toMatchObject, at any depth, but not one that a matcher compares', () => {
    const code = [
      'expect(a).toMatchObject({ b: /c/ });',
      'await expect(a).rejects.toMatchObject([{ b: [/c/] }]);',
      "expect(a).toMatchObject({ b: new RegExp('c') });",
      'expect(a).toMatchObject({ b: expect.stringMatching(/c/) });',
      'expect(a).toMatch(/c/);',
    ];
    expect(refusedLines('no-regexp-in-match-object', code.join('\n'))).toEqual([1, 2, 3]);
  });

  it('a branch of a property that asserts, or leaves, without being counted', () => {
    const code = [
      'fc.property(a, (b) => { if (b) expect(b).toBe(1); });',
      'fc.asyncProperty(a, async (b) => { if (b) return; expect(b).toBe(1); });',
      "fc.property(a, (b) => { if (b) { hit('b'); expect(b).toBe(1); } });",
      'fc.property(a, (b) => { fc.pre(b > 1); if (b > 2) return; expect(b).toBe(1); });',
      'fc.property(a, (b) => { if (b) b = 1; expect(b).toBe(1); });',
      'function other(b) { if (b) expect(b).toBe(1); }',
    ];
    expect(refusedLines('counted-branches', code.join('\n'))).toEqual([1, 2]);
  });
});
