import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { callMonitor } from '../../../connectors/notify/heartbeat.ts';
import { chatTarget, telegramTarget, webhookTarget } from '../../../connectors/notify/http-targets.ts';
import { learnAddress } from '../../../connectors/notify/notify-file.ts';
import { noAnswer } from '../../../connectors/notify/post.ts';
import type { AlertNotice } from '../../../ports/notify.ts';
import type { AlertId } from '../../../schemas/generated/records.ts';
import { receiver } from './received.ts';

const NOTICE: AlertNotice = {
  alert: {
    alert_id: 'b7a1' as AlertId,
    name: 'winner_held',
    scope: 'desk',
    severity: 'CRITICAL',
    state: 'RAISED',
    since: Date.UTC(2026, 0, 1),
    at: Date.UTC(2026, 0, 1, 2),
    evidence: 'BTCUSDT stands at 5.1 R <b>& nothing</b> was closed @everyone',
    command: 'harvestline explain BTCUSDT',
  },
  desk: 'tokyo',
  reminder: 0,
};

const signal = new AbortController().signal;

const OK = { status: 200, body: 'ok' };

async function answering({ status, body }: { status: number; body: string }) {
  return receiver((response) => response.writeHead(status).end(body));
}

describe('a webhook', () => {
  it('gets the alert with a signature of its bytes', async () => {
    const { url, received } = await answering(OK);
    await webhookTarget(
      'ops',
      () => url,
      () => 'hmac-key',
    ).send(NOTICE, signal);
    const [first] = received;
    expect(JSON.parse(first?.body ?? '')).toEqual({ ...NOTICE.alert, desk: 'tokyo' });
    const expected = createHmac('sha256', 'hmac-key')
      .update(first?.body ?? '')
      .digest('hex');
    expect(first?.headers['x-harvestline-signature']).toBe(`sha256=${expected}`);
  });

  it('is told which reminder it is', async () => {
    const { url, received } = await answering(OK);
    await webhookTarget('ops', () => url, null).send({ ...NOTICE, reminder: 2 }, signal);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ reminder: 2 });
    expect(received[0]?.headers).not.toHaveProperty('x-harvestline-signature');
  });

  it.each([
    [500, 'NOTIFY_UNAVAILABLE'],
    [503, 'NOTIFY_UNAVAILABLE'],
    [429, 'NOTIFY_UNAVAILABLE'],
    [408, 'NOTIFY_UNAVAILABLE'],
    [400, 'NOTIFY_REFUSED'],
    [401, 'NOTIFY_REFUSED'],
    [404, 'NOTIFY_REFUSED'],
    [302, 'NOTIFY_REFUSED'],
  ])('that answers %i throws %s (NOTIFY-1)', async (status, code) => {
    const { url, received } = await receiver((response) =>
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:9/' } : {}).end('no'),
    );
    await expect(webhookTarget('ops', () => url, null).send(NOTICE, signal)).rejects.toMatchObject({ code });
    expect(received).toHaveLength(1);
  });

  it('that hangs, breaks off or is not there is unavailable (NOTIFY-1)', async () => {
    const hanging = new AbortController();
    const hung = await receiver(() => hanging.abort());
    const broken = await receiver((response) => response.destroy());
    const unavailable = { code: 'NOTIFY_UNAVAILABLE' };
    await expect(webhookTarget('ops', () => hung.url, null).send(NOTICE, hanging.signal)).rejects.toMatchObject(
      unavailable,
    );
    await expect(webhookTarget('ops', () => broken.url, null).send(NOTICE, signal)).rejects.toMatchObject(unavailable);
    await expect(webhookTarget('ops', () => 'http://127.0.0.1:1', null).send(NOTICE, signal)).rejects.toMatchObject(
      unavailable,
    );
  });

  it('that says 200 and does not end its answer has taken the alert (NOTIFY-1)', async () => {
    const { url, received } = await receiver((response) => response.writeHead(200).write('o'));
    await webhookTarget('ops', () => url, null).send(NOTICE, signal);
    await chatTarget('chat', () => url).send(NOTICE, signal);
    expect(received).toHaveLength(2);
  });

  it('that answers without end is cut off, and its error names the target without the address', async () => {
    const { url } = await receiver((response) => {
      response.writeHead(403);
      const more = (): void => {
        while (response.write('x'.repeat(16_384)));
      };
      response.on('drain', more).on('error', () => {});
      more();
    });
    const thrown: unknown = await webhookTarget('ops', () => `${url}/secret-path`, null)
      .send(NOTICE, signal)
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'NOTIFY_REFUSED' });
    expect((thrown as Error).message.length).toBeLessThan(300);
    expect((thrown as Error).message).not.toContain('secret-path');
  });
});

describe('the error of a target', () => {
  const path = '/services/T024/B7/whoever-knows-it-may-write';

  it('names no address whose server, or a proxy before it, repeats the path', async () => {
    const { url } = await receiver((response) => response.writeHead(404).end(`Cannot POST ${path}`));
    learnAddress(url + path);
    const sending = chatTarget('chat', () => url + path).send(NOTICE, signal);
    await expect(sending).rejects.toThrow('chat: answered 404: Cannot POST [hidden]');
  });

  it('names no address that a library repeats where nothing answers', () => {
    const { message } = noAnswer(
      'chat',
      new TypeError('fetch failed', { cause: new Error(`lost https://a.example${path}?k=1`) }),
    );
    expect(message).toContain('chat: fetch failed: lost https://a.example');
    expect(message).not.toMatch(/k=1/);
  });
});

describe('a chat', () => {
  it('gets text in which nothing is markup and nobody is mentioned', async () => {
    const { url, received } = await answering(OK);
    await chatTarget('chat', () => url).send(NOTICE, signal);
    const body = JSON.parse(received[0]?.body ?? '') as Record<string, unknown>;
    expect(body['text']).toContain('&lt;b&gt;&amp; nothing&lt;/b&gt;');
    expect(body['content']).toContain('<b>& nothing</b>');
    expect(body['allowed_mentions']).toEqual({ parse: [] });
  });

  it('gets no name that Mattermost would take for a mention, and mail addresses and offsets as they are', async () => {
    const { url, received } = await answering(OK);
    const evidence = '@channel @all (@Here) *@ana* ana@example.com trade.closed[3]@17';
    await chatTarget('chat', () => url).send({ ...NOTICE, alert: { ...NOTICE.alert, evidence } }, signal);
    const { text } = JSON.parse(received[0]?.body ?? '') as { readonly text: string };
    const broken = '@\u200Bchannel @\u200Ball (@\u200BHere) *@\u200Bana* ana@example.com trade.closed[3]@17';
    expect(text).toContain(broken);
  });

  it('gets no more than Discord takes', async () => {
    const { url, received } = await answering(OK);
    const long = { ...NOTICE, alert: { ...NOTICE.alert, evidence: 'x'.repeat(5000) } };
    await chatTarget('chat', () => url).send(long, signal);
    expect((JSON.parse(received[0]?.body ?? '') as { content: string }).content).toHaveLength(2000);
  });
});

describe('telegram', () => {
  it('gets plain text under the token of the bot', async () => {
    const { url, received } = await answering({ status: 200, body: '{"ok":true,"result":{}}' });
    await telegramTarget('phone', url, () => '123:abc', '-100').send(NOTICE, signal);
    expect(received[0]?.path).toBe('/bot123:abc/sendMessage');
    const body = JSON.parse(received[0]?.body ?? '') as Record<string, unknown>;
    expect(body).toMatchObject({ chat_id: '-100', disable_notification: false });
    expect(body).not.toHaveProperty('parse_mode');
    expect(body['text']).toContain('[tokyo CRITICAL] winner_held raised');
  });

  it.each(['<html>200 OK</html>', '{"ok":false}', '{}'])('counts only its own word: %s (NOTIFY-1)', async (body) => {
    const { url } = await answering({ status: 200, body });
    await expect(telegramTarget('phone', url, () => 't', '1').send(NOTICE, signal)).rejects.toMatchObject({
      code: 'NOTIFY_UNAVAILABLE',
    });
  });
});

describe('a monitor', () => {
  it('is called, and one that does not answer with 200 to 299 is unavailable', async () => {
    const { url, received } = await answering(OK);
    await callMonitor('heartbeat', () => `${url}/ping/uuid`, signal);
    expect(received[0]?.path).toBe('/ping/uuid');
    const sick = await answering({ status: 404, body: '' });
    await expect(callMonitor('heartbeat', () => sick.url, signal)).rejects.toMatchObject({
      code: 'NOTIFY_UNAVAILABLE',
    });
  });
});
