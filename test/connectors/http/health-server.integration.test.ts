import { createConnection } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HealthServer, type HealthServerOptions } from '../../../connectors/http/health-server.ts';

async function start(overrides: Partial<HealthServerOptions> = {}): Promise<HealthServer> {
  const server = await HealthServer.start({
    host: '127.0.0.1',
    port: 0,
    live: () => ({ ok: true, detail: {} }),
    ready: () => ({ ok: true, detail: {} }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('up 1\n') },
    ...overrides,
  });
  return server;
}

async function started(overrides: Partial<HealthServerOptions> = {}): Promise<HealthServer> {
  const server = await start(overrides);
  onTestFinished(() => server.close());
  return server;
}

describe('health server', () => {
  it('answers probes with 200, or with 503 and why', async () => {
    const { url } = await started({ ready: () => ({ ok: false, detail: { why: ['scoring is restoring'] } }) });
    expect((await fetch(`${url}/live`)).status).toBe(200);
    const ready = await fetch(`${url}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ok: false, why: ['scoring is restoring'] });
  });

  it('serves the metrics with their content type', async () => {
    const { url } = await started();
    const response = await fetch(`${url}/metrics?name=up`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await response.text()).toBe('up 1\n');
  });

  it.each([
    ['GET', '/'],
    ['GET', '/live/'],
    ['GET', '/../etc/passwd'],
    ['POST', '/live'],
  ])('answers %s %s with 404', async (method, path) => {
    const { url } = await started();
    expect((await fetch(url + path, { method })).status).toBe(404);
  });

  it('a failure to collect metrics is an answer of 500, not the end of the process', async () => {
    const { url } = await started({
      metrics: { contentType: 'text/plain', text: () => Promise.reject(new Error('no')) },
    });
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    expect((await fetch(`${url}/live`)).status).toBe(200);
  });

  it('names the port that is taken', async () => {
    const { port } = new URL((await started()).url);
    await expect(start({ port: Number(port) })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(port),
    });
  });

  it('closes at once, whoever keeps a connection open', async () => {
    const server = await start();
    const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    const cut = once(socket, 'close');
    await server.close();
    await cut;
    await expect(fetch(`${server.url}/live`)).rejects.toThrow();
  });
});
