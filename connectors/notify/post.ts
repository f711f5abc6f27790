import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { redactor } from '../system/redactor.ts';

/** Long enough for a slow chat service, short enough that one target that hangs holds up only itself. Unit: milliseconds. */
const ANSWER_WITHIN_MS = 10_000;

/** What of an answer may stand in an error. Unit: characters. */
const SHOWN = 200;

/** An answer is a sentence or a small object; a page of a proxy is cut off. Unit: bytes. */
const LONGEST_ANSWER = 64 * 1024;

/** Answers that say "later": the request took too long, came too early, or came too often. 5xx besides. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

export interface PostOptions {
  /** Names the target in errors: the address itself may be a secret. */
  readonly target: string;
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** The text of a 2xx is needed, too. Where left out, the status alone is the answer. */
  readonly readsText?: true;
}

/**
 * Posts JSON. Only a 2xx is success, and it counts as soon as it comes: a target that is slow to end its answer would otherwise be sent the
 * same again and again. Its text is returned where `readsText` asks for it, else nothing. Redirects are not followed: a request that was
 * signed for one address must not reach another.
 *
 * Throws NOTIFY_UNAVAILABLE where trying again may help (no connection, no answer in time, 5xx, 429), and NOTIFY_REFUSED for every other
 * answer.
 */
export async function postJson({ target, url, body, headers = {}, signal, readsText }: PostOptions): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'harvestline', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    if (response.ok && readsText !== true) {
      // The answer is known: what becomes of its body is not.
      response.body?.cancel().catch(() => {});
      return '';
    }
    text = await boundedText(response);
  } catch (cause) {
    throw noAnswer(target, cause);
  }
  if (response.ok) return text;
  throw notTaken(target, response.status, text);
}

/** The error for a request without an answer. What it says goes into alerts and messages, and may name the address, which is a secret. */
export function noAnswer(target: string, cause: unknown): HarvestlineError {
  return new HarvestlineError('NOTIFY_UNAVAILABLE', `${target}: ${redactor.redactForeign(reasonOf(cause))}`);
}

/** The error for an answer other than 2xx. Its text may repeat the request. */
export function notTaken(target: string, status: number, text: string): HarvestlineError {
  const said = `${target}: answered ${status}: ${redactor.redactForeign(text.slice(0, SHOWN))}`;
  const isLater = LATER.has(status) || status >= 500;
  return new HarvestlineError(isLater ? 'NOTIFY_UNAVAILABLE' : 'NOTIFY_REFUSED', said);
}

/** Reads what is asked for and no more: an endless answer ends the connection. */
async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LONGEST_ANSWER) break;
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_ANSWER).toString('utf8');
}

/** fetch says "fetch failed" and keeps the reason in its cause. */
export function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? messageOf(thrown) : `${messageOf(thrown)}: ${messageOf(cause)}`;
}
