/**
 * What happens to a world, in full: its size and every fault with its time. A seed stands for a plan (`planOf`); a plan that was shrunk is a file.
 *
 * SIM-14  Each kind on each entity draws from a stream of its own: a plan without one of its faults is otherwise the same plan. No two seeds
 *         have a fault in common.
 */
import { z } from 'zod';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { Problem } from '../../errors/harvestline-error.ts';
import type { RandomStream } from '../../ports/random.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { FAULT_KIND_NAMES, type Fault, type FaultKind, specOf } from './faults.ts';
import { MARKETS, type SimulatedMarket } from './exchange/simulated-market.ts';
import { PART_OPERATIONS, rolesOf } from './roles.ts';

const faultSchema = z.strictObject({
  kind: z.enum(FAULT_KIND_NAMES),
  at: z.number().nonnegative(),
  forMs: z.number().nonnegative(),
  on: z.string().nullable(),
  much: z.number().min(0).lt(1),
});

export const planSchema = z.strictObject({
  seed: z.int(),
  /** How long faults come. Unit: hours. */
  hours: z.number().positive(),
  /** One position each, on a hedged account at times one on each side, opened again some time after it has ended. Unit: symbols. */
  symbols: z.int().positive(),
  /** Whether each processor has processes of its own. */
  apart: z.boolean(),
  /** Whether a symbol may be held on both sides. */
  hedged: z.boolean(),
  order: z.enum(['market', 'ioc', 'sliced', 'post_only']),
  /** Between two looks of the source at the account. Unit: milliseconds. */
  cycleMs: z.int().positive(),
  /** Timers end on multiples of it. Unit: milliseconds. */
  grainMs: z.int().positive(),
  faults: z.array(faultSchema),
});

export type Plan = z.infer<typeof planSchema>;

export const HOUR_MS = 3_600_000;
const HOURS_PER_DAY = 24;

/** After the last fault of a plan has passed, so that what it broke can mend. Unit: milliseconds. */
export const HEAL_MS = 2 * HOUR_MS;

/** How likely a kind comes at all in a seed: with all kinds at once, each would hide behind the others. */
const KIND_IS_ON = 0.65;

/** How many faults come a day, to each that the kind strikes. */
const A_DAY: Readonly<Record<FaultKind, number>> = {
  broker_away: 3,
  broker_slow: 2,
  append_lost: 4,
  append_reply_lost: 4,
  append_late: 3,
  disk_full: 2,
  commit_lost: 6,
  read_lost: 4,
  rebalance: 4,
  member_fenced: 2,
  redelivered: 3,
  registry_away: 2,
  exchange_away: 3,
  exchange_slow: 2,
  requests_limited: 6,
  address_banned: 2,
  orders_limited: 8,
  order_lost: 1,
  order_reply_lost: 2,
  order_late: 1,
  order_refused: 2,
  symbol_refused: 1,
  order_in_part: 2,
  order_unfilled: 1,
  order_stays_open: 1,
  look_up_lost: 2,
  look_up_denied: 2,
  position_unknown: 3,
  fills_late: 6,
  holding_incomplete: 4,
  candles_missing: 4,
  stops_missing: 4,
  mark_missing: 4,
  charges_missing: 3,
  market_paused: 2,
  price_gap: 3,
  stream_silent: 4,
  stream_gap: 6,
  killed_before: 3,
  killed_in_flight: 3,
  killed_after: 3,
  paused: 3,
  stopped: 2,
  kept_down: 4,
  clock_jumps: 1,
  halted: 6,
  halted_in_flight: 0.5,
  halted_when_announced: 0.5,
  closed_by_hand: 1,
  grown_by_hand: 1,
  liquidated: 0.3,
  calibrated: 12,
  slipped: 12,
  retired: 1,
  signals_stop: 2,
  signals_lie: 2,
  poison: 4,
  wrong_time: 3,
  doubled: 4,
  retention: 2,
  recreated: 1.5,
  target_away: 3,
};

/** Crash points come thick: each waits for one operation of one process. */
const CRASH_KINDS: ReadonlySet<FaultKind> = new Set(['killed_before', 'killed_in_flight', 'killed_after']);

/** Topics that others than this desk may write to. */
const STRUCK_TOPICS = [TOPICS.modelSignal, TOPICS.positionSnapshot, TOPICS.harvestIntent, TOPICS.tradeClosed] as const;

/** The consumer groups of a desk. */
export const STRUCK_GROUPS = ['scoring', 'execution', 'clm', 'watch'] as const;

/** The markets of a world: those of the exchange's table, and beyond them more of the same by other names. */
export function marketsOf(symbols: number): readonly SimulatedMarket[] {
  return Array.from({ length: symbols }, (_, index) => {
    const round = Math.floor(index / MARKETS.length);
    const market = MARKETS[index % MARKETS.length];
    if (market === undefined) throw new TypeError('the exchange has no markets');
    return round === 0 ? market : { ...market, symbol: market.symbol.replace('USDT', `${round + 1}USDT`) };
  });
}

/** What of a plan is not left to its seed. */
export interface PlanSize extends Partial<Pick<Plan, 'hours' | 'symbols' | 'cycleMs' | 'grainMs'>> {
  /** How many times as often as usual each symbol is struck; 1 where left out. */
  readonly density?: number;
}

/** The plan of a seed, which decides what `size` leaves out. */
export function planOf(seed: number, { density = 1, ...size }: PlanSize = {}): Plan {
  const random = new SeededRandom(seed);
  const draw = random.stream('plan');
  const world = {
    seed,
    hours: draw.integer(4, 16),
    symbols: draw.integer(3, 24),
    apart: draw.uniform() < 0.25,
    hedged: draw.uniform() < 0.25,
    order: oneOf(draw, ['ioc', 'ioc', 'market', 'sliced', 'post_only'] as const),
    cycleMs: oneOf(draw, [60_000, 120_000, 240_000] as const),
    grainMs: oneOf(draw, [1, 500, 2500] as const),
    ...size,
  };
  const faults = FAULT_KIND_NAMES.flatMap((kind) => {
    if (random.stream('is on', kind).uniform() >= KIND_IS_ON) return [];
    const times = specOf(kind).strikes === 'symbol' ? density : 1;
    return struckBy(kind, world).flatMap((on) =>
      faultsOn(kind, on, world.hours, times, random.stream('fault', kind, on ?? '')),
    );
  });
  return { ...world, faults: faults.toSorted((one, other) => one.at - other.at) };
}

function faultsOn(kind: FaultKind, on: string | null, hours: number, times: number, draw: RandomStream): Fault[] {
  const wanted = (times * A_DAY[kind] * hours) / HOURS_PER_DAY;
  const count = Math.floor(wanted) + (draw.uniform() < wanted % 1 ? 1 : 0);
  const { form, lastsMs } = specOf(kind);
  return Array.from({ length: count }, () => {
    // Not in the first minutes: there must be something to break.
    const at = draw.integer(5 * 60_000, hours * HOUR_MS);
    const forMs = form === 'next' ? lastsMs : draw.integer(Math.min(1000, lastsMs), lastsMs);
    return { kind, at, forMs, on, much: draw.uniform() };
  });
}

/** Faults that strike nobody of their world: a plan in which somebody was renamed would find nothing. */
export function strangersIn(plan: Plan): readonly Problem[] {
  return plan.faults.flatMap(({ kind, on }, place) =>
    on === null || struckBy(kind, plan).includes(on)
      ? []
      : [{ path: `faults.${place}.on`, why: `${kind} strikes no ${on} in this world` }],
  );
}

/** Whom a kind may strike in a world. */
function struckBy(kind: FaultKind, world: Omit<Plan, 'faults'>): readonly (string | null)[] {
  const { strikes } = specOf(kind);
  if (strikes === 'anything') return [null];
  if (strikes === 'symbol') return marketsOf(world.symbols).map(({ symbol }) => symbol);
  if (strikes === 'group') return STRUCK_GROUPS;
  if (strikes === 'topic') return STRUCK_TOPICS.map(({ name }) => name);
  const roles = rolesOf(world);
  if (!CRASH_KINDS.has(kind)) return roles.map(({ role }) => role);
  return roles.flatMap(({ role, parts }) =>
    [...new Set(parts.flatMap((part) => PART_OPERATIONS[part]))].map((operation) => `${role}:${operation}`),
  );
}

function oneOf<T>(draw: RandomStream, choices: readonly T[]): T {
  const chosen = choices[draw.integer(0, choices.length - 1)];
  if (chosen === undefined) throw new TypeError('nothing to choose from');
  return chosen;
}
