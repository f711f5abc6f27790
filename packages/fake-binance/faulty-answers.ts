import type { ServerResponse } from 'node:http';
import type { Clock } from '../../ports/clock.ts';
import { answer, answerHalf, answerPage, hangUp, reset, turnAway } from './answers.ts';
import { type BinanceCode, BinanceError } from './binance-error.ts';
import type { OneShot } from './fault-plan.ts';
import { FAULTS } from './faults.ts';

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
