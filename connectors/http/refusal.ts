import type { ErrorCode } from '../../errors/codes.ts';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** The answer of every code that says something about a request. All others are 503 where trying again may help, else 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  REQUEST_REFUSED: 400,
  TOKEN_NEEDED: 401,
  ORIGIN_REFUSED: 403,
  PAGE_CLOSED: 403,
  PATH_UNKNOWN: 404,
  ID_UNKNOWN: 404,
  TOKEN_ATTEMPTS: 429,
};

interface AnswerTerms {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error about a request, with what its answer has besides. */
export class RequestError extends HarvestlineError {
  readonly terms: AnswerTerms;

  constructor(code: ErrorCode, message: string, terms: AnswerTerms = {}) {
    super(code, message);
    this.terms = terms;
  }
}

/** A request that is answered with an error. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON with code, message and remedy. */
  readonly body: string;
}

/** An error as an answer: what is the matter and what to do, never where in the program it happened. */
export function refusalOf(error: HarvestlineError): Refusal {
  const { code, message, remedy } = error;
  const { status, headers = {} } = error instanceof RequestError ? error.terms : {};
  return {
    status: status ?? STATUS[code] ?? (isKind(error, 'transient') ? 503 : 500),
    headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store', ...headers },
    body: `${JSON.stringify({ code, message, remedy })}\n`,
  };
}
