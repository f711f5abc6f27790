import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import {
  FEWEST_SILENT_CYCLES,
  MINUTE_MS,
  STALL_LIMITS,
  type StallLimit,
  type StallLimitKey,
  type StallLimits,
  stallLimits,
} from './stall-limits.ts';

/** A year: whoever wants an alert later than that wants none. Unit: minutes. */
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

/** Checks limits read from `file`; what it leaves out is as in the table. Throws STALL_LIMITS_INVALID with every failing path at once. */
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

/** A line for each setting: its name, what it is without a file, and why. */
export function settingLines(): readonly string[] {
  return SETTINGS.map(({ name, limit: { value, unit, reason } }) => {
    const usual = unit === 'milliseconds' ? value / MINUTE_MS : value;
    return `${name.padEnd(26)} ${String(usual).padStart(3)}  ${reason}`;
  });
}
