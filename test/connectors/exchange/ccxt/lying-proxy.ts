import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Changes an answer, or returns undefined to leave it. `path` includes the query. */
export type Lie = (method: string, path: string, answered: Answered) => Answered | undefined;

/** Starts an HTTP proxy that changes an exchange's answers, and returns its address. Closed when the test ends. */
export async function lyingProxy(target: string, lie: Lie): Promise<string> {
  const server = createServer(
    (request, response) => void forward(target, lie, request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function forward(target: string, lie: Lie, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = 'GET', url = '/' } = request;
  const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
  const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
  const real = await fetch(`${target}${url}`, { method, headers: headers as Record<string, string>, ...body });
  const told = { status: real.status, body: await real.json() };
  const { status, body: answer } = lie(method, url, told) ?? told;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}
