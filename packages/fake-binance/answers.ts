import type { ServerResponse } from 'node:http';
import { BinanceError, type BinanceCode } from './binance-error.ts';
import type { Clock } from '../../ports/clock.ts';
import { type OneShot, FAULTS } from './faults.ts';
import type { Received } from './request-log.ts';

const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' };

/** What a client was told; null: nothing that it could read. */
export interface Told {
  readonly status: number;
  readonly body: unknown;
}

/** What each response says, for the record of orders (request-log.ts). */
const told = new WeakMap<ServerResponse, Told>();

export function toldBy(response: ServerResponse): Told | null {
  return told.get(response) ?? null;
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  told.set(response, { status, body });
  response.writeHead(status, JSON_TYPE);
  response.end(JSON.stringify(body));
}

export function refuse(response: ServerResponse, { status, reply }: BinanceError): void {
  answer(response, status, reply);
}

export interface TurnedAway {
  readonly status: 429 | 418;
  /** Null: the header is missing. Unit: seconds. */
  readonly retryAfterS: number | null;
  /** Unit: weight. */
  readonly perMinute: number;
  /** What the words name; null where nobody is banned. */
  readonly bannedUntil: number | null;
}

/** Too much was asked: 429, or 418 for the ban that follows. */
export function turnAway(response: ServerResponse, { status, retryAfterS, perMinute, bannedUntil }: TurnedAway): void {
  if (retryAfterS !== null) response.setHeader('Retry-After', retryAfterS);
  const { reply } = new BinanceError('-1003', String(perMinute));
  if (bannedUntil === null) return answer(response, status, reply);
  const words = `Way too many requests; IP banned until ${bannedUntil}.`;
  const msg = `${words} Please use the websocket for live updates to avoid bans.`;
  return answer(response, status, { ...reply, msg });
}

/** What something in front of the exchange says: no JSON. */
export function answerPage(response: ServerResponse, status: number): void {
  told.set(response, { status, body: null });
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(
    `<html><head><title>${status}</title></head><body>Something in front of the exchange failed.</body></html>`,
  );
}

/** Less than the headers promise, and then the connection is gone. */
function answerHalf(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { ...JSON_TYPE, 'content-length': bytes.length + 1 });
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => response.socket?.destroy());
}

/** The connection is torn down. */
function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** The connection is closed without a word. */
function hangUp(response: ServerResponse): void {
  response.socket?.destroy();
}

/** What came of a request that was carried out. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  /** The code that it was refused with. */
  readonly code: BinanceCode | null;
}

export interface AnswerOptions {
  readonly clock: Clock;
  readonly holdMs: number;
  readonly delayMs: number;
  readonly retryAfterS: number;
  readonly weightPerMinute: number;
  /** Ends every wait. */
  readonly closing: AbortSignal;
}

/** What the words of a refusal name where nothing was looked at. Unit: quote currency. */
const LEAST_NOTIONAL = '5';

/** Tells the client what came of its request, or what the fault makes of that. `outcome` is null where nothing was done. */
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

/** Until the time is over, or the client has given up. */
async function heldOpen(response: ServerResponse, holdMs: number, { clock, closing }: AnswerOptions): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await clock.sleep(holdMs, AbortSignal.any([closing, gone.signal]));
}

/** What is changed in the rows about a symbol; null takes them out. */
type RowChange = Readonly<Record<string, string | number | boolean | null>> | null;

/** What an endpoint answers differently, by the end of its path. */
type ChangeTable = Readonly<Record<string, RowChange>>;

const NO_MARK = { markPrice: '0.00000000', notional: '0', unRealizedProfit: '0' };

/** Lies about one symbol in answers that would be right: what other answers say is not touched. */
export const ANSWER_CHANGES = {
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
  /** null takes the field out. */
  'entry-absent': { '/positionRisk': { entryPrice: null } },
  'symbol-dropped': { '/exchangeInfo': null },
} as const satisfies Record<string, ChangeTable>;

export type ChangeName = keyof typeof ANSWER_CHANGES;

export const CHANGE_NAMES = Object.keys(ANSWER_CHANGES) as readonly ChangeName[];

/** What stands until it is removed. */
export type AnswerChange =
  | { readonly fault: ChangeName; readonly symbol: string }
  /** Fields of one's own choice; null takes a field out. */
  | { readonly fault: 'change-answer'; readonly symbol: string; readonly path: string; readonly set: RowChange }
  /** Fills from so long ago are refused with -4166; those of an order that is named are not. Unit: days. */
  | { readonly fault: 'old-fills-refused'; readonly days: number; readonly symbol?: string };

const DAY_MS = 24 * 60 * 60 * 1000;

/** Answers that are changed before they are given, as long as the changes stand. */
export class AnswerChanges {
  readonly #standing = new Map<number, AnswerChange>();
  readonly #nextId: () => number;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Its id. */
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

  /** Throws -4166. */
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

/** In a row about the symbol, in a list of rows, or in the list that an answer holds. */
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
