import { z } from 'zod';
import { type AnswerChange, CHANGE_NAMES } from './answers.ts';
import type { BinanceServer } from './binance-server.ts';
import { type OneShot, FAULT_NAMES } from './faults.ts';
import { STREAM_FAULTS } from './stream-server.ts';

/** Faults on the control port: their schemas, and how they are added, listed and removed. */

const milliseconds = z.int().min(0).max(600_000);
const path = z.string().startsWith('/');
const symbol = z.string().min(1);

const often = z.union([z.int().min(1).max(1_000_000), z.literal('always')]).optional();

/** The requests that a fault affects; by default those to which it belongs by its nature. */
const WHERE = {
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']).optional(),
  path: path.optional(),
  symbol: symbol.optional(),
  clientOrderId: z.string().optional(),
  /** `always`: until the fault is removed. */
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
  /** False: only the message names the end of the ban. */
  retryAfter: z.boolean().optional(),
});

/** The affected streams: the account's events, the mark prices, or both where left out. */
const of = z.enum(['account', 'marks']).optional();

/** Lasts until it is removed. */
const StreamState = z.strictObject({ fault: z.enum(['stream-silent', 'stream-refused']), of });

const StreamEvents = z.strictObject({
  fault: z.enum(STREAM_FAULTS).exclude(['stream-silent', 'stream-refused']),
  of,
  times: often,
});

/** Takes effect at once. */
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

/** A fault, a list of faults, or the probabilities of random faults. */
export const FAULTS_GIVEN = z.union([Chances, z.array(GIVEN).min(1), GIVEN]);

type Given = z.infer<typeof GIVEN>;

/** Adds faults and returns their ids; null for those that take effect at once. */
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

/** Removes one fault, or all of them with random faults and bans. */
export function removeFaults(server: BinanceServer, id: number | null): unknown {
  const standing = [server.faults, server.changes, server.streams.faults];
  if (id !== null) return { removed: Number(standing.some((one) => one.remove(id))) };
  const removed = standing.reduce((sum, one) => sum + one.list().length, 0);
  for (const one of standing) one.clear();
  server.ban({ until: 0, retryAfter: true });
  server.lift();
  return { removed };
}

/** The object without undefined fields. */
function present(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
