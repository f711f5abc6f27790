import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('every generated document, and the JSON Schema of policies for editors, is that of the program', () => {
  const script = join(import.meta.dirname, '../../docs/generate-docs.ts');
  const run = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(run).toMatchObject({ status: 0, stderr: '' });
});
