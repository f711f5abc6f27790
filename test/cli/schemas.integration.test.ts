import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const TOPIC = TOPICS.tradeClosed.name;

/** Runs `schemas check` in a process of its own, with its output in a pipe. */
function schemasCheck(...options: readonly string[]) {
  const script = `
    const { schemasCommand } = await import(${JSON.stringify(join(ROOT, 'cli/schemas.ts'))});
    await schemasCommand().parseAsync(process.argv.slice(1), { from: 'user' });
  `;
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script, '--', 'check', ...options], {
    encoding: 'utf8',
  });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}

function jsonLines(text: string): readonly unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function isProblem(line: unknown): boolean {
  return typeof line === 'object' && line !== null && 'level' in line && line.level === 'problem';
}

test('in a pipe it ends with a summary line, and exits 0 without a problem', () => {
  const { status, stdout, stderr } = schemasCheck();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(jsonLines(stdout).at(-1)).toMatchObject({
    level: 'summary',
    topics: Object.keys(TOPICS).length,
    problems: 0,
  });
});

test('--dir checks another folder; one finding a line, and exit 1 for a problem', () => {
  const folder = folderForTest();
  cpSync(join(ROOT, 'schemas'), folder, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  const file = join(folder, `${TOPIC}.avsc`);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"name": "exit_price"', '"name": "close_price"'));
  const { status, stdout } = schemasCheck('--json', '--dir', folder);
  expect(status).toBe(1);
  const lines = jsonLines(stdout);
  // The versions that are released: none of them goes with it.
  const versions = readdirSync(join(ROOT, 'schemas', 'released', TOPIC)).map((_, index) => index + 1);
  expect(lines.filter((line) => isProblem(line))).toMatchObject(
    versions.flatMap((version) => [
      { topic: TOPIC, path: 'close_price', version, direction: 'new reader, old data' },
      { topic: TOPIC, path: 'exit_price', version, direction: 'old reader, new data' },
    ]),
  );
  expect(lines).toContainEqual(expect.objectContaining({ level: 'info', topic: TOPIC, rule: 'release' }));
  expect(lines.at(-1)).toMatchObject({ level: 'summary', problems: 2 * versions.length });
});

test('--help shows examples and the exit codes', () => {
  const { status, stdout } = schemasCheck('--help');
  expect(status).toBe(0);
  expect(stdout).toContain('$ harvestline schemas check --dir ../schemas');
  expect(stdout).toContain('Exit codes');
});
