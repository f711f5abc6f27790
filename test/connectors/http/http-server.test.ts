import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AccessToken } from '../../../connectors/http/access-token.ts';
import { type HttpServerOptions, httpApp } from '../../../connectors/http/http-server.ts';
import { redactor } from '../../../connectors/system/redactor.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Board, BoardSource, PositionStory } from '../../../ports/board.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { FakeBoard } from '../../fixtures/fake-board.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';

const TOKEN = 'a7c2f0d4e1b94c5f8a60';

/** A page of three files, beside one that is none of it. */
function pageFolder(): string {
  const folder = folderForTest();
  writePage(folder);
  return folder;
}

function writePage(folder: string): void {
  mkdirSync(join(folder, 'parts'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>harvestline</title>');
  writeFileSync(join(folder, 'board.js'), 'export {};');
  writeFileSync(join(folder, 'parts', 'table.css'), 'table {}');
  writeFileSync(join(folder, 'notes.txt'), 'not for everybody');
}

const clock = new VirtualClock(Date.UTC(2026, 2, 1));

function boardOf(parts: Partial<BoardSource> = {}): BoardSource {
  const board = new FakeBoard({ clock, positions: 3, everyMs: null });
  return { state: () => board.state(), watch: board.watch.bind(board), story: board.story.bind(board), ...parts };
}

function make(options: Partial<HttpServerOptions> = {}): Promise<{ readonly app: FastifyInstance }> {
  return httpApp({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    token: null,
    live: () => ({ ok: true, detail: {} }),
    ready: () => ({ ok: false, detail: { why: ['scoring is restoring'] } }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('up 1\n') },
    board: boardOf(),
    clock,
    logger: SILENT_LOGGER,
    ...options,
  });
}

async function app(options: Partial<HttpServerOptions> = {}): Promise<FastifyInstance> {
  const made = await make({ pageFolder: pageFolder(), ...options });
  onTestFinished(() => made.app.close());
  return made.app;
}

/** One server for all tests of a block, which only ask. */
function sharedApp(options: Partial<HttpServerOptions> = {}): () => FastifyInstance {
  let made: FastifyInstance | undefined;
  const folder = temporaryFolder();
  beforeAll(async () => {
    writePage(folder.path);
    ({ app: made } = await make({ pageFolder: folder.path, ...options }));
  });
  afterAll(async () => {
    await made?.close();
    folder.remove();
  });
  return () => {
    if (made === undefined) throw new Error('asked before the block began');
    return made;
  };
}

/** As a browser on this machine asks. */
function ask(server: FastifyInstance, url: string, options: InjectOptions = {}) {
  const headers = { host: 'localhost:9464', ...options.headers };
  return server.inject({ method: 'GET', url, ...options, headers });
}

describe('probes and metrics', () => {
  it('answer 200, or 503 and why', async () => {
    const server = await app();
    expect((await ask(server, '/live')).statusCode).toBe(200);
    const ready = await ask(server, '/ready');
    expect([ready.statusCode, ready.json()]).toEqual([503, { ok: false, why: ['scoring is restoring'] }]);
    expect((await ask(server, '/live', { method: 'HEAD' })).statusCode).toBe(200);
  });

  it('have the content type of the metrics, and no secret', async () => {
    redactor.learn('hunter2hunter2');
    onTestFinished(() => redactor.forget('hunter2hunter2'));
    const text = (): Promise<string> => Promise.resolve('key{value="hunter2hunter2"} 1\n');
    const answer = await ask(
      await app({ metrics: { contentType: 'text/plain; version=0.0.4', text } }),
      '/metrics?name=up',
    );
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4');
    expect(answer.body).toBe('key{value="[hidden]"} 1\n');
  });

  it('a failure is 500 with a code, and its words stand in the log only', async () => {
    const logged: object[] = [];
    const logger = { ...SILENT_LOGGER, error: (context: object) => void logged.push(context) };
    const text = (): Promise<string> => Promise.reject(new Error('at /home/ana'));
    const server = await app({ metrics: { contentType: 'text/plain', text }, logger });
    const answer = await ask(server, '/metrics');
    expect([answer.statusCode, answer.json()]).toMatchObject([500, { code: 'ANSWER_FAILED' }]);
    expect(answer.body).not.toContain('ana');
    expect(logged).toEqual([{ path: '/metrics', error: 'at /home/ana' }]);
    expect((await ask(server, '/live')).statusCode).toBe(200);
  });
});

describe('the page', () => {
  const shared = sharedApp();

  it('is a few files, of which a browser is told the type and asks again', async () => {
    const server = await app();
    const page = await ask(server, '/');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).toContain('<title>harvestline</title>');
    expect((await ask(server, '/page/board.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await ask(server, '/page/parts/table.css')).body).toBe('table {}');
    const headers = { 'if-none-match': String(page.headers['etag']) };
    expect((await ask(server, '/', { headers })).statusCode).toBe(304);
    expect((await ask(server, '/page/board.js', { headers })).statusCode).toBe(200);
  });

  it('has every file that its own page names', async () => {
    const made = await make();
    onTestFinished(() => made.app.close());
    const { body } = await ask(made.app, '/');
    const named = Array.from(body.matchAll(/(?:src|href)="(\/page[^"]*)"/g), ([, path = '']) => path);
    expect(named).toContain('/page/main.js');
    for (const path of named) expect([path, (await ask(made.app, path)).statusCode]).toEqual([path, 200]);
  });

  it('has the libraries with every module that they import', async () => {
    const server = await app();
    const asked = new Set(['/page/lib/uPlot.esm.js', '/page/lib/lit-html.js', '/page/lib/directives/repeat.js']);
    for (const path of asked) {
      const answer = await ask(server, path);
      expect([path, answer.statusCode, answer.headers['content-type']]).toEqual([
        path,
        200,
        'text/javascript; charset=utf-8',
      ]);
      for (const [, imported = ''] of answer.body.matchAll(/\bfrom\s*"([^"\s]+\.js)"/g)) {
        expect(imported).toMatch(/^\.\.?\//);
        asked.add(new URL(imported, `http://localhost${path}`).pathname);
      }
    }
    expect(asked).toContain('/page/lib/directive.js');
    expect((await ask(server, '/page/lib/uPlot.min.css')).headers['content-type']).toBe('text/css; charset=utf-8');
  });

  it.each([
    '/page/',
    '/page/notes.txt',
    '/page/../http-server.ts',
    '/page/%2e%2e/http-server.ts',
    '/page/..%2fhttp-server.ts',
    '/page/lib/..%2f..%2f..%2fpackage.json',
    '/page//etc/passwd',
    '/page/%2fetc%2fpasswd',
    '/page/lib/development/lit-html.js',
    '/page/constructor',
    '/index.html',
  ])('sends only what is listed: %s is not (HTTP-5)', async (url) => {
    const answer = await ask(shared(), url);
    expect([answer.statusCode, answer.json()]).toMatchObject([404, { code: 'PATH_UNKNOWN' }]);
  });

  it("is its own origin and nobody else's: every answer says so, errors too", async () => {
    const server = await app();
    for (const url of ['/', '/page/board.js', '/api/state', '/live', '/nothing', '/page/%zz', '/api/positions/none']) {
      const { headers } = await ask(server, url);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('is absent where there is no board', async () => {
    expect((await ask(await app({ board: null }), '/')).json()).toMatchObject({ code: 'PATH_UNKNOWN' });
  });
});

describe('data of the page', () => {
  it('the board is JSON, and read once for all who ask meanwhile', async () => {
    const board = boardOf();
    let asked = 0;
    const state = (): Promise<Board> => {
      asked += 1;
      return board.state();
    };
    const server = await app({ board: boardOf({ state }) });
    const answers = await Promise.all([ask(server, '/api/state'), ask(server, '/api/state')]);
    expect(asked).toBe(1);
    for (const answer of answers) {
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
      });
      expect(answer.json()).toEqual(JSON.parse(JSON.stringify(await board.state())));
    }
    await ask(server, '/api/state');
    expect(asked).toBe(2);
  });

  it('what cannot be read now is 503 with the code and what to do', async () => {
    const state = (): Promise<never> => Promise.reject(new HarvestlineError('BROKER_AWAY', 'no broker answers'));
    const server = await app({ board: boardOf({ state }) });
    for (const url of ['/api/state', '/api/events']) {
      const answer = await ask(server, url);
      expect([answer.statusCode, answer.json()]).toEqual([
        503,
        { code: 'BROKER_AWAY', message: 'no broker answers', remedy: expect.stringMatching(/./) },
      ]);
    }
  });

  it('a position is found by its id, whatever stands in it', async () => {
    const story = (id: string): Promise<PositionStory | null> =>
      Promise.resolve(id.startsWith('gone') ? null : { explanation: { id }, path: [] });
    const server = await app({ board: boardOf({ story }) });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), async (id) => {
        // A browser takes these out of any address.
        fc.pre(id !== '.' && id !== '..' && !id.startsWith('gone'));
        const found = await ask(server, `/api/positions/${encodeURIComponent(id)}`);
        expect([found.statusCode, found.json()]).toEqual([200, { explanation: { id }, path: [] }]);
        const gone = await ask(server, `/api/positions/${encodeURIComponent(`gone${id}`)}`);
        expect([gone.statusCode, gone.json()]).toMatchObject([404, { code: 'ID_UNKNOWN' }]);
      }),
      { numRuns: 30 },
    );
  });

  it('a position whose reader has gone is not read further', async () => {
    const told = Promise.withResolvers<AbortSignal>();
    const story = (_id: string, signal: AbortSignal): Promise<null> => {
      told.resolve(signal);
      return new Promise(() => {});
    };
    const server = await app({ board: boardOf({ story }), limits: { answerMs: 1 } });
    const answer = await ask(server, '/api/positions/main');
    expect([answer.statusCode, answer.json()]).toMatchObject([503, { code: 'PAGE_BUSY' }]);
    expect((await told.promise).aborted).toBe(true);
  });

  it('positions that wait to be read are bounded', async () => {
    const reading = Promise.withResolvers<null>();
    let read = 0;
    const story = (): Promise<null> => {
      read += 1;
      return reading.promise;
    };
    const server = await app({ board: boardOf({ story }) });
    const asked = Array.from({ length: 30 }, () => ask(server, '/api/positions/main'));
    const first = await Promise.race(asked);
    expect(first.json()).toMatchObject({ code: 'PAGE_BUSY' });
    expect(read).toBe(2);
    reading.resolve(null);
    const codes = (await Promise.all(asked)).map(({ statusCode }) => statusCode);
    expect(codes.filter((code) => code === 404)).toHaveLength(18);
  });
});

describe('what is not answered', () => {
  const shared = sharedApp();

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'] as const)(
    '%s, on any path (HTTP-2)',
    async (method) => {
      const server = shared();
      for (const url of ['/', '/api/state', '/live', '/metrics', '/nothing']) {
        const answer = await ask(server, url, {
          method: method as 'POST',
          payload: '{"a":1}',
          headers: { 'content-type': 'application/json' },
        });
        expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
        expect(answer.json()).toMatchObject({ code: 'REQUEST_REFUSED' });
      }
    },
  );

  it('a body, an address that is too long, or is none (HTTP-2)', async () => {
    const server = shared();
    expect((await ask(server, '/live', { headers: { 'content-length': '9' } })).statusCode).toBe(413);
    expect((await ask(server, '/live', { headers: { 'transfer-encoding': 'chunked' } })).statusCode).toBe(413);
    expect((await ask(server, `/live?${'a'.repeat(2048)}`)).statusCode).toBe(414);
    const answer = await ask(server, '/page/%zz');
    expect([answer.statusCode, answer.json()]).toMatchObject([400, { code: 'REQUEST_REFUSED' }]);
  });
});

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
