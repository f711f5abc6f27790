import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { ProbeAnswer } from '../../ports/probe.ts';
import { redactor } from '../system/redactor.ts';

export interface HealthServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly live: () => ProbeAnswer;
  readonly ready: () => ProbeAnswer;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

/** Serves GET /live, /ready and /metrics, and answers 404 to everything else. */
export class HealthServer {
  readonly #server: Server;
  readonly url: string;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  /** Throws PORT_TAKEN when it cannot listen there. */
  static async start(options: HealthServerOptions): Promise<HealthServer> {
    const { host, port } = options;
    const server = createServer((request, response) => {
      answer(options, request, response).catch((thrown: unknown) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(redactor.redactForeign(`${messageOf(thrown)}\n`));
      });
    });
    try {
      server.listen(port, host);
      await once(server, 'listening');
    } catch (cause) {
      throw new HarvestlineError('PORT_TAKEN', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
    }
    return new HealthServer(server, urlOf(server.address() as AddressInfo));
  }

  /** Also cuts connections that a scraper keeps open, which would delay the end of the process. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(options: HealthServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.method === 'GET' ? request.url?.replace(/\?.*$/, '') : undefined;
  switch (path) {
    case '/live':
      return sendProbe(response, options.live());
    case '/ready':
      return sendProbe(response, options.ready());
    case '/metrics':
      return send(response, 200, options.metrics.contentType, await options.metrics.text());
    default:
      return send(response, 404, 'text/plain; charset=utf-8', 'GET /live, /ready or /metrics\n');
  }
}

function sendProbe(response: ServerResponse, { ok, detail }: ProbeAnswer): void {
  send(response, ok ? 200 : 503, 'application/json', `${JSON.stringify({ ok, ...detail })}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(redactor.redact(body));
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
