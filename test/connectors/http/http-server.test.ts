import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redactor } from '../../../connectors/system/redactor.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Board, PositionStory } from '../../../ports/board.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { app, ask, boardOf, make, sharedApp } from './http-app.ts';

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
