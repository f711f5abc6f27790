/** What a policy is: its schema, its check, its text, and the policies that come with the program. */
import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import legacy from './policies/legacy.json' with { type: 'json' };
import current from './policies/2026-02-07.json' with { type: 'json' };

/** The factors for holding and for leaving, in the order in which policies are shown. */
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

/** The scales on which a drop of confidence can be measured. */
const DEGRADATION_SCALES = ['raw', 'log_odds', 'calibrated'] as const;

/** The greatest drop that makes sense: from 1 - 1e-6 to 1e-6 it is 27.6. Unit: log-odds. */
const MOST_LOG_ODDS = 28;

/** A position that was hardly ever in profit can give back many times its best. Unit: ratio of the best profit. */
const MOST_GIVEN_BACK = 1000;

/** The factor of profit: the highest rung that R is above. */
export const PROFIT_RUNG = 'profit_rung';

export type ConditionName = (typeof HOLD_FACTORS)[number] | (typeof EXIT_FACTORS)[number];
export type FactorName = ConditionName | typeof PROFIT_RUNG;

const POINTS_DOCS: Readonly<Record<ConditionName, string>> = {
  regime_intact: 'For holding: the regime is the one at entry.',
  volatility_expanding: 'For holding: volatility_gradient is above expanding_above_gradient.',
  momentum_strong: 'For holding: the mean step of the last two R is above momentum_above_r.',
  confidence_intact: 'For holding: confidence is not degraded.',
  fresh: 'For holding: open for less than fresh_below_hours, and R above fresh_above_r.',
  near_peak: 'For holding: less than near_peak_within off the best price since opening.',
  regime_changed: 'For leaving: the regime is another than at entry.',
  volatility_contracting: 'For leaving: volatility is known and not expanding.',
  confidence_degraded:
    'For leaving: confidence is below confidence_at_entry by more than degraded_by, on the scale of degraded_on.',
  old: 'For leaving: open for more than old_above_hours, and R below old_below_r.',
  off_peak: 'For leaving: not near the peak.',
};

const points = z.number().min(0).max(100);
const ratio = z.number().min(0).max(1);
const fractionLimit = z.number().gt(0).max(1);

export const MOST_RULES = 32;

const conditions = z
  .strictObject({
    r_above: z.number().optional().describe('R is above it. Unit: R.'),
    r_below: z.number().optional().describe('R is below it. Unit: R.'),
    exit_above_hold_plus: z
      .number()
      .optional()
      .describe('The exit score is above the hold score plus this. Unit: points.'),
    exit_at_least_hold_plus: z
      .number()
      .optional()
      .describe('The exit score is at least the hold score plus this. Unit: points.'),
    any_factor: z
      .array(z.enum([...HOLD_FACTORS, ...EXIT_FACTORS]))
      .min(1)
      .optional()
      .describe('At least one of these factors holds, whether or not it has points.'),
    symbol: z
      .array(z.string().min(1).max(64))
      .min(1)
      .optional()
      .describe('The symbol of the position is one of these, letter by letter.'),
    age_minutes_above: z.number().min(0).optional().describe('Open for more than this. Unit: minutes.'),
    age_minutes_below: z.number().min(0).optional().describe('Open for less than this. Unit: minutes.'),
    gave_back_above: z
      .number()
      .min(0)
      .max(MOST_GIVEN_BACK)
      .optional()
      .describe(
        'More than this share of the best profit was given back: (peak - mark) / (peak - entry) for LONG, (mark - peak) / (entry - peak) for SHORT, before costs; above 1 the profit has become a loss. Never where the peak was no better than the entry. Unit: ratio of the best profit.',
      ),
    stop_hit: z.literal(true).optional().describe('The mark is at or beyond stop_price. Never where there is none.'),
    take_profit_hit: z
      .literal(true)
      .optional()
      .describe('The mark is at or beyond take_profit_price. Never where there is none.'),
  })
  .describe('All of them must hold. None at all always holds.');

const formula = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('exit_share'),
      divisor: z.number().gt(0).describe('What the exit score is divided by. Unit: points.'),
      max: fractionLimit.describe('Never more than this. Unit: fraction of the position.'),
    })
    .describe('min(max, exit / divisor)'),
  z
    .strictObject({
      kind: z.literal('graded'),
      base: ratio.describe('Where the fraction begins. Unit: fraction of the position.'),
      r_divisor: z.number().gt(0).describe('What R is divided by. Unit: R.'),
      r_max: ratio.describe('The most that R adds. A negative R takes away without limit. Unit: fraction.'),
      margin_weight: ratio.describe('What each point of exit over hold adds. Unit: fraction a point.'),
      max: fractionLimit.describe('Never more than this. Unit: fraction of the position.'),
    })
    .describe('min(max, base + min(r_max, R / r_divisor) + max(0, (exit - hold) * margin_weight))'),
]);

/** A share that is always the same, or a formula. */
const fraction = z.union([fractionLimit, formula]);

const ruleName = z
  .string()
  .min(1)
  .max(64)
  .describe('The reason of decisions by this rule, and the exit_reason of their trades.');

/** The order styles of `run --order`. */
const ORDERS = ['market', 'ioc', 'sliced', 'post_only'] as const;

const order = z
  .enum(ORDERS)
  .optional()
  .describe(
    'How the order is sent: market, ioc, sliced or post_only. Left out: as the desk says (run --order). A CLOSE is never left resting: post_only is sent as ioc.',
  );

export const ruleSchema = z.discriminatedUnion('action', [
  z.strictObject({
    name: ruleName,
    when: conditions,
    action: z.literal('CLOSE').describe('Close the whole position.'),
    order,
  }),
  z.strictObject({
    name: ruleName,
    when: conditions,
    action: z.literal('PARTIAL_CLOSE').describe('Close a fraction of it.'),
    order,
    fraction: fraction.describe(
      'Always the same share (0.5), or a formula of the scores and R. Rounded to two decimals; what rounds to 0 or less is a HOLD. Unit: fraction of the position.',
    ),
  }),
]);

export const pointsSchema = z
  .strictObject(
    Object.fromEntries(
      [...HOLD_FACTORS, ...EXIT_FACTORS].map((name) => [name, points.describe(POINTS_DOCS[name])]),
    ) as Record<ConditionName, typeof points>,
  )
  .describe('What each factor adds to its side. With 0 it is only a condition. Unit: points.');

export const thresholdsSchema = z.strictObject({
  expanding_above_gradient: z
    .number()
    .describe('Volatility expands when volatility_gradient is above it. Unit: ratio.'),
  degraded_by: z
    .number()
    .min(0)
    .max(MOST_LOG_ODDS)
    .describe(
      'Confidence is degraded when it is below confidence_at_entry minus this. Unit: probability (at most 1), or log-odds where degraded_on says so.',
    ),
  degraded_on: z
    .enum(DEGRADATION_SCALES)
    .optional()
    .describe(
      'What degraded_by is measured on. raw (the default): confidence as the model said it, so that no confidence map can mute the factor. log_odds: log-odds of raw confidence. calibrated: confidence as the map in force gives it.',
    ),
  momentum_above_r: z
    .number()
    .describe('Momentum is strong when the mean step of the last two R is above it. Unit: R an observation.'),
  fresh_below_hours: z.number().min(0).describe('Fresh is open for less than this. Unit: hours.'),
  fresh_above_r: z.number().describe('Fresh needs an R above this. Unit: R.'),
  old_above_hours: z.number().min(0).describe('Old is open for more than this. Unit: hours.'),
  old_below_r: z.number().describe('Old needs an R below this. Unit: R.'),
  near_peak_within: z
    .number()
    .gt(0)
    .max(1)
    .describe('Near the peak is less than this off it. Unit: ratio of peak_price.'),
  default_risk: z
    .number()
    .gt(0)
    .max(1)
    .describe('Risk a contract where no stop at opening is known. Unit: ratio of entry_price.'),
});

/**
 * A policy is data. Points say how much each consideration weighs; the first rule whose conditions all hold decides; no
 * rule is HOLD. Unknown inputs (null) score on neither side. The descriptions are what editors (policy.schema.json) and
 * docs/policies.md show.
 */
export const policyFileSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors: the path of policy.schema.json. Decides nothing.'),
  id: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'letters, digits, dot, dash and underscore, at most 64')
    .describe(
      'Names the policy in every decision and intent. A policy that was in use never changes: a new one gets a new id.',
    ),
  description: z.string().max(1000).describe('What it is for.'),
  points: pointsSchema,
  profit_rungs: z
    .array(
      z.strictObject({
        above_r: z.number().describe('The rung counts when R is above it. Unit: R.'),
        points: points.describe('What it adds for leaving. Unit: points.'),
      }),
    )
    .max(32)
    .refine(
      (rungs) => rungs.every((rung, index) => index === 0 || rung.above_r < (rungs[index - 1]?.above_r ?? Infinity)),
      'must be ordered from the highest above_r down',
    )
    .describe('For leaving: the highest rung that R is above, and no other. Ordered from the highest above_r down.'),
  thresholds: thresholdsSchema
    .refine(({ degraded_by: by, degraded_on: scale }) => scale === 'log_odds' || by <= 1, {
      path: ['degraded_by'],
      message: 'Too big: expected number to be <=1, unless degraded_on is log_odds',
    })
    .describe('Where the factors begin to hold.'),
  costs: z
    .strictObject({
      taker_fee: z.number().describe('Paid on entry and on exit. Unit: ratio of notional.'),
      funding_per_8h: z.number().describe('Paid every eight hours that the position is open. Unit: ratio of notional.'),
    })
    .nullable()
    .describe('Null: R before costs. Else R after the taker fee of both sides and funding for the time held.'),
  rules: z
    .array(ruleSchema)
    .max(MOST_RULES)
    .describe('In order: the first whose conditions all hold decides. None of them: HOLD.'),
});

export type Policy = Omit<z.infer<typeof policyFileSchema>, '$schema'>;
export type PolicyRule = Policy['rules'][number];
export type ClosedFraction = z.infer<typeof fraction>;

/** The schema of a whole policy as JSON Schema. It lacks what `refine` checks. */
export function policyJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(policyFileSchema, { target: 'draft-7', io: 'input' });
}

/** Checks a whole policy read from `file`. Throws POLICY_INVALID with every failing path at once. */
export function parsePolicy(value: unknown, file: string): Policy {
  const { policy, problems } = checkPolicy(value);
  if (policy === null) throw policyInvalid(file, problems);
  return policy;
}

/** The policy, or every problem of it by path. */
export function checkPolicy(value: unknown): {
  readonly policy: Policy | null;
  readonly problems: readonly Problem[];
} {
  const result = policyFileSchema.safeParse(value);
  if (!result.success) return { policy: null, problems: result.error.issues.flatMap((issue) => problemsOf(issue, [])) };
  const { $schema: _forEditors, ...policy } = result.data;
  return { policy, problems: [] };
}

export function policyInvalid(file: string, problems: readonly Problem[]): HarvestlineError {
  return new HarvestlineError('POLICY_INVALID', `${file}: ${formatProblems(problems)}`, { at: { file }, problems });
}

type Issue = z.core.$ZodIssue;

/** An issue as problems. `above` is the path of the union that it is inside of. */
function problemsOf(issue: Issue, above: readonly PropertyKey[]): readonly Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: pathText([...path, key]), why: 'is not a key of a policy' }));
  if (issue.code !== 'invalid_union' || issue.errors.length === 0)
    return [{ path: pathText(path), why: issue.message }];
  // Of the shapes that a value may have, the one whose type it has.
  const meant = issue.errors.find((issues) => !issues.some(isOfAnotherType));
  if (meant !== undefined) return meant.flatMap((inner) => problemsOf(inner, path));
  const types = issue.errors.flat().flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : []));
  return [{ path: pathText(path), why: `Invalid input: expected ${[...new Set(types)].join(' or ')}` }];
}

function isOfAnotherType({ code, path }: Issue): boolean {
  return code === 'invalid_type' && path.length === 0;
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '(root)' : text.replace(/^\./, '');
}

/** The policies that come with the program, by id. */
export const BUILT_IN_POLICIES: ReadonlyMap<string, Policy> = new Map(
  [parsePolicy(current, '2026-02-07.json'), parsePolicy(legacy, 'legacy.json')].map((policy) => [policy.id, policy]),
);

/** The policy that scores where no other is chosen. */
export const DEFAULT_POLICY_ID = '2026-02-07';

export function defaultPolicy(): Policy {
  const policy = BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID);
  if (policy === undefined) throw new TypeError(`no policy ${DEFAULT_POLICY_ID}`);
  return policy;
}

/**
 * A policy as canonical JSON: names in ascending order, no white space. So equal policies have equal digests, whatever file they came from.
 */
export function policyText(policy: Policy): string {
  return canonicalJson(policy);
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
