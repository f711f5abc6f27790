import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { programFor } from '../../cli/main.ts';
import { readNotifyFile } from '../../connectors/notify/notify-file.ts';
import { receiver } from '../connectors/notify/received.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';

/** Runs `notify test` on a file with these targets, and returns its lines with the exit code. */
async function notifyTest(targets: readonly string[], ...flags: readonly string[]) {
  const file = join(folderForTest(), 'notify.yaml');
  writeFileSync(file, `targets: [${targets.join(', ')}]\n`);
  let text = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    text += String(chunk);
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  });
  const before = process.exitCode;
  onTestFinished(() => {
    process.exitCode = before;
  });
  process.exitCode = 0;
  try {
    const program = await programFor('notify');
    await program.parseAsync(['notify', 'test', '--notify', file, ...flags], { from: 'user' });
  } finally {
    written.mockRestore();
  }
  const results = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
  return { results, code: process.exitCode };
}

describe('notify test', () => {
  it('sends one message to every target, and says who took it', async () => {
    const good = await receiver((response) => response.end('ok'));
    const bad = await receiver((response) => response.writeHead(403).end('who are you?'));
    const { results, code } = await notifyTest(
      [
        `{ type: webhook, url: "${good.url}", from_severity: CRITICAL }`,
        `{ type: slack, url: "${bad.url}" }`,
        `{ type: heartbeat, url: "${good.url}/beat" }`,
      ],
      '--desk',
      'tokyo',
    );
    expect(results).toEqual([
      { target: 'webhook', result: 'taken', why: null },
      { target: 'slack', result: 'refused', why: 'answered 403: who are you?' },
      { target: 'heartbeat', result: 'taken', why: null },
    ]);
    expect(code).toBe(1);
    expect(good.received.map(({ path }) => path).toSorted()).toEqual(['/', '/beat']);
    const message = good.received.find(({ path }) => path === '/');
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ name: 'notify_test', severity: 'INFO', desk: 'tokyo' });
  });

  it('exits with 0 where all took it', async () => {
    const { url } = await receiver((response) => response.end());
    expect((await notifyTest([`{ type: webhook, url: "${url}" }`])).code).toBe(0);
  });

  it('calls what is not there unavailable, without its address', async () => {
    const { results } = await notifyTest(['{ type: webhook, url: "http://127.0.0.1:1/hidden" }']);
    expect(results).toMatchObject([{ result: 'unavailable' }]);
    expect(JSON.stringify(results)).not.toContain('hidden');
  });
});

describe('examples/notify.yaml', () => {
  it('is a whole file of targets', () => {
    const folder = folderForTest();
    const text = readFileSync(new URL('../../examples/notify.yaml', import.meta.url), 'utf8');
    const secrets = [...text.matchAll(/\/run\/secrets\/([\w-]+)/g)].map(([, name = '']) => name);
    for (const name of secrets) writeFileSync(join(folder, name), 'https://example.com/secret', { mode: 0o600 });
    const file = join(folder, 'notify.yaml');
    writeFileSync(file, text.replaceAll('/run/secrets', folder));
    const { targets, heartbeats, quietHours } = readNotifyFile(file);
    expect(targets.map(({ target }) => target.name)).toEqual(['webhook', 'traders', 'telegram', 'email']);
    expect(heartbeats).toHaveLength(1);
    expect(quietHours).not.toBeNull();
  });
});
