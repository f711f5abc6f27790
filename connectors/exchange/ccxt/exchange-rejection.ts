import type { EpochMillis } from '../../../ports/clock.ts';
import { messageOf } from '../../../errors/harvestline-error.ts';
import { redactor } from '../../system/redactor.ts';
import { type CodeTable, type RejectionRule, ruleFor } from './venues/code-rules.ts';

/** An exchange rejected a request: by an HTTP error, or by an error in the body of a 200. */
export class ExchangeRejection extends Error {
  override readonly name = 'ExchangeRejection';
  readonly status: number;
  /** The exchange's own code; null where the body names none. */
  readonly code: string | null;
  /** How long it asks to wait; null where it does not say. Unit: milliseconds. */
  readonly retryAfterMs: number | null;
  /** The meaning of the code at this exchange. */
  readonly rule: RejectionRule;

  constructor(
    status: number,
    code: string | null,
    message: string,
    { rule, retryAfterMs = null }: { rule: RejectionRule; retryAfterMs?: number | null },
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.rule = rule;
  }

  /** The exchange states that there is no such order. */
  get absent(): boolean {
    return this.rule.absent === true;
  }

  /** The key, its secret or the address that it is used from is rejected. */
  get keys(): boolean {
    return this.rule.refusal === 'keys';
  }

  /** The same request would be rejected again, whatever the keys. */
  get final(): boolean {
    return this.rule.meaning === 'rejected' && !this.keys;
  }
}

/** No response, or none that can be read: the connection failed, the time was over, or the form of the reply is wrong. */
export class NoResponse extends Error {
  override readonly name = 'NoResponse';
  /** ccxt itself does not support the request at this exchange: nothing was sent. */
  readonly unsupported: boolean;

  constructor(message: string, unsupported = false) {
    super(message);
    this.unsupported = unsupported;
  }
}

/** ccxt's errors for requests that it does not support at an exchange. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['NotSupported', 'ArgumentsRequired']);

/** What anything else that was thrown counts as. Errors of HTTP libraries name the request, with its signature and its headers: EXC-31. */
export function noResponseOf(thrown: unknown): NoResponse {
  const unsupported = thrown instanceof Error && UNSUPPORTED.has(thrown.name);
  return new NoResponse(redactor.redactForeign(messageOf(thrown)), unsupported);
}

/** The rejection that a reply states, by the codes of its exchange. `now` is the exchange's time. The exchange may repeat the request: EXC-31. */
export function rejectionOf(
  reply: Reply,
  codes: CodeTable,
  ccxtClass: string | null,
  now: EpochMillis,
): ExchangeRejection {
  const { status } = reply;
  const { code, message, retryAfterMs } = readRejection(reply, now);
  const rule = ruleFor(codes, { status, code, ccxtClass });
  return new ExchangeRejection(status, code, redactor.redactForeign(message), { retryAfterMs, rule });
}

/** An error page has thousands. Unit: characters of an exchange's message. */
const MAX_WORDS = 300;

const MS_PER_SECOND = 1000;

/** Binance's longest ban; a later time is taken for an error. Unit: milliseconds. */
const LONGEST_BAN_MS = 3 * 24 * 60 * 60 * MS_PER_SECOND;

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** The parsed body, where it is JSON. */
  readonly json: unknown;
}

/** Code, message and requested wait of a rejection. `now` is the exchange's time. */
export function readRejection({ status, headers, body, json }: Reply, now: EpochMillis) {
  const { code, words } = errorIn(json);
  const text = words ?? (body.trim() === '' ? 'no words' : body.trim());
  const waits = [retryAfterOf(headers), resetIn(headers, now), banIn(text, now)].filter((wait) => wait !== null);
  return {
    code,
    message: `HTTP ${status}: ${text.slice(0, MAX_WORDS)}`,
    retryAfterMs: waits.length === 0 ? null : Math.max(...waits),
  };
}

/** The wait until the end of a ban that only the message names, as in "IP banned until 1700000000000". Unit: milliseconds. */
function banIn(words: string, now: EpochMillis): number | null {
  const until = /\bbanned until (\d{13})\b/i.exec(words)?.[1];
  const wait = Number(until ?? NaN) - now;
  return wait > 0 && wait <= LONGEST_BAN_MS ? wait : null;
}

/** The fields of a body in which exchanges give their code and their message. */
const CODE_FIELDS = ['code', 'retCode', 'sCode', 'errorCode', 'label'];
const WORDS_FIELDS = ['msg', 'retMsg', 'sMsg', 'message', 'error'];

function errorIn(json: unknown): { code: string | null; words: string | null } {
  if (typeof json !== 'object' || json === null) return { code: null, words: null };
  const fields: Readonly<Record<string, unknown>> = { ...json };
  // OKX puts the rejection of an order into a list, next to a code which says only that something failed.
  const first: unknown = Array.isArray(fields['data']) ? fields['data'][0] : undefined;
  const inner = typeof first === 'object' && first !== null && 'sCode' in first ? errorIn(first) : null;
  if (inner !== null && inner.code !== null && inner.code !== '0') return inner;
  const texts = (names: readonly string[]): string | null => {
    const found = names.map((name) => fields[name]).find((one) => typeof one === 'string' || typeof one === 'number');
    return found === undefined ? null : String(found);
  };
  return { code: texts(CODE_FIELDS), words: texts(WORDS_FIELDS) };
}

function retryAfterOf(headers: Reply['headers']): number | null {
  const seconds = numberIn(headers, 'retry-after');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * MS_PER_SECOND : null;
}

/** The wait until the time at which Bybit resets its limit. Unit: milliseconds. */
function resetIn(headers: Reply['headers'], now: EpochMillis): number | null {
  const wait = numberIn(headers, 'x-bapi-limit-reset-timestamp') - now;
  return wait > 0 && wait <= LONGEST_BAN_MS ? wait : null;
}

/** NaN without such a header. */
function numberIn(headers: Reply['headers'], wanted: string): number {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === wanted) ?? [];
  return value === undefined ? NaN : Number(value);
}
