import type { ServerResponse } from 'node:http';
import { BinanceError, type BinanceCode } from './binance-error.ts';
import type { Clock } from '../../ports/clock.ts';
import { type OneShot, FAULTS } from './faults.ts';
import type { Received } from './request-log.ts';

const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' };

/** What a client received. */
export interface Told {
  readonly status: number;
  readonly body: unknown;
}

/** What each response contained, for the log of requests. */
const answers = new WeakMap<ServerResponse, Told>();

/** Null: nothing that the client could read. */
export function answeredBy(response: ServerResponse): Told | null {
  return answers.get(response) ?? null;
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  answers.set(response, { status, body });
  response.writeHead(status, JSON_TYPE);
  response.end(JSON.stringify(body));
}

export function refuse(response: ServerResponse, { status, reply }: BinanceError): void {
  answer(response, status, reply);
}

interface TurnedAway {
  readonly status: 429 | 418;
  /** Null: no such header. Unit: seconds. */
  readonly retryAfterS: number | null;
  /** Unit: weight. */
  readonly perMinute: number;
  /** The end of the ban in the message; null without a ban. */
  readonly bannedUntil: number | null;
}

/** Answers with 429, or 418 for a ban. */
export function turnAway(response: ServerResponse, { status, retryAfterS, perMinute, bannedUntil }: TurnedAway): void {
  if (retryAfterS !== null) response.setHeader('Retry-After', retryAfterS);
  const { reply } = new BinanceError('-1003', String(perMinute));
  if (bannedUntil === null) return answer(response, status, reply);
  const words = `Way too many requests; IP banned until ${bannedUntil}.`;
  const msg = `${words} Please use the websocket for live updates to avoid bans.`;
  return answer(response, status, { ...reply, msg });
}

/** Answers with an HTML page, as a proxy would. */
export function answerPage(response: ServerResponse, status: number): void {
  answers.set(response, { status, body: null });
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(
    `<html><head><title>${status}</title></head><body>Something in front of the exchange failed.</body></html>`,
  );
}

/** Sends less than the headers promise, and closes the connection. */
function answerHalf(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { ...JSON_TYPE, 'content-length': bytes.length + 1 });
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => response.socket?.destroy());
}

/** Resets the connection. */
function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** Closes the connection without an answer. */
function hangUp(response: ServerResponse): void {
  response.socket?.destroy();
}

/** The outcome of an executed request. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  /** The code of a rejection. */
  readonly code: BinanceCode | null;
}

interface AnswerOptions {
  readonly clock: Clock;
  readonly holdMs: number;
  readonly delayMs: number;
  readonly retryAfterS: number;
  readonly weightPerMinute: number;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** The figure in the message of an injected -4164. Unit: quote currency. */
const LEAST_NOTIONAL = '5';

/** Answers with the outcome of the request, or as the fault demands. `outcome` is null where nothing was executed. */
export async function answerFaulty(
  response: ServerResponse,
  injection: OneShot | null,
  outcome: Outcome | null,
  options: AnswerOptions,
): Promise<void> {
  const faulty = injection === null ? null : FAULTS[injection.fault].answer;
  const { status, body } = outcome ?? { status: 200, body: {} };
  if (injection?.reply !== undefined) {
    const { code, msg } = injection.reply;
    return answer(response, injection.reply.status, { code, msg });
  }
  if (injection?.fault === 'slow') await heldOpen(response, injection.delayMs ?? options.delayMs, options);
  if (faulty === null) return answer(response, status, body);
  if (faulty === 'reset') return reset(response);
  if (faulty === 'half') return answerHalf(response, body);
  if (faulty === 'none') {
    await heldOpen(response, injection?.holdMs ?? options.holdMs, options);
    return hangUp(response);
  }
  if ('html' in faulty) return answerPage(response, faulty.status);
  if ('words' in faulty) return answer(response, faulty.status, { msg: faulty.words });
  if (faulty.status === 429 || faulty.status === 418) {
    const retryAfterS = injection?.retryAfterS === undefined ? options.retryAfterS : injection.retryAfterS;
    const { weightPerMinute: perMinute } = options;
    return turnAway(response, { status: faulty.status, retryAfterS, perMinute, bannedUntil: null });
  }
  return answer(response, faulty.status, new BinanceError(faulty.code, LEAST_NOTIONAL).reply);
}

/** Waits until the time is over or the client closes the connection. */
async function heldOpen(response: ServerResponse, holdMs: number, { clock, closing }: AnswerOptions): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await clock.sleep(holdMs, AbortSignal.any([closing, gone.signal]));
}

/** Changed fields of the rows of a symbol; null removes the rows. */
type RowChange = Readonly<Record<string, string | number | boolean | null>> | null;

/** Changes by the end of an endpoint's path. */
type ChangeTable = Readonly<Record<string, RowChange>>;

const NO_MARK = { markPrice: '0.00000000', notional: '0', unRealizedProfit: '0' };

/** Named changes to the answers about one symbol. */
const ANSWER_CHANGES = {
  /** As for a contract that is about to be delisted. */
  'mark-zero': {
    '/positionRisk': NO_MARK,
    '/premiumIndex': {
      markPrice: '0.00000000',
      indexPrice: '0.00000000',
      estimatedSettlePrice: '0',
      lastFundingRate: '0',
      interestRate: '0',
      nextFundingTime: 0,
    },
  },
  'entry-zero': { '/positionRisk': { entryPrice: '0.0' } },
  /** null removes the field. */
  'entry-absent': { '/positionRisk': { entryPrice: null } },
  'symbol-dropped': { '/exchangeInfo': null },
} as const satisfies Record<string, ChangeTable>;

type ChangeName = keyof typeof ANSWER_CHANGES;

export const CHANGE_NAMES = Object.keys(ANSWER_CHANGES) as readonly ChangeName[];

/** A change that stays until it is removed. */
export type AnswerChange =
  | { readonly fault: ChangeName; readonly symbol: string }
  /** Fields of the caller's choice; null removes a field. */
  | { readonly fault: 'change-answer'; readonly symbol: string; readonly path: string; readonly set: RowChange }
  /** Requests for fills from so long ago are rejected with -4166, unless they name an order. Unit: days. */
  | { readonly fault: 'old-fills-refused'; readonly days: number; readonly symbol?: string };

const DAY_MS = 24 * 60 * 60 * 1000;

/** The active changes of answers. */
export class AnswerChanges {
  readonly #standing = new Map<number, AnswerChange>();
  readonly #nextId: () => number;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Returns the change's id. */
  add(change: AnswerChange): number {
    const id = this.#nextId();
    this.#standing.set(id, change);
    return id;
  }

  remove(id: number): boolean {
    return this.#standing.delete(id);
  }

  clear(): void {
    this.#standing.clear();
  }

  list(): readonly (readonly [id: number, change: AnswerChange])[] {
    return [...this.#standing];
  }

  /** Throws -4166 for a request that `old-fills-refused` rejects. */
  vet({ path, parameters }: Received, now: number): void {
    if (!path.endsWith('/userTrades') || parameters.has('orderId') || !parameters.has('startTime')) return;
    for (const change of this.#standing.values()) {
      if (change.fault !== 'old-fills-refused') continue;
      if (change.symbol !== undefined && change.symbol !== parameters.get('symbol')) continue;
      if (Number(parameters.get('startTime')) < now - change.days * DAY_MS) {
        throw new BinanceError('-4166', String(change.days));
      }
    }
  }

  changed({ path }: Received, body: unknown): unknown {
    let changed = body;
    for (const change of this.#standing.values()) {
      if (change.fault === 'old-fills-refused') continue;
      const table: ChangeTable =
        change.fault === 'change-answer' ? { [change.path]: change.set } : ANSWER_CHANGES[change.fault];
      for (const [end, row] of Object.entries(table)) {
        if (path.endsWith(end)) changed = withChange(changed, change.symbol, row);
      }
    }
    return changed;
  }
}

/** Applies a change to a row, to a list of rows, or to the lists in an answer. */
function withChange(body: unknown, symbol: string, change: RowChange): unknown {
  if (Array.isArray(body)) {
    return body.flatMap((row: unknown) => {
      if (!isAbout(row, symbol)) return [row];
      return change === null ? [] : [changedRow(row, change)];
    });
  }
  if (isAbout(body, symbol)) return change === null ? {} : changedRow(body, change);
  if (typeof body !== 'object' || body === null) return body;
  const lists = Object.entries(body).map(([name, value]) => [
    name,
    Array.isArray(value) ? withChange(value, symbol, change) : (value as unknown),
  ]);
  return Object.fromEntries(lists) as object;
}

function isAbout(row: unknown, symbol: string): row is object {
  return typeof row === 'object' && row !== null && 'symbol' in row && row.symbol === symbol;
}

function changedRow(row: object, change: NonNullable<RowChange>): object {
  const entries = Object.entries({ ...row, ...change }) as [string, unknown][];
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}
