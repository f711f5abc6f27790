/** The thresholds of the stall alerts: the table, and a file that changes some of them. */
import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';

interface StallLimit {
  /** Its name in a file of limits; null where a file cannot set it. */
  readonly setting: string | null;
  readonly value: number;
  readonly unit: 'R' | 'milliseconds' | 'cycles' | 'confidences' | 'symbols' | 'positions' | 'ids';
  readonly reason: string;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** With fewer, one late cycle would look like a dead feed. Unit: cycles. */
const FEWEST_SILENT_CYCLES = 3;

/** Every threshold of the stall alerts. Times are event time. */
export const STALL_LIMITS = {
  winnerAboveR: {
    setting: 'winner_above_r',
    value: 2,
    unit: 'R',
    reason: 'the lowest profit rung of the current policy',
  },
  heldFor: {
    setting: 'held_for_minutes',
    value: 2 * HOUR_MS,
    unit: 'milliseconds',
    reason: 'some twenty observations in a row that change nothing, and far below the 40 hours that once went unseen',
  },
  unobservedFor: {
    setting: 'unobserved_for_minutes',
    value: HOUR_MS,
    unit: 'milliseconds',
    reason: 'a position is observed every few minutes, and the end of one is on record within minutes too',
  },
  silentCycles: {
    setting: 'silent_cycles',
    value: FEWEST_SILENT_CYCLES,
    unit: 'cycles',
    reason: 'one cycle may fail and the next be slow',
  },
  silentAtLeast: {
    setting: 'silent_minutes',
    value: MINUTE_MS,
    unit: 'milliseconds',
    reason: 'a source that observes every second may be restarted',
  },
  silentAtMost: {
    setting: 'silent_at_most_minutes',
    value: 24 * HOUR_MS,
    unit: 'milliseconds',
    reason: 'whatever the usual interval seems to be, a day without a snapshot is too long',
  },
  reportWithin: {
    setting: 'report_within_minutes',
    value: 5 * MINUTE_MS,
    unit: 'milliseconds',
    reason: 'longer than an order in doubt takes to be resolved, and no longer than intents stay fresh',
  },
  tradeWithin: {
    setting: 'trade_within_minutes',
    value: MINUTE_MS,
    unit: 'milliseconds',
    reason: 'a fill and its trade are written in one step',
  },
  outcomeWithin: {
    setting: 'outcome_within_minutes',
    value: 5 * MINUTE_MS,
    unit: 'milliseconds',
    reason: 'CLM waits for nothing but its turn',
  },
  confidenceWindow: {
    setting: 'confidence_window_minutes',
    value: HOUR_MS,
    unit: 'milliseconds',
    reason: 'models speak anew with every candle',
  },
  confidences: {
    setting: 'confidences',
    value: 20,
    unit: 'confidences',
    reason: 'a model that says the same twenty times has not looked',
  },
  confidenceSymbols: {
    setting: 'confidence_symbols',
    value: 3,
    unit: 'symbols',
    reason: 'two quiet markets may agree by chance',
  },
  keptFor: {
    setting: null,
    value: 48 * HOUR_MS,
    unit: 'milliseconds',
    reason: 'longer than the 40 hours that once went unseen; twice the longest limit where that is more',
  },
  crossing: {
    setting: null,
    value: HOUR_MS,
    unit: 'milliseconds',
    reason: 'an answer may carry an earlier time than its question by as much as clocks differ, and far less than this',
  },
  leap: {
    setting: null,
    value: HOUR_MS,
    unit: 'milliseconds',
    reason: 'many times what lies between two observations: one time stamp alone moves no watermark by more',
  },
  namedPositions: {
    setting: null,
    value: 5,
    unit: 'positions',
    reason: 'enough to start looking, few enough to read',
  },
  namedIds: { setting: null, value: 3, unit: 'ids', reason: 'enough to start looking, few enough to read' },
} as const satisfies Record<string, StallLimit>;

type StallLimitKey = keyof typeof STALL_LIMITS;

/** The thresholds in force, in the units of the table. */
export type StallLimits = Readonly<Record<StallLimitKey, number>>;

/** The table with some limits `changed`. `keptFor` is always longer than any other limit: no limit could be exceeded otherwise. */
export function stallLimits(changed: Partial<StallLimits> = {}): StallLimits {
  const entries = Object.entries(STALL_LIMITS).map(([key, { value }]) => [key, value]);
  const limits = { ...(Object.fromEntries(entries) as StallLimits), ...changed };
  const { heldFor, unobservedFor, silentAtMost, reportWithin, tradeWithin, outcomeWithin, confidenceWindow } = limits;
  const spans = [heldFor, unobservedFor, silentAtMost, reportWithin, tradeWithin, outcomeWithin, confidenceWindow];
  const longest = Math.max(...spans);
  return { ...limits, keptFor: Math.max(limits.keptFor, 2 * longest) };
}

export const DEFAULT_STALL_LIMITS = stallLimits();

/** A year: an alert that comes later than that is none. Unit: minutes. */
const MOST_MINUTES = 366 * 24 * 60;

interface Setting {
  readonly key: StallLimitKey;
  readonly name: string;
  readonly limit: StallLimit;
}

const SETTINGS: readonly Setting[] = Object.entries(STALL_LIMITS).flatMap(([key, limit]) =>
  // The keys are those of the table that it runs over.
  limit.setting === null ? [] : [{ key: key as StallLimitKey, name: limit.setting, limit }],
);

const FILE = z.strictObject(Object.fromEntries(SETTINGS.map(({ name, limit }) => [name, valueOf(limit).optional()])));

function valueOf({ unit }: StallLimit) {
  if (unit === 'R') return z.number().positive();
  if (unit === 'milliseconds') return z.number().positive().max(MOST_MINUTES);
  return unit === 'cycles' ? z.int().min(FEWEST_SILENT_CYCLES) : z.int().positive();
}

/** Checks limits read from `file`; those it leaves out stay as in the table. Throws STALL_LIMITS_INVALID with every failing path at once. */
export function parseStallLimits(value: unknown, file: string): StallLimits {
  const result = FILE.safeParse(value);
  if (!result.success) {
    const problems = result.error.issues.flatMap(problemsOf);
    throw new HarvestlineError('STALL_LIMITS_INVALID', `${file}: ${formatProblems(problems)}`, {
      at: { file },
      problems,
    });
  }
  const changed: Partial<Record<StallLimitKey, number>> = {};
  for (const { key, name, limit } of SETTINGS) {
    const given = result.data[name];
    if (given !== undefined) changed[key] = limit.unit === 'milliseconds' ? Math.round(given * MINUTE_MS) : given;
  }
  return stallLimits(changed);
}

function problemsOf(issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((path) => ({ path, why: 'is no limit' }));
  return [{ path: issue.path.length === 0 ? '(root)' : issue.path.join('.'), why: issue.message }];
}

/** For `--help`, one line a setting: its name, its default, and the reason for it. */
export function settingLines(): readonly string[] {
  return SETTINGS.map(({ name, limit: { value, unit, reason } }) => {
    const usual = unit === 'milliseconds' ? value / MINUTE_MS : value;
    return `${name.padEnd(26)} ${String(usual).padStart(3)}  ${reason}`;
  });
}
