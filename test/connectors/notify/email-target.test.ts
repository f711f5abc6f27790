import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EmailSettings, emailTarget } from '../../../connectors/notify/email-target.ts';
import type { AlertNotice } from '../../../ports/notify.ts';
import type { AlertId } from '../../../schemas/generated/records.ts';

const NOTICE: AlertNotice = {
  alert: {
    alert_id: 'b7a1' as AlertId,
    name: 'halted',
    scope: 'main',
    severity: 'CRITICAL',
    state: 'RAISED',
    since: Date.UTC(2026, 0, 1),
    at: Date.UTC(2026, 0, 1),
    evidence: 'Orders are stopped: main halted by ana (näh)\r\nBcc: eve@example.com',
    command: 'harvestline resume --scope main',
  },
  desk: null,
  reminder: 0,
};

const signal = new AbortController().signal;

/** An error as SMTP has it: with the code of the reply. */
function reply(responseCode: number): Error {
  return Object.assign(new Error('no'), { responseCode });
}

/** A local server that keeps the mails that it took. */
async function mailServer(
  options: SMTPServerOptions = {},
): Promise<{ readonly settings: EmailSettings; readonly mails: string[] }> {
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    logger: false,
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString('utf8'));
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = listening.address() as AddressInfo;
  const settings: EmailSettings = {
    host: '127.0.0.1',
    port,
    security: 'none',
    user: null,
    password: null,
    from: 'desk@example.com',
    to: ['ana@example.com', 'ben@example.com'],
  };
  return { settings, mails };
}

describe('a mailbox', () => {
  it('gets one mail with the id of the alert, in which a record adds no header', async () => {
    const { settings, mails } = await mailServer();
    await emailTarget('mail', settings).send(NOTICE, signal);
    expect(mails).toHaveLength(1);
    const mail = mails[0] ?? '';
    const head = mail.slice(0, mail.indexOf('\r\n\r\n'));
    expect(head).toContain('Message-ID: <b7a1.raised.0@harvestline>');
    expect(head).toContain('Subject: [CRITICAL] halted raised (main)');
    expect(head).not.toMatch(/^Bcc:/m);
    expect(mail.slice(head.length)).toContain('harvestline resume --scope main');
  });

  it('logs in with the password as it is now', async () => {
    const seen: string[] = [];
    const { settings } = await mailServer({
      authOptional: false,
      onAuth({ username, password }, _session, done) {
        seen.push(`${username} ${password}`);
        done(null, { user: username });
      },
    });
    const passwords = ['old', 'new'];
    const target = emailTarget('mail', { ...settings, user: 'desk', password: () => passwords.shift() ?? '' });
    await target.send(NOTICE, signal);
    await target.send(NOTICE, signal);
    expect(seen).toEqual(['desk old', 'desk new']);
  });

  it.each([
    ['a full mailbox', 452, 'NOTIFY_UNAVAILABLE'],
    ['greylisting', 450, 'NOTIFY_UNAVAILABLE'],
    ['a sender that is not allowed', 550, 'NOTIFY_REFUSED'],
  ])('with %s (%i) throws %s (NOTIFY-1)', async (_name, responseCode, code) => {
    const { settings, mails } = await mailServer({
      onMailFrom(_address, _session, done) {
        done(reply(responseCode));
      },
    });
    await expect(emailTarget('mail', settings).send(NOTICE, signal)).rejects.toMatchObject({ code });
    expect(mails).toEqual([]);
  });

  it('that is refused beside one that is not is named, and the mail is there once', async () => {
    const { settings, mails } = await mailServer({
      onRcptTo({ address }, _session, done) {
        done(address === 'ben@example.com' ? reply(550) : null);
      },
    });
    await expect(emailTarget('mail', settings).send(NOTICE, signal)).rejects.toMatchObject({
      code: 'NOTIFY_REFUSED',
      message: expect.stringContaining('ben@example.com'),
    });
    expect(mails).toHaveLength(1);
  });

  it('whose server demands no TLS gets nothing in the clear where TLS is wanted', async () => {
    const { settings, mails } = await mailServer();
    await expect(emailTarget('mail', { ...settings, security: 'starttls' }).send(NOTICE, signal)).rejects.toMatchObject(
      { code: expect.stringMatching(/^NOTIFY_/) },
    );
    expect(mails).toEqual([]);
  });

  it('whose server hangs or is not there is unavailable (NOTIFY-1)', async () => {
    const hanging = new AbortController();
    const { settings } = await mailServer({
      onMailFrom() {
        hanging.abort();
      },
    });
    const unavailable = { code: 'NOTIFY_UNAVAILABLE' };
    await expect(emailTarget('mail', settings).send(NOTICE, hanging.signal)).rejects.toMatchObject(unavailable);
    await expect(emailTarget('mail', { ...settings, port: 1 }).send(NOTICE, signal)).rejects.toMatchObject(unavailable);
  });
});
