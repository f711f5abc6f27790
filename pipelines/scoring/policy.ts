import { z } from 'zod';
import { HarvestlineError, formatProblems } from '../../errors/harvestline-error.ts';
import legacy from './policies/legacy.json' with { type: 'json' };
import current from './policies/2026-02-07.json' with { type: 'json' };

/** Considerations that speak for holding, and for leaving. The order is that of the tables in policies. */
export const HOLD_FACTORS = [
  'regime_intact',
  'volatility_expanding',
  'momentum_strong',
  'confidence_intact',
  'fresh',
  'near_peak',
] as const;
export const EXIT_FACTORS = [
  'regime_changed',
  'volatility_contracting',
  'confidence_degraded',
  'old',
  'off_peak',
] as const;

/** Profit's own factor: the highest rung that R is above. */
export const PROFIT_RUNG = 'profit_rung';

export type ConditionName = (typeof HOLD_FACTORS)[number] | (typeof EXIT_FACTORS)[number];
export type FactorName = ConditionName | typeof PROFIT_RUNG;

const points = z.number().min(0).max(100);
const ratio = z.number().min(0).max(1);
const fractionLimit = z.number().gt(0).max(1);

const conditions = z.strictObject({
  r_above: z.number().optional(),
  r_below: z.number().optional(),
  /** exit > hold + n */
  exit_above_hold_plus: z.number().optional(),
  /** exit >= hold + n */
  exit_at_least_hold_plus: z.number().optional(),
  any_factor: z
    .array(z.enum([...HOLD_FACTORS, ...EXIT_FACTORS]))
    .min(1)
    .optional(),
  /** The mark is at or beyond stop_price, where there is one. */
  stop_hit: z.literal(true).optional(),
  /** The mark is at or beyond take_profit_price, where there is one. */
  take_profit_hit: z.literal(true).optional(),
});

const fraction = z.discriminatedUnion('kind', [
  /** min(max, exit / divisor) */
  z.strictObject({ kind: z.literal('exit_share'), divisor: z.number().gt(0), max: fractionLimit }),
  /** min(max, base + min(r_max, R / r_divisor) + max(0, (exit - hold) * margin_weight)) */
  z.strictObject({
    kind: z.literal('graded'),
    base: ratio,
    r_divisor: z.number().gt(0),
    r_max: ratio,
    margin_weight: ratio,
    max: fractionLimit,
  }),
]);

const rule = z.discriminatedUnion('action', [
  z.strictObject({ name: z.string().min(1).max(64), when: conditions, action: z.literal('CLOSE') }),
  z.strictObject({ name: z.string().min(1).max(64), when: conditions, action: z.literal('PARTIAL_CLOSE'), fraction }),
]);

/**
 * A policy is data. Points say how much each consideration weighs; the first rule whose conditions all hold decides; no
 * rule is HOLD. Unknown inputs (null) score on neither side.
 */
const policySchema = z.strictObject({
  id: z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, dot, dash and underscore, at most 64'),
  description: z.string().max(1000),
  points: z.strictObject(
    Object.fromEntries([...HOLD_FACTORS, ...EXIT_FACTORS].map((name) => [name, points])) as Record<
      ConditionName,
      typeof points
    >,
  ),
  profit_rungs: z
    .array(z.strictObject({ above_r: z.number(), points }))
    .max(32)
    .refine(
      (rungs) => rungs.every((rung, index) => index === 0 || rung.above_r < (rungs[index - 1]?.above_r ?? Infinity)),
      'must be ordered from the highest above_r down',
    ),
  thresholds: z.strictObject({
    /** Volatility expands when volatility_gradient is above it. Unit: ratio. */
    expanding_above_gradient: z.number(),
    /** Confidence is degraded when it is below confidence_at_entry minus this. Unit: probability. */
    degraded_by: ratio,
    /** Momentum is strong when the mean step of the last two is above it. Unit: R an observation. */
    momentum_above_r: z.number(),
    fresh_below_hours: z.number().min(0),
    fresh_above_r: z.number(),
    old_above_hours: z.number().min(0),
    old_below_r: z.number(),
    /** Near the peak is less than this off it. Unit: ratio of peak_price. */
    near_peak_within: z.number().gt(0).max(1),
    /** Risk a contract where no stop at opening is known. Unit: ratio of entry_price. */
    default_risk: z.number().gt(0).max(1),
  }),
  /** Null: R before costs. Else R after the taker fee of both sides and funding for the time held. Unit: ratios of notional. */
  costs: z.strictObject({ taker_fee: z.number(), funding_per_8h: z.number() }).nullable(),
  rules: z.array(rule).max(32),
});

export type Policy = z.infer<typeof policySchema>;
export type PolicyRule = Policy['rules'][number];
export type FractionFormula = z.infer<typeof fraction>;

/** Checks a policy read from `file`. Throws POLICY_INVALID with every failing path at once. */
export function parsePolicy(value: unknown, file: string): Policy {
  const result = policySchema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({ path: pathText(issue.path), why: issue.message }));
  throw new HarvestlineError('POLICY_INVALID', `${file}: ${formatProblems(problems)}`, { at: { file }, problems });
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '(root)' : text.replace(/^\./, '');
}

/** The policies that come with the program, by id. */
export const BUILT_IN_POLICIES: ReadonlyMap<string, Policy> = new Map(
  [parsePolicy(current, '2026-02-07.json'), parsePolicy(legacy, 'legacy.json')].map((policy) => [policy.id, policy]),
);

/** What scores when nobody says otherwise. */
export const DEFAULT_POLICY_ID = '2026-02-07';

export function defaultPolicy(): Policy {
  const policy = BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID);
  if (policy === undefined) throw new TypeError(`no policy ${DEFAULT_POLICY_ID}`);
  return policy;
}
