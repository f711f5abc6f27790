import type { AddressInfo, Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import pLimit from 'p-limit';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { BoardSource } from '../../ports/board.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ProbeAnswer } from '../../ports/probe.ts';
import { redactor } from '../system/redactor.ts';
import { type AccessRules, admit, partsOf } from './access.ts';
import { BoardStream } from './board-stream.ts';
import { PageFiles } from './page-files.ts';
import { JSON_TYPE, RequestError, refusalOf } from './refusal.ts';

/** How long clients may take, and how much they may send. */
export interface HttpLimits {
  /** For the headers of a request, and for the whole of it. */
  readonly requestMs: number;
  /** How often connections are looked through for those that took too long. */
  readonly checkMs: number;
  /** Of a connection on which nothing moves, streams excepted: they beat more often. */
  readonly idleMs: number;
  /** From request to answer. A position's story reads topics from their beginning. */
  readonly answerMs: number;
  /** Unit: bytes. */
  readonly headerBytes: number;
  readonly connections: number;
}

const LIMITS: HttpLimits = {
  requestMs: 5000,
  checkMs: 1000,
  idleMs: 60_000,
  answerMs: 30_000,
  headerBytes: 8 * 1024,
  connections: 256,
};

/** Each reads topics from their beginning: the processors beside it go first. */
const STORIES_AT_A_TIME = 2;
const STORIES_WAITING = 16;

/** How long the answer to an unreadable request may take to leave. Unit: milliseconds. */
const LAST_ANSWER_MS = 1000;

/** Longer than any id of a position. Unit: characters. */
const LONGEST_ID = 512;

/** The page runs its own scripts and styles and talks to its own server, nothing else; nobody may frame it or read it from elsewhere. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/**
 * Goes on to the page. A redirect would not do: a browser that follows a link of another site leaves a cookie of SameSite=Strict out of the
 * redirect as well, while what this page asks for comes from its own site. It takes the place of the address with the token in the tab's history.
 */
const GO_ON =
  '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>harvestline</title><a href="/">To the page</a></html>\n';

const NO_STORE = { 'cache-control': 'no-store' } as const;

export interface HttpServerOptions extends AccessRules {
  /** 0 picks a free one. */
  readonly port: number;
  readonly live: () => ProbeAnswer;
  readonly ready: () => ProbeAnswer;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Null: there is no page. */
  readonly board: BoardSource | null;
  /** The machine's. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<HttpLimits>;
  /** The page's own files, where they are not those of this program. */
  readonly pageFolder?: string;
}

/** The one HTTP server of a process: probes and metrics for machines, and the page with its data. */
export class HttpServer {
  readonly #app: FastifyInstance;
  readonly #stream: BoardStream | null;
  readonly url: string;

  private constructor(app: FastifyInstance, stream: BoardStream | null, url: string) {
    this.#app = app;
    this.#stream = stream;
    this.url = url;
  }

  /** Throws PORT_TAKEN when it cannot listen there. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const { host, port } = options;
    const { app, stream } = await httpApp(options);
    try {
      await app.listen({ host, port });
    } catch (cause) {
      throw new HarvestlineError('PORT_TAKEN', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
    }
    return new HttpServer(app, stream, urlOf(app.server.address() as AddressInfo));
  }

  /** Also cuts the connections that readers and scrapers keep open, which would delay the end of the process. */
  async close(): Promise<void> {
    this.#stream?.close();
    await this.#app.close();
  }
}

/** The server before it listens. */
export async function httpApp(
  options: HttpServerOptions,
): Promise<{ readonly app: FastifyInstance; readonly stream: BoardStream | null }> {
  const { board, clock, logger } = options;
  const limits = { ...LIMITS, ...options.limits };
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    return503OnClosing: false,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleMs,
    handlerTimeout: limits.answerMs,
    bodyLimit: 1,
    routerOptions: { maxParamLength: LONGEST_ID },
    http: {
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: limits.headerBytes,
    },
    clientErrorHandler(error, socket) {
      if (socket.writable && !('code' in error && error.code === 'ECONNRESET'))
        endForGood(socket, unreadable(error), clock);
      else socket.destroy();
    },
    frameworkErrors: (_error, _request, reply) => {
      refuse(reply.headers(SECURITY_HEADERS), new RequestError('REQUEST_REFUSED', 'the address is not a valid one'));
    },
  });
  app.server.maxConnections = limits.connections;
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(SECURITY_HEADERS);
    admit(askedFor(request), options);
    done();
  });
  app.addHook('onSend', (_request, _reply, payload, done) => {
    done(null, typeof payload === 'string' ? redactor.redact(payload) : payload);
  });
  app.setErrorHandler((thrown, request, reply) => refuse(reply, ownError(thrown, request, logger)));
  app.setNotFoundHandler((request, reply) => {
    refuse(reply, new HarvestlineError('PATH_UNKNOWN', `there is no ${partsOf(request.url).path}`));
  });
  addProbes(app, options);
  const stream = board === null ? null : new BoardStream({ ...options, source: board });
  if (board !== null && stream !== null) await addPage(app, options, board, stream);
  await app.ready();
  return { app, stream };
}

function addProbes(app: FastifyInstance, { live, ready, metrics }: HttpServerOptions): void {
  app.get('/live', (_request, reply) => sendProbe(reply, live()));
  app.get('/ready', (_request, reply) => sendProbe(reply, ready()));
  app.get('/metrics', async (_request, reply) =>
    reply.headers({ ...NO_STORE, 'content-type': metrics.contentType }).send(await metrics.text()),
  );
}

function sendProbe(reply: FastifyReply, { ok, detail }: ProbeAnswer): FastifyReply {
  return sendJson(reply.code(ok ? 200 : 503), { ok, ...detail });
}

async function addPage(
  app: FastifyInstance,
  { token, pageFolder }: HttpServerOptions,
  board: BoardSource,
  stream: BoardStream,
): Promise<void> {
  const files = await PageFiles.list(pageFolder);
  app.get('/', async (request, reply) => {
    // The token leaves the address bar, the history and what is copied from them.
    if (token !== null && partsOf(request.url).query.has('token'))
      return reply
        .headers({ ...NO_STORE, 'set-cookie': token.cookie(), 'content-type': 'text/html; charset=utf-8' })
        .send(GO_ON);
    return sendFile(files, 'index.html', request, reply);
  });
  app.get<{ Params: { '*': string } }>('/page/*', (request, reply) =>
    sendFile(files, request.params['*'], request, reply),
  );
  let asking: Promise<string> | null = null;
  app.get('/api/state', async (_request, reply) => {
    // Whoever asks while it is being read is given the same.
    asking ??= board
      .state()
      .then((state) => JSON.stringify(state))
      .finally(() => (asking = null));
    return sendJsonText(reply, await asking);
  });
  const storyLimit = pLimit(STORIES_AT_A_TIME);
  app.get<{ Params: { id: string } }>('/api/positions/:id', async (request, reply) => {
    if (storyLimit.pendingCount >= STORIES_WAITING)
      throw new HarvestlineError('PAGE_BUSY', 'too many positions are being read');
    const { id } = request.params;
    const { signal } = request;
    const story = await storyLimit(() => (signal.aborted ? null : board.story(id, signal)));
    if (story === null) throw new HarvestlineError('ID_UNKNOWN', `no snapshot of a position ${id} is kept`);
    return sendJson(reply, story);
  });
  app.get('/api/events', async (request, reply) => {
    if (request.method === 'HEAD') return reply.headers({ ...NO_STORE, 'content-type': 'text/event-stream' }).send();
    const version = token?.version();
    await stream.add(reply.raw, SECURITY_HEADERS, () => token?.version() === version);
    return reply.hijack();
  });
}

async function sendFile(
  files: PageFiles,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const file = await files.read(name);
  if (file === null) throw new HarvestlineError('PATH_UNKNOWN', `the page has no file ${name}`);
  const { type, content, etag } = file;
  // Asked for again each time, so that a page after an upgrade is not made of files of two versions.
  void reply.headers({ 'content-type': type, 'cache-control': 'no-cache', etag });
  return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(content);
}

function sendJson(reply: FastifyReply, value: object): FastifyReply {
  return sendJsonText(reply, JSON.stringify(value));
}

function sendJsonText(reply: FastifyReply, json: string): FastifyReply {
  return reply.headers({ ...NO_STORE, 'content-type': JSON_TYPE }).send(`${json}\n`);
}

function refuse(reply: FastifyReply, error: HarvestlineError): void {
  const { status, headers, body } = refusalOf(error);
  void reply.code(status).headers(headers).send(redactor.redactForeign(body));
}

/** Any error as one with a code; what is nobody's fault outside goes to the log, and its words go no further. */
function ownError(thrown: unknown, request: FastifyRequest, logger: Logger): HarvestlineError {
  if (thrown instanceof HarvestlineError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  if (code === 'FST_ERR_HANDLER_TIMEOUT')
    return new HarvestlineError('PAGE_BUSY', 'the answer took too long and was given up');
  const { path } = partsOf(request.url);
  logger.error({ path, error: messageOf(thrown) }, 'a request could not be answered');
  return new HarvestlineError('ANSWER_FAILED', `${path} could not be answered`);
}

/** The whole answer to what is no readable request. */
function unreadable(error: Error): string {
  const code = 'code' in error ? error.code : null;
  const [status, message] =
    code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'its headers are too large']
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'it took too long to arrive']
        : ['400 Bad Request', 'it is not HTTP'];
  const { headers, body } = refusalOf(new HarvestlineError('REQUEST_REFUSED', message));
  const lines = Object.entries({ ...SECURITY_HEADERS, ...headers, connection: 'close', 'content-length': body.length });
  return `HTTP/1.1 ${status}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/**
 * Sends the last that a connection is told, and closes it whatever the other end does: one that neither reads nor closes would keep its place
 * among the connections that are allowed, and enough of them would keep the probes from answering.
 */
function endForGood(socket: Socket, answer: string, clock: Clock): void {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  socket.end(answer, () => socket.destroy());
  void clock.sleep(LAST_ANSWER_MS, closed.signal).then(() => socket.destroy());
}

function askedFor({ method, url, headers, ip, raw }: FastifyRequest): Parameters<typeof admit>[0] {
  return {
    method,
    url,
    hasBody: (raw.headers['content-length'] ?? '0') !== '0' || raw.headers['transfer-encoding'] !== undefined,
    host: headers.host ?? null,
    site: one(headers['sec-fetch-site']),
    opensPage: headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document',
    authorization: headers.authorization ?? null,
    cookie: headers.cookie ?? null,
    address: ip,
  };
}

/** A header that was sent several times is none: nobody sends it so by mistake. */
function one(header: string | string[] | undefined): string | null {
  return typeof header === 'string' ? header : null;
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
