import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Clock } from '../../ports/clock.ts';

/** A request as received, not verified yet. */
export interface Received {
  /** `METHOD path` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** As sent. */
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A fault of the next matching request. `taken`: the request is executed all the same. `answer`: what the client gets; `none` is no answer at
 * all, `half` the first half of one.
 */
export interface OneShot {
  /** `METHOD path`; any request where left out. */
  readonly request?: string;
  readonly taken: boolean;
  readonly answer: 'none' | 'reset' | 'half' | Reply;
}

/** How long an unanswered request is held before its connection is closed. Unit: milliseconds. */
const HOLD_MS = 3000;

/** Longer than any pause of a test, so that clients keep their connections. Unit: milliseconds. */
const KEEP_ALIVE_MS = 10 * 60 * 1000;

/** The HTTP server of a local exchange, on 127.0.0.1: reads requests, counts them and injects faults. */
export class VenueServer {
  /** Counts by `METHOD path`. */
  readonly requests = new Map<string, number>();
  /** Requests other than GET, in the order of arrival. */
  readonly sent: Received[] = [];
  readonly #faults: OneShot[] = [];
  readonly #execute: (received: Received) => Reply;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #closing = new AbortController();

  constructor(clock: Clock, execute: (received: Received) => Reply) {
    this.#clock = clock;
    this.#execute = execute;
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(thrown));
      });
    });
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  fail(...faults: readonly OneShot[]): void {
    this.#faults.push(...faults);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#closing.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await receive(request);
    this.requests.set(received.name, (this.requests.get(received.name) ?? 0) + 1);
    if (received.method !== 'GET') this.sent.push(received);
    const index = received.path.startsWith('/_control/')
      ? -1
      : this.#faults.findIndex((fault) => fault.request === undefined || fault.request === received.name);
    const fault = index < 0 ? undefined : this.#faults.splice(index, 1)[0];
    const reply = fault?.taken === false ? { status: 200, body: {} } : this.#execute(received);
    if (fault === undefined) return answer(response, reply);
    if (fault.answer === 'reset') return void response.socket?.resetAndDestroy();
    if (fault.answer === 'half') return answerHalf(response, reply.body);
    if (fault.answer !== 'none') return answer(response, fault.answer);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await this.#clock.sleep(HOLD_MS, AbortSignal.any([this.#closing.signal, gone.signal]));
    response.socket?.destroy();
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const { method = 'GET', url = '', headers } = request;
  const path = url.split('?', 1)[0] ?? '';
  return {
    name: `${method} ${path}`,
    method,
    path,
    query: url.slice(path.length + 1),
    body: Buffer.concat(chunks).toString('utf8'),
    headers,
  };
}

function answer(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Sends less than the headers promise, and closes the connection. */
function answerHalf(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length + 1 });
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => response.socket?.destroy());
}
