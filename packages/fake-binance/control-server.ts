import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { z } from 'zod';
import { answer } from './answers.ts';
import { BinanceError } from './binance-error.ts';
import { CONTROLS, type Controlled } from './control.ts';
import { bodyOf, pathOf } from './request-log.ts';

/** Enough for some thousand candles. Unit: bytes. */
const MOST_BODY_BYTES = 4 * 1024 * 1024;

/**
 * The control port, by which other processes act on the local exchange and inspect it. It is separate from the exchange's own port, so that no
 * client uses it by mistake, and listens on this machine only.
 */
export class ControlServer {
  readonly #controlled: Controlled;
  readonly #server: Server;

  private constructor(controlled: Controlled) {
    this.#controlled = controlled;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        if (!response.headersSent) answer(response, 500, { error: String(thrown) });
      });
    });
  }

  /** Port 0 picks a free one. */
  static async start(controlled: Controlled, port = 0): Promise<ControlServer> {
    const started = new ControlServer(controlled);
    started.#server.listen(port, '127.0.0.1');
    await once(started.#server, 'listening');
    return started;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request, MOST_BODY_BYTES);
    if (body === null) return answer(response, 413, { error: `at most ${MOST_BODY_BYTES} bytes are read` });
    const { method = 'GET', url = '/' } = request;
    const path = pathOf(request);
    const { status, reply } = control(this.#controlled, {
      name: `${method} ${path}`,
      query: new URLSearchParams(url.slice(path.length + 1)),
      body,
    });
    return answer(response, status, reply);
  }
}

interface EndpointCall {
  /** `METHOD path` */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/** Answers 400 with `{"error"}` to a failed request, 404 to an unknown one. */
function control(controlled: Controlled, { name, query, body }: EndpointCall): { status: number; reply: unknown } {
  if (name === 'GET /') return { status: 200, reply: { requests: listed() } };
  const request = Object.hasOwn(CONTROLS, name) ? CONTROLS[name] : undefined;
  if (request === undefined) {
    return { status: 404, reply: { error: `no such request: ${name}`, requests: listed() } };
  }
  try {
    const given = request.schema === null ? null : request.schema.parse(jsonOf(body));
    return { status: 200, reply: request.act(controlled, given as never, query) };
  } catch (thrown) {
    return { status: 400, reply: { error: wordsOf(thrown) } };
  }
}

function listed(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(CONTROLS).map(([name, { does }]) => [name, does]));
}

function jsonOf(body: string): unknown {
  if (body.trim() === '') throw new TypeError('no body: a JSON object is expected');
  try {
    return JSON.parse(body);
  } catch (thrown) {
    throw new TypeError(`not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}

function wordsOf(thrown: unknown): string {
  if (thrown instanceof BinanceError) return `${thrown.code}: ${thrown.message}`;
  if (thrown instanceof z.ZodError) return issuesOf(thrown.issues).join('; ');
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The problems of every field. For a union, those of the alternative with the fewest. */
function issuesOf(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[] = []): readonly string[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const nearest = issue.errors.toSorted((one, other) => distance(one) - distance(other))[0] ?? [];
      return issuesOf(nearest, path);
    }
    return [path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`];
  });
}

/** A wrong type counts more than any number of wrong fields. */
function distance(issues: readonly z.core.$ZodIssue[]): number {
  const isOtherKind = issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type');
  return issues.length + (isOtherKind ? 1000 : 0);
}
