import type { BinanceCode } from './binance-error.ts';

/** What the client gets: no answer at all, a closed connection, half an answer, or an error. */
export type FaultyAnswer =
  | 'none'
  | 'reset'
  | 'half'
  | { readonly status: number; readonly code: BinanceCode }
  /** What Binance's gateway says where the exchange itself did not answer: words, and no code. */
  | { readonly status: number; readonly words: string }
  /** An error page of something in front of the exchange. */
  | { readonly status: number; readonly html: true };

export type FaultPlace = 'order' | 'look-up' | 'positions' | 'any';

interface FaultEntry {
  /** Where it happens at random; a fault that is asked for by path happens there. */
  readonly on: FaultPlace;
  /** Whether the request is carried out all the same. */
  readonly taken: boolean;
  /** Carried out a while after it came, instead of at once. */
  readonly late?: true;
  /** Null: the answer is as it should be. */
  readonly answer: FaultyAnswer | null;
}

const refused = (code: BinanceCode, status = 400): FaultEntry => ({
  on: 'order',
  taken: false,
  answer: { status, code },
});

const UNKNOWN_503 = { status: 503, words: 'Unknown error, please check your request or try again later.' };

/** Everything that can go wrong on purpose, as data. */
export const FAULTS = {
  'timeout-after-taken': { on: 'order', taken: true, answer: 'none' },
  'timeout-before': { on: 'any', taken: false, answer: 'none' },
  late: { on: 'order', taken: true, late: true, answer: 'none' },
  'reset-after-taken': { on: 'order', taken: true, answer: 'reset' },
  'reset-before': { on: 'any', taken: false, answer: 'reset' },
  'half-reply-taken': { on: 'any', taken: true, answer: 'half' },
  'half-reply-not-taken': { on: 'order', taken: false, answer: 'half' },
  '-1007-taken': { on: 'order', taken: true, answer: { status: 408, code: '-1007' } },
  '-1007-not-taken': { on: 'order', taken: false, answer: { status: 408, code: '-1007' } },
  '-1000-taken': { on: 'order', taken: true, answer: { status: 500, code: '-1000' } },
  /** The 503 of which Binance says that the execution status is unknown. */
  '503-unknown-taken': { on: 'order', taken: true, answer: UNKNOWN_503 },
  '503-unknown-not-taken': { on: 'order', taken: false, answer: UNKNOWN_503 },
  '500-taken': { on: 'order', taken: true, answer: { status: 500, html: true } },
  '500': { on: 'any', taken: false, answer: { status: 500, html: true } },
  '502-taken': { on: 'order', taken: true, answer: { status: 502, html: true } },
  '502': { on: 'any', taken: false, answer: { status: 502, html: true } },
  '503-taken': { on: 'order', taken: true, answer: { status: 503, html: true } },
  '503': { on: 'any', taken: false, answer: { status: 503, html: true } },
  '-1021': { on: 'any', taken: false, answer: { status: 400, code: '-1021' } },
  '429': { on: 'any', taken: false, answer: { status: 429, code: '-1003' } },
  '418': { on: 'any', taken: false, answer: { status: 418, code: '-1003' } },
  '-1008': refused('-1008', 503),
  '-2022': refused('-2022'),
  '-4116': refused('-4116'),
  '-4164': refused('-4164'),
  '-1111': refused('-1111'),
  '-1121': refused('-1121'),
  '-1122': refused('-1122'),
  '-4061': refused('-4061'),
  '-4118': refused('-4118'),
  '-4131': refused('-4131'),
  '-4411': refused('-4411'),
  /** With a status, code and words of one's own choice; -4131 where none is named. */
  refuse: refused('-4131'),
  /** The answer is as it should be, and comes late. */
  slow: { on: 'any', taken: true, answer: null },
  /** A single look-up that denies an order which is there. */
  '-2013': { on: 'look-up', taken: false, answer: { status: 400, code: '-2013' } },
  /** Half of the order fills, the rest expires. */
  'partial-fill': { on: 'order', taken: true, answer: null },
  /** Somebody closes a part of the position by hand, just before the order is matched. */
  'hand-change': { on: 'order', taken: true, answer: null },
  /** The order is taken, and nothing that asks for it is ever answered. */
  unanswering: { on: 'order', taken: true, answer: 'none' },
  /** The list of positions comes empty. */
  'empty-positions': { on: 'positions', taken: true, answer: null },
} as const satisfies Record<string, FaultEntry>;

export type Fault = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[];

/** Of a request that happened to meet the fault: the code that the client was told, null where it was told none. */
export function toldCode(fault: Fault, refusal: BinanceCode | null): BinanceCode | null {
  const { answer } = FAULTS[fault];
  if (answer === null) return refusal;
  return typeof answer === 'object' && 'code' in answer ? answer.code : null;
}
