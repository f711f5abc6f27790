import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { expect, it, onTestFinished } from 'vitest';
import { receiver } from '../../connectors/notify/received.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { startProgram } from '../program.ts';

/** After so many cycles it is killed; the last of them is around the first held winner. */
const KILLED_AFTER = [15, 9, 6, 3, 8];
/** Enough that the winner is closed. */
const CYCLES_LEFT = 60;
const KEY = 'hmac-key';

async function mailServer(): Promise<{ readonly port: number; readonly subjects: string[] }> {
  const subjects: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        subjects.push(/^Subject: (.*)$/m.exec(text)?.[1]?.trim() ?? '');
        done();
      });
    },
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (listening.address() as AddressInfo).port, subjects };
}

it('the first held winner arrives once at each target, and its end, though dev is killed five times around it', async () => {
  const folder = folderForTest();
  const webhook = await receiver((response) => response.end());
  const telegram = await receiver((response) => response.end('{"ok":true}'));
  const mail = await mailServer();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const notify = file(
    'notify.yaml',
    `targets:
  - { type: webhook, url: "${webhook.url}", secret_file: ${file('hmac', KEY)} }
  - { type: telegram, api_url: "${telegram.url}", token_file: ${file('token', '1:a')}, chat_id: "1" }
  - { type: email, host: 127.0.0.1, port: ${mail.port}, security: none, from: a@example.com, to: b@example.com }
`,
  );
  const dev = (cycles: number) =>
    startProgram([
      'dev',
      '--policy',
      'legacy',
      '--data',
      join(folder, 'data'),
      '--notify',
      notify,
      '--cycles',
      `${cycles}`,
    ]);
  for (const cycles of KILLED_AFTER) {
    const running = dev(1000);
    await running.lines(cycles);
    running.process.kill('SIGKILL');
    await running.ended;
  }
  expect(await dev(CYCLES_LEFT).ended).toBe(0);
  const posted = webhook.received.map(({ body, headers }) => {
    expect(headers['x-harvestline-signature']).toBe(`sha256=${createHmac('sha256', KEY).update(body).digest('hex')}`);
    return JSON.parse(body) as { readonly alert_id: string; readonly name: string; readonly state: string };
  });
  const [first] = posted;
  expect(first).toMatchObject({ name: 'winner_held', state: 'RAISED' });
  expect(posted.filter(({ alert_id: id }) => id === first?.alert_id).map(({ state }) => state)).toEqual([
    'RAISED',
    'CLEARED',
  ]);
  const said = telegram.received.map(({ body }) => (JSON.parse(body) as { readonly text: string }).text);
  expect(said.filter((text) => text.includes(`id ${first?.alert_id}`)).map((text) => text.split('\n')[0])).toEqual([
    '[CRITICAL] winner_held raised',
    '[CRITICAL] winner_held cleared',
  ]);
  expect(mail.subjects.slice(0, 2)).toEqual(['[CRITICAL] winner_held raised', '[CRITICAL] winner_held cleared']);
});
