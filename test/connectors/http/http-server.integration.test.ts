import { once } from 'node:events';
import { type AddressInfo, type Socket, createConnection } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpServer, type HttpServerOptions, httpApp } from '../../../connectors/http/http-server.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Board, BoardChange } from '../../../ports/board.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { FakeBoard } from '../../fixtures/fake-board.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { until } from '../../fixtures/until.ts';
import { EventReader } from './read-events.ts';

const clock = new SystemClock();

function fakeBoard(positions = 3): FakeBoard {
  return new FakeBoard({ clock, positions, everyMs: null });
}

function optionsOf(options: Partial<HttpServerOptions>): HttpServerOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    token: null,
    live: () => ({ ok: true, detail: {} }),
    ready: () => ({ ok: true, detail: {} }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('up 1\n') },
    board: fakeBoard(),
    clock,
    logger: SILENT_LOGGER,
    pageFolder: folderForTest(),
    ...options,
  };
}

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return HttpServer.start(optionsOf(options));
}

async function started(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await start(options);
  onTestFinished(() => server.close());
  return server;
}

/** A connection on which text is sent as it is. */
async function connected({ url }: HttpServer): Promise<{ readonly socket: Socket; readonly received: () => string }> {
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'connect');
  return { socket, received: () => text };
}

describe('the server and its port', () => {
  it('names the port that is taken', async () => {
    const { port } = new URL((await started()).url);
    await expect(start({ port: Number(port) })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(port),
    });
  });

  it('closes at once, whoever keeps a connection open, followed streams among them', async () => {
    const server = await start();
    const { socket } = await connected(server);
    const stream = await fetch(`${server.url}/api/events`);
    const cut = once(socket, 'close');
    await server.close();
    await cut;
    await expect(stream.text()).rejects.toThrow();
    await expect(fetch(`${server.url}/live`)).rejects.toThrow();
  });
});

describe('server-sent events', () => {
  it('are the state, and then the changes, with the headers of a page', async () => {
    const board = fakeBoard();
    const { url } = await started({ board });
    const aborting = new AbortController();
    const response = await fetch(`${url}/api/events`, { signal: aborting.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const reader = new EventReader();
    const decoder = new TextDecoder();
    let change: BoardChange | undefined;
    for await (const chunk of response.body ?? []) {
      reader.feed(decoder.decode(chunk, { stream: true }));
      if (reader.events.length === 1) change ??= board.advance();
      if (reader.events.length === 2) break;
    }
    const [state, changed] = reader.events;
    expect([state?.event, changed?.event]).toEqual(['state', 'change']);
    expect((JSON.parse(state?.data ?? '') as Board).positions).toHaveLength(3);
    expect(JSON.parse(changed?.data ?? '')).toEqual(JSON.parse(JSON.stringify(change)));
  });

  it('a reader that does not read is given a state instead of what it missed, and the others are told on (HTTP-7)', async () => {
    const board = fakeBoard(400);
    const server = await started({ board });
    const [slow, quick] = [await connected(server), await connected(server)];
    const request = 'GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n';
    slow.socket.pause();
    slow.socket.write(request);
    quick.socket.write(request);
    await until(() => quick.received().includes('event: state'));
    // More than the system's own buffers hold. One who reads is waited for each time, or it would be slow itself.
    const headline = 'x'.repeat(200_000);
    while (quick.received().length < 16_000_000) {
      const before = quick.received().length;
      board.advance({ rest: { headline } });
      await until(() => quick.received().length >= before + headline.length);
    }
    slow.socket.resume();
    await until(() => slow.received().lastIndexOf('event: state') > slow.received().indexOf('event: state'));
    // What it was not told of stands in its second state, and was kept nowhere.
    const told = (text: string): number => text.split('event: change').length;
    expect(told(slow.received())).toBeLessThan(told(quick.received()));
  });
});

describe('bounds on requests', () => {
  it('a request that arrives byte by byte is cut off', async () => {
    const server = await started({ limits: { requestMs: 30, checkMs: 10 } });
    const { socket, received } = await connected(server);
    socket.write('GET /live HTTP/1.1\r\nHost: local');
    await once(socket, 'close');
    expect(received()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"REQUEST_REFUSED"/);
    expect((await fetch(`${server.url}/live`)).status).toBe(200);
  });

  /** A client that does not close when the server does, and how many connections the server has. */
  async function stubborn(options: Partial<HttpServerOptions>) {
    const { app } = await httpApp(optionsOf(options));
    onTestFinished(() => app.close());
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    const open = promisify(app.server.getConnections.bind(app.server));
    await until(async () => (await open()) === 1);
    return { socket, open };
  }

  it('a refused connection is closed, also where the other end reads nothing, sends on and does not close', async () => {
    const { socket, open } = await stubborn({ limits: { requestMs: 30, checkMs: 10 } });
    socket.pause();
    socket.write('GET /live HTTP/1.1\r\nA: ');
    await until(async () => {
      if (socket.writable) socket.write('a');
      return (await open()) === 0;
    });
    expect(socket.readableEnded).toBe(false);
  });

  it('a refused connection is closed, also where answers before it are not read', async () => {
    const text = (): Promise<string> => Promise.resolve('x'.repeat(16_000_000));
    // By this clock the time for the answer is over at once; nobody looks for requests that took too long.
    const { socket, open } = await stubborn({
      limits: { checkMs: 600_000 },
      metrics: { contentType: 'text/plain', text },
      clock: new VirtualClock(0),
    });
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'readable');
    socket.write('hello\r\n\r\n');
    await until(async () => (await open()) === 0);
    expect(socket.readableEnded).toBe(false);
  });

  it('a connection on which nothing comes is cut off', async () => {
    const { socket } = await connected(await started({ limits: { idleMs: 20 } }));
    await once(socket, 'close');
    expect(socket.readyState).toBe('closed');
  });

  it.each([
    ['headers that are too large', `GET /live HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(9000)}\r\n\r\n`, 431],
    ['an address that is too long', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    ['a request without a Host', 'GET /live HTTP/1.1\r\n\r\n', 400],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['an address with a host in it', 'GET http://evil.example/api/state HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a path that climbs', 'GET /page/../../package.json HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
    ['a name of another', 'GET /api/state HTTP/1.1\r\nHost: evil.example\r\n\r\n', 403],
    ['a body', 'POST /api/state HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n', 405],
  ])('%s: refused, and the server goes on', async (_what, request, status) => {
    const server = await started();
    const { socket, received } = await connected(server);
    socket.write(request);
    await until(() => received().includes('\r\n\r\n'));
    expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(`${server.url}/live`)).status).toBe(200);
  });
});
