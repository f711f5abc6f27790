import { z } from 'zod';
import { type AnswerChange, CHANGE_NAMES } from './answers.ts';
import type { BinanceServer } from './binance-server.ts';
import { type OneShot, FAULT_NAMES } from './faults.ts';
import { STREAM_FAULTS } from './stream-server.ts';

/** The faults as they are asked for and listed through the control port. */

const milliseconds = z.int().min(0).max(600_000);
const path = z.string().startsWith('/');
const symbol = z.string().min(1);

const often = z.union([z.int().min(1).max(1_000_000), z.literal('always')]).optional();

/** Of which requests: those of the order, look-up or question that the fault belongs to, where no path is named. */
const WHERE = {
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']).optional(),
  path: path.optional(),
  symbol: symbol.optional(),
  clientOrderId: z.string().optional(),
  /** `always`: until it is removed. */
  times: often,
};

const RequestFault = z.strictObject({
  ...WHERE,
  fault: z.enum(FAULT_NAMES.filter((name) => name !== 'refuse')),
  holdMs: milliseconds.optional(),
  delayMs: milliseconds.optional(),
  retryAfterS: z.number().min(0).nullable().optional(),
});

const Refusal = z.strictObject({
  ...WHERE,
  fault: z.literal('refuse'),
  code: z.int(),
  msg: z.string().optional(),
  status: z.int().min(400).max(599).optional(),
});

const Lie = z.strictObject({ fault: z.enum(CHANGE_NAMES), symbol });

const ChosenLie = z.strictObject({
  fault: z.literal('change-answer'),
  symbol,
  path,
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).nullable(),
});

const OldFills = z.strictObject({
  fault: z.literal('old-fills-refused'),
  days: z.number().positive(),
  symbol: symbol.optional(),
});

const Ban = z.strictObject({
  fault: z.literal('ban'),
  seconds: z.number().positive(),
  /** False: only the words say until when. */
  retryAfter: z.boolean().optional(),
});

/** Of the account's events, of the mark prices, or of both where it is left out. */
const of = z.enum(['account', 'marks']).optional();

/** Silent and refused stand until they are removed. */
const StreamState = z.strictObject({ fault: z.enum(['stream-silent', 'stream-refused']), of });

const StreamEvents = z.strictObject({
  fault: z.enum(STREAM_FAULTS).exclude(['stream-silent', 'stream-refused']),
  of,
  times: often,
});

/** Happens at once. */
const StreamEnd = z.strictObject({ fault: z.literal('stream-dropped'), of });
const KeyEnd = z.strictObject({ fault: z.literal('listen-key-expired') });

const Chances = z.strictObject({ chances: z.partialRecord(z.enum(FAULT_NAMES), z.number().min(0).max(1)) });

const GIVEN = z.discriminatedUnion('fault', [
  RequestFault,
  Refusal,
  Lie,
  ChosenLie,
  OldFills,
  Ban,
  StreamState,
  StreamEvents,
  StreamEnd,
  KeyEnd,
]);

/** One fault, a list of them, or chances of faults at random. */
export const FAULTS_GIVEN = z.union([Chances, z.array(GIVEN).min(1), GIVEN]);

type Given = z.infer<typeof GIVEN>;

/** The ids of what stands or waits now: null of what has none. */
export function askForFaults(server: BinanceServer, given: z.infer<typeof FAULTS_GIVEN>): unknown {
  if ('chances' in given) {
    server.faults.byChance(given.chances);
    return { chances: given.chances };
  }
  return { ids: [given].flat().map((one) => askFor(server, one)) };
}

function askFor(server: BinanceServer, given: Given): number | null {
  switch (given.fault) {
    case 'ban': {
      const until = server.exchange.now() + given.seconds * 1000;
      server.ban({ until, retryAfter: given.retryAfter ?? true });
      return null;
    }
    case 'stream-silent':
    case 'stream-refused':
    case 'events-lost':
    case 'events-duplicated':
    case 'events-out-of-order': {
      const asked = 'times' in given ? (given.times ?? 1) : given.fault.startsWith('stream-') ? 'always' : 1;
      const { fault, of: kind } = given;
      return server.streams.faults.add({
        fault,
        times: asked === 'always' ? Infinity : asked,
        ...(kind === undefined ? {} : { of: kind }),
      });
    }
    case 'stream-dropped':
      server.streams.drop(given.of);
      return null;
    case 'listen-key-expired':
      server.streams.expireListenKey();
      return null;
    case 'refuse': {
      const { code, msg = 'Refused on request.', status = 400, times, ...where } = given;
      return waits(server, { ...where, times, reply: { status, code, msg } });
    }
    case 'mark-zero':
    case 'entry-zero':
    case 'entry-absent':
    case 'symbol-dropped':
    case 'change-answer':
    case 'old-fills-refused':
      return server.changes.add(present(given) as AnswerChange);
    default:
      return waits(server, given);
  }
}

function waits(
  server: BinanceServer,
  {
    times = 1,
    ...given
  }: { readonly fault: string; readonly times?: number | 'always' | undefined; [name: string]: unknown },
): number | null {
  const asked = { ...present(given), times: times === 'always' ? Infinity : times } as unknown as OneShot;
  return server.faults.add(asked)[0] ?? null;
}

export function listFaults({ faults, changes, streams, banned }: BinanceServer): unknown {
  return {
    faults: [
      ...faults.list().map(({ id, given: { times: _times, reply, ...given }, left }) => ({
        id,
        ...given,
        ...reply,
        times: left === Infinity ? 'always' : left,
      })),
      ...changes.list().map(([id, change]) => ({ id, ...change, times: 'always' })),
      ...streams.faults.list().map(({ left, times: _times, ...given }) => ({
        ...given,
        times: left === Infinity ? 'always' : left,
      })),
      ...(banned === null ? [] : [{ fault: 'ban', ...banned }]),
    ],
    chances: faults.chances,
  };
}

/** One, or all of them, chances and a ban too. */
export function removeFaults(server: BinanceServer, id: number | null): unknown {
  const standing = [server.faults, server.changes, server.streams.faults];
  if (id !== null) return { removed: Number(standing.some((one) => one.remove(id))) };
  const removed = standing.reduce((sum, one) => sum + one.list().length, 0);
  for (const one of standing) one.clear();
  server.ban({ until: 0, retryAfter: true });
  server.lift();
  return { removed };
}

/** Without what was left out. */
function present(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
