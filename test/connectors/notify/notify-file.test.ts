import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNotifyFile } from '../../../connectors/notify/notify-file.ts';
import { redactor } from '../../../connectors/system/redactor.ts';
import { troubleOf } from '../../../pipelines/doctor/check.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { failureOf, thrownBy } from '../../fixtures/thrown-by.ts';

function fileWith(text: string, secrets: Readonly<Record<string, string>> = {}): string {
  const folder = folderForTest();
  for (const [name, secret] of Object.entries(secrets)) writeFileSync(join(folder, name), secret, { mode: 0o600 });
  const file = join(folder, 'notify.yaml');
  writeFileSync(file, text.replaceAll('FOLDER', folder));
  return file;
}

describe('a notify file', () => {
  it('names targets by their types, and takes secrets from files', () => {
    const { targets, heartbeats, quietHours, remindAfterMs } = readNotifyFile(
      fileWith(
        `
targets:
  - { type: webhook, url: "http://127.0.0.1:1/a", secret_file: FOLDER/hmac }
  - { type: webhook, url: "http://127.0.0.1:1/b", from_severity: CRITICAL }
  - { type: slack, name: traders, url_file: FOLDER/slack }
  - { type: telegram, token_file: FOLDER/token, chat_id: -100123 }
  - { type: email, host: mail.example.com, user: desk, password_file: FOLDER/hmac, from: desk@example.com, to: ana@example.com }
  - { type: heartbeat, url: "https://hc.example.com/uuid", every_seconds: 30 }
quiet_hours: { from: "22:00", to: "07:00", time_zone: Europe/Berlin }
remind_after_minutes: 60
`,
        { hmac: 'key\n', slack: 'https://hooks.example.com/T/B/x\n', token: '123:abc' },
      ),
    );
    expect(targets.map(({ target, fromSeverity }) => `${target.name} ${fromSeverity}`)).toEqual([
      'webhook INFO',
      'webhook-2 CRITICAL',
      'traders INFO',
      'telegram INFO',
      'email INFO',
    ]);
    expect(heartbeats.map(({ name, everyMs, url }) => [name, everyMs, url()])).toEqual([
      ['heartbeat', 30_000, 'https://hc.example.com/uuid'],
    ]);
    expect(quietHours).toEqual({ from: 1320, to: 420, timeZone: 'Europe/Berlin', below: 'CRITICAL' });
    expect(remindAfterMs).toBe(3_600_000);
  });

  it.each([
    ['targets: []', ['targets']],
    ['{}', ['targets']],
    ['targets: [{ type: pigeon }]', ['targets[0].type']],
    ['targets: [{ type: webhook }]', ['targets[0].url']],
    ['targets: [{ type: webhook, url: "file:///etc/passwd" }]', ['targets[0].url']],
    ['targets: [{ type: webhook, url: "http://a/", url_file: b }]', ['targets[0].url']],
    ['targets: [{ type: webhook, url: "http://a/", secret: inline }]', ['targets[0]']],
    ['targets: [{ type: webhook, url: "http://a/", secret_file: FOLDER/missing }]', ['targets[0].secret_file']],
    ['targets: [{ type: slack, name: "A b", url: "http://a/" }]', ['targets[0].name']],
    [
      'targets: [{ type: slack, name: a, url: "http://a/" }, { type: webhook, name: a, url: "http://a/" }]',
      ['targets[1].name'],
    ],
    ['targets: [{ type: email, host: a, from: b, to: c, user: d }]', ['targets[0]']],
    [
      'targets: [{ type: email, host: a, port: 0, to: [] }]\nremind_after_minutes: 1',
      ['targets[0].port', 'targets[0].from', 'targets[0].to', 'remind_after_minutes'],
    ],
    [
      'targets: [{ type: slack, url: "http://a/" }]\nquiet_hours: { from: "25:00", to: "7", time_zone: Mars/Base }',
      ['quiet_hours.from', 'quiet_hours.to', 'quiet_hours.time_zone'],
    ],
    ['targets: [', ['(root)']],
    ['targets: [&a { type: slack, url: "http://a/" }, *a]', ['(root)']],
    [
      'targets: [{ type: slack, url: "http://u:p@a/" }, { type: heartbeat, url: "http://u@a/" }]',
      ['targets[0].url', 'targets[1].url'],
    ],
    ['targets: [{ type: telegram, token_file: a, chat_id: 1, api_url: "http://u:p@a/" }]', ['targets[0].api_url']],
  ])('that is wrong names every path: %s', (text, paths) => {
    const thrown = thrownBy(() => readNotifyFile(fileWith(text)));
    expect(thrown).toMatchObject({ code: 'NOTIFY_FILE_INVALID' });
    expect(thrown instanceof HarvestlineError && thrown.problems.map(({ path }) => path)).toEqual(paths);
    for (const path of paths) expect(thrown.message).toContain(`${path}: `);
  });

  it('that is wrong is told once by doctor', () => {
    const thrown = thrownBy(() => readNotifyFile(fileWith('targets: [{ type: webhook }]')));
    expect(troubleOf(thrown).detail).toBe(thrown.message);
    expect(thrown.message.match(/give either url or url_file/g)).toHaveLength(1);
  });

  it('refuses an address with user and password in a file of its own, without them', () => {
    const file = fileWith('targets: [{ type: slack, url_file: FOLDER/slack }]', { slack: 'http://u:hidden@a/' });
    const { problems, message } = failureOf(() => readNotifyFile(file));
    expect(problems).toEqual([{ path: 'targets[0].url_file', why: 'must hold no user and password' }]);
    expect(message).not.toContain('hidden');
  });

  it('gives addresses that are hidden, and their paths: servers repeat these alone', () => {
    const [written, fromFile] = ['/services/T0/B0/written-in-the-file', '/hooks/kept-in-a-file-of-its-own'];
    const targets = `[{ type: slack, url: "https://a.example${written}" }, { type: slack, url_file: FOLDER/url }]`;
    readNotifyFile(fileWith(`targets: ${targets}`, { url: `https://b.example${fromFile}\n` }));
    expect(redactor.redact(`Cannot POST ${written}, nor ${fromFile}`)).toBe('Cannot POST [hidden], nor [hidden]');
  });

  it('without end is not read to its end', () => {
    expect(failureOf(() => readNotifyFile('/dev/zero')).problems).toEqual([
      { path: '--notify', why: 'names a file that cannot be read (EFBIG)' },
    ]);
  });
});
