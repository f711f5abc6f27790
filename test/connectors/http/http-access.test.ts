import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AccessToken } from '../../../connectors/http/access-token.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { app, ask, clock, sharedApp } from './http-app.ts';

const TOKEN = 'a7c2f0d4e1b94c5f8a60';

describe('by what name it is asked (HTTP-3)', () => {
  const shared = sharedApp({ allowedHosts: ['desk.example.com', 'proxy:444'] });
  const elsewhere = sharedApp({ host: '0.0.0.0' });

  const page = ['/', '/page/board.js', '/api/state', '/api/positions/none', '/nothing'];
  const probes = ['/live', '/ready', '/metrics'];

  async function refused(
    server: FastifyInstance,
    urls: readonly string[],
    headers: Record<string, string>,
  ): Promise<boolean[]> {
    return Promise.all(
      urls
        .map(async (url) => (await ask(server, url, { headers })).json<{ code?: string }>().code === 'ORIGIN_REFUSED')
        .map((one) => one.catch(() => false)),
    );
  }

  it.each([
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:9464',
    '127.8.8.8',
    '[::1]',
    '[::1]:80',
    'desk.example.com',
    'Desk.Example.com:8443',
    'proxy:444',
  ])('%s is its own', async (host) => {
    const server = shared();
    expect(await refused(server, [...page, ...probes], { host })).not.toContain(true);
  });

  it.each([
    'evil.example',
    'evil.example:9464',
    'localhost.evil.example',
    'localhost.',
    '127.0.0.1.evil.example',
    'desk.example.com.',
    'a.desk.example.com',
    'desk.example.com@evil.example',
    '[::1].evil.example',
    'evil.example:80:80',
  ])('%s is not, neither for the page nor for the probes', async (host) => {
    const server = shared();
    expect(await refused(server, page, { host })).not.toContain(false);
    expect(await refused(server, probes, { host })).not.toContain(false);
  });

  it.each(['10.1.2.3:9464', '[fd00::7]:9464', 'scoring:9464'])(
    '%s is a name that no stranger owns: probes answer, as an orchestrator asks them',
    async (host) => {
      const server = elsewhere();
      expect(await refused(server, probes, { host })).not.toContain(true);
      expect(await refused(server, page, { host })).not.toContain(false);
    },
  );

  it.each(['cross-site', 'same-site'])(
    'a browser that says %s reads nothing, but follows a link to the page',
    async (site) => {
      const server = shared();
      expect(await refused(server, page.slice(1), { 'sec-fetch-site': site })).not.toContain(false);
      const opens = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      expect((await ask(server, '/', { headers: { 'sec-fetch-site': site, ...opens } })).statusCode).toBe(200);
      for (const loads of [{}, { ...opens, 'sec-fetch-dest': 'iframe' }, { ...opens, 'sec-fetch-mode': 'no-cors' }])
        expect(await refused(server, ['/'], { 'sec-fetch-site': site, ...loads })).toEqual([true]);
    },
  );

  it.each(['same-origin', 'none'])('a browser that says %s reads everything', async (site) => {
    expect(await refused(shared(), page, { 'sec-fetch-site': site })).not.toContain(true);
  });
});

describe('who may read (HTTP-4)', () => {
  const behind = [
    '/',
    '/page/board.js',
    '/page/lib/lit-html.js',
    '/api/state',
    '/api/events',
    '/api/positions/none',
    '/nothing',
  ];

  function token(read: () => string = () => TOKEN, at = clock): AccessToken {
    return new AccessToken(read, at);
  }

  it('without a token there is no page for other machines, and the probes answer', async () => {
    const server = await app({ host: '0.0.0.0' });
    for (const url of behind) {
      const answer = await ask(server, url);
      expect([url, answer.statusCode, answer.json()]).toMatchObject([url, 403, { code: 'PAGE_CLOSED' }]);
    }
    expect((await ask(server, '/metrics')).statusCode).toBe(200);
  });

  it.each(['127.0.0.1', '0.0.0.0'])('with one, on %s, everything but the probes needs it', async (host) => {
    const server = await app({ host, token: token() });
    for (const url of behind) {
      const answer = await ask(server, url);
      expect([url, answer.statusCode, answer.json()]).toMatchObject([url, 401, { code: 'TOKEN_NEEDED' }]);
      expect(answer.headers['www-authenticate']).toContain('Bearer');
      expect(answer.body).not.toContain(TOKEN);
    }
    expect((await ask(server, '/ready')).statusCode).toBe(503);
    const headers = { authorization: `Bearer ${TOKEN}`, host: '10.1.2.3:9464' };
    expect((await ask(server, '/api/state', { headers })).statusCode).toBe(200);
  });

  it('a browser opens /?token= once: the token leaves the address, and a cookie without it opens the rest', async () => {
    const server = await app({ token: token() });
    const opened = await ask(server, `/?token=${TOKEN}`);
    expect([opened.statusCode, opened.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(opened.body).toContain('<meta http-equiv="refresh" content="0; url=/">');
    expect(opened.body).not.toContain(TOKEN);
    const set = String(opened.headers['set-cookie']);
    expect(set).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(set).not.toContain(TOKEN);
    const headers = { cookie: `theme=dark; ${set.slice(0, set.indexOf(';'))}; lang=en` };
    for (const url of ['/', '/page/board.js', '/api/state'])
      expect((await ask(server, url, { headers })).statusCode).toBe(200);
    // In the address only where it is exchanged at once.
    expect((await ask(server, `/api/state?token=${TOKEN}`)).statusCode).toBe(401);
  });

  it('the cookie of another process, or of the token before, is none and costs no attempt', async () => {
    let current = TOKEN;
    const rotating = token(() => current);
    const server = await app({ token: rotating });
    const before = rotating.cookie().split(';')[0] ?? '';
    current = 'another-token-0123';
    for (let time = 0; time < 20; time++)
      expect((await ask(server, '/', { headers: { cookie: before } })).statusCode).toBe(401);
    const headers = { authorization: `bearer ${current}` };
    expect((await ask(server, '/', { headers })).statusCode).toBe(200);
    expect((await ask(server, '/', { headers: { authorization: `Bearer ${TOKEN}` } })).statusCode).toBe(401);
  });

  it('wrong tokens of an address are refused for the rest of a minute, the right one and other addresses are not (HTTP-1)', async () => {
    const at = new VirtualClock(0);
    const guarded = token(() => TOKEN, at);
    const server = await app({ token: guarded });
    const from = (remoteAddress: string, sent: string) =>
      ask(server, '/', { headers: { authorization: `Bearer ${sent}` }, remoteAddress });
    for (let time = 0; time < 10; time++) expect((await from('10.0.0.1', `wrong${time}`)).statusCode).toBe(401);
    const answer = await from('10.0.0.1', 'wrong');
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '60']);
    expect((await from('10.0.0.1', TOKEN)).statusCode).toBe(200);
    const cookie = guarded.cookie().split(';')[0] ?? '';
    expect((await ask(server, '/', { headers: { cookie }, remoteAddress: '10.0.0.1' })).statusCode).toBe(200);
    expect((await from('10.0.0.1', 'wrong')).statusCode).toBe(429);
    expect((await from('10.0.0.2', 'wrong')).statusCode).toBe(401);
    at.set(60_000);
    expect((await from('10.0.0.1', 'wrong')).statusCode).toBe(401);
  });

  it('a page of another site that loads addresses with tokens uses up no attempt of its reader (HTTP-1)', async () => {
    const server = await app({ token: token() });
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    for (let time = 0; time < 20; time++)
      expect((await ask(server, '/?token=x', { headers })).json()).toMatchObject({ code: 'ORIGIN_REFUSED' });
    expect((await ask(server, '/?token=x')).statusCode).toBe(401);
  });

  it('addresses of one IPv6 network count as one, and a flood of others is forgotten (HTTP-1)', () => {
    const guarded = token(() => TOKEN, new VirtualClock(0));
    const tries = (address: string): string => {
      try {
        guarded.check({ authorization: 'Bearer wrong', cookie: null, query: null }, address);
      } catch (thrown) {
        return thrown instanceof HarvestlineError ? thrown.code : 'none';
      }
      return 'in';
    };
    const network = Array.from({ length: 11 }, (_, host) => tries(`2001:db8::${host.toString(16)}`));
    expect(network).toEqual([...Array.from({ length: 10 }, () => 'TOKEN_NEEDED'), 'TOKEN_ATTEMPTS']);
    expect(tries('2001:db8:0:1::1')).toBe('TOKEN_NEEDED');
    for (let other = 0; other < 2000; other++) tries(`10.0.${other >> 8}.${other & 255}`);
    expect(tries('2001:db8::1')).toBe('TOKEN_NEEDED');
  });
});
