/** The check of policy files: everything that is wrong with them, and warnings about what is legal but hardly meant. */
import { isDeepStrictEqual } from 'node:util';
import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import { judgesCalibrated, whyNeverDegraded } from './confidence-map.ts';
import { type Policy, BUILT_IN_POLICIES, type ClosedFraction, type PolicyRule, EXIT_FACTORS } from './policy.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { HOLD_REASONS, ROUNDS_TO_NOTHING_BELOW } from './evaluate.ts';

export interface PolicyFinding extends Problem {
  readonly level: 'problem' | 'warning';
  readonly file: string;
}

export type MapInForce = Pick<ConfidenceCalibration, 'model_id' | 'version' | 'map'>;

/** Reads a policy file. Throws USAGE where it cannot be read, POLICY_INVALID where it holds no policy. */
type ReadPolicy = (file: string) => Policy;

/** All problems and warnings of these files. `mapsInForce` is called only where a policy judges mapped confidence. */
export async function checkPolicies(
  files: readonly string[],
  read: ReadPolicy,
  mapsInForce: () => Promise<readonly MapInForce[]>,
): Promise<readonly PolicyFinding[]> {
  const checked = files.map((file) => checkFile(file, read));
  const findings = checked.flatMap((one, index) => [...one.findings, ...sharedId(one, checked.slice(0, index))]);
  const mapped = checked.flatMap(({ file, policy }) =>
    policy !== null && judgesCalibrated(policy) ? [{ file, policy }] : [],
  );
  if (mapped.length === 0) return findings;
  const inForce = await mapsInForce();
  return [...findings, ...mapped.flatMap(({ file, policy }) => unreachableByMap(file, policy, inForce))];
}

/** A warning where an earlier file holds another policy of the same id. */
function sharedId({ file, policy }: CheckedFile, earlier: readonly CheckedFile[]): readonly PolicyFinding[] {
  if (policy === null) return [];
  const twin = earlier.find((other) => other.policy?.id === policy.id && !isDeepStrictEqual(other.policy, policy));
  if (twin === undefined) return [];
  const why = `is that of ${twin.file}, too, which is another policy: intents would name both alike`;
  return [{ level: 'warning', file, path: 'id', why }];
}

/** Warnings where no confidence that a map in force gives can count as degraded. */
function unreachableByMap(file: string, policy: Policy, inForce: readonly MapInForce[]): readonly PolicyFinding[] {
  return inForce.flatMap(({ model_id: model, version, map }): readonly PolicyFinding[] => {
    const why = whyNeverDegraded(policy, map);
    if (why === null) return [];
    return [{ level: 'warning', file, path: 'thresholds.degraded_by', why: `${why} (${version} of ${model})` }];
  });
}

interface CheckedFile {
  readonly file: string;
  /** Null where the file holds no policy. */
  readonly policy: Policy | null;
  readonly findings: readonly PolicyFinding[];
}

function checkFile(file: string, read: ReadPolicy): CheckedFile {
  try {
    const policy = read(file);
    return { file, policy, findings: lintPolicy(policy).map((problem) => ({ level: 'warning', file, ...problem })) };
  } catch (thrown) {
    // One file that cannot be read does not hide the findings in others.
    if (!isKind(thrown, 'poison') && !isKind(thrown, 'usage')) throw thrown;
    const problems = thrown.problems.length > 0 ? thrown.problems : [{ path: '(root)', why: thrown.message }];
    return { file, policy: null, findings: problems.map((problem) => ({ level: 'problem', file, ...problem })) };
  }
}

/**
 * Warnings about a policy, by path. A policy with warnings still scores.
 *
 * SCO-1  A policy without a CLOSE that can be reached gets one warning, at `rules`: it never closes a position completely.
 * SCO-2  Thresholds and rungs that contradict each other get a warning at the one to change.
 * SCO-3  The id of a built-in policy with other content gets a warning: records would name the wrong policy.
 * SCO-4  A reason that two outcomes share gets a warning: exit_reason could not tell which of them it was.
 */
export function lintPolicy(policy: Policy): readonly Problem[] {
  return [...idWarnings(policy), ...rungWarnings(policy), ...thresholdWarnings(policy), ...ruleWarnings(policy)];
}

function idWarnings(policy: Policy): readonly Problem[] {
  const builtIn = BUILT_IN_POLICIES.get(policy.id);
  if (builtIn === undefined || isDeepStrictEqual(builtIn, policy)) return [];
  return [
    { path: 'id', why: `is that of a built-in policy, ${policy.id}, with other content: give it an id of its own` },
  ];
}

function rungWarnings({ profit_rungs: rungs }: Policy): readonly Problem[] {
  return rungs.flatMap(({ above_r, points }, index) => {
    const lower = rungs[index + 1];
    if (lower === undefined || points >= lower.points) return [];
    const why = `${points} above R ${above_r} is less than ${lower.points} above R ${lower.above_r}: more profit, less reason to leave`;
    return [{ path: `profit_rungs[${index}].points`, why }];
  });
}

function thresholdWarnings({ thresholds: t }: Policy): readonly Problem[] {
  const warnings: Problem[] = [];
  const warn = (name: keyof typeof t, why: string): void => void warnings.push({ path: `thresholds.${name}`, why });
  if (t.fresh_below_hours > t.old_above_hours && t.fresh_above_r < t.old_below_r)
    warn(
      'old_above_hours',
      `is below fresh_below_hours ${t.fresh_below_hours}: a position can be fresh and old at once`,
    );
  if (t.momentum_above_r < 0) warn('momentum_above_r', 'is below 0: a falling R counts as strong momentum');
  if (t.expanding_above_gradient < 0)
    warn('expanding_above_gradient', 'is below 0: a shrinking volatility counts as expanding');
  return warnings;
}

function ruleWarnings(policy: Policy): readonly Problem[] {
  const { rules } = policy;
  const unreachable = rules.map((_, index) => whyUnreachable(policy, index));
  const warnings = rules.flatMap((rule, index): readonly Problem[] => {
    const path = `rules[${index}]`;
    const why = unreachable[index] ?? null;
    const ambiguous = whyAmbiguous(policy, index);
    const limits = rule.action === 'PARTIAL_CLOSE' ? whyConstant(rule.fraction) : null;
    return [
      ...(why === null ? [] : [{ path, why: `${rule.name} ${why}` }]),
      ...(ambiguous === null ? [] : [{ path: `${path}.name`, why: ambiguous }]),
      ...(limits === null ? [] : [{ path: `${path}.fraction`, why: limits }]),
    ];
  });
  const closes = rules.some(({ action }, index) => action === 'CLOSE' && unreachable[index] === null);
  return closes
    ? warnings
    : [{ path: 'rules', why: 'can never CLOSE: no rule that can be reached closes a position' }, ...warnings];
}

/** The reasons of HOLDs, which no rule may have as its name. */
const RESERVED: ReadonlySet<string> = new Set(Object.values(HOLD_REASONS));

function whyAmbiguous({ rules }: Policy, index: number): string | null {
  const name = rules[index]?.name ?? '';
  if (RESERVED.has(name)) return `${name} is the reason of a HOLD`;
  const first = rules.findIndex((rule) => rule.name === name);
  return first === index ? null : `${name} is the name of rules[${first}], too`;
}

function whyConstant(formula: ClosedFraction): string | null {
  if (typeof formula === 'number')
    return formula < ROUNDS_TO_NOTHING_BELOW ? `${formula} rounds to 0: the rule always holds` : null;
  if (formula.max < ROUNDS_TO_NOTHING_BELOW) return `max ${formula.max} rounds to 0: the rule always holds`;
  if (formula.kind === 'graded' && formula.base > formula.max)
    return `base ${formula.base} is above max ${formula.max}: only a loss brings it below max`;
  return null;
}

type When = PolicyRule['when'];

/**
 * Why the rule at `index` can never decide; null where none of the reasons checked here applies.
 *
 * SCO-5  A rule that is called unreachable never decides, whatever the snapshot. The reverse is not promised: there may be other reasons.
 */
export function whyUnreachable(policy: Policy, index: number): string | null {
  const rule = policy.rules[index];
  if (rule === undefined) return null;
  const { when } = rule;
  if (when.r_above !== undefined && when.r_below !== undefined && when.r_above >= when.r_below)
    return `can never hold: no R is above ${when.r_above} and below ${when.r_below}`;
  const { age_minutes_above: older, age_minutes_below: younger } = when;
  if (older !== undefined && younger !== undefined && older >= younger)
    return `can never hold: no age is above ${older} min and below ${younger} min`;
  if (younger === 0) return 'can never hold: no age is below 0 min';
  const most = mostExitOverHold(policy, when);
  if (when.exit_above_hold_plus !== undefined && most <= when.exit_above_hold_plus)
    return `can never hold: exit is at most ${most} over hold, not above ${when.exit_above_hold_plus}`;
  if (when.exit_at_least_hold_plus !== undefined && most < when.exit_at_least_hold_plus)
    return `can never hold: exit is at most ${most} over hold, not ${when.exit_at_least_hold_plus}`;
  const earlier = policy.rules.slice(0, index).find((candidate) => impliesAll(when, candidate.when));
  return earlier === undefined ? null : `is never reached: whenever it holds, ${earlier.name} has decided already`;
}

/** True where every snapshot that meets `when` also meets all conditions of `of`. */
function impliesAll(when: When, of: When): boolean {
  return (
    (of.r_above === undefined || (when.r_above !== undefined && when.r_above >= of.r_above)) &&
    (of.r_below === undefined || (when.r_below !== undefined && when.r_below <= of.r_below)) &&
    (of.exit_above_hold_plus === undefined || marginAbove(when, of.exit_above_hold_plus)) &&
    (of.exit_at_least_hold_plus === undefined || marginAtLeast(when, of.exit_at_least_hold_plus)) &&
    (of.any_factor === undefined || when.any_factor?.every((name) => of.any_factor?.includes(name)) === true) &&
    (of.symbol === undefined || when.symbol?.every((symbol) => of.symbol?.includes(symbol)) === true) &&
    (of.age_minutes_above === undefined || (when.age_minutes_above ?? -Infinity) >= of.age_minutes_above) &&
    (of.age_minutes_below === undefined || (when.age_minutes_below ?? Infinity) <= of.age_minutes_below) &&
    (of.gave_back_above === undefined || (when.gave_back_above ?? -Infinity) >= of.gave_back_above) &&
    (of.stop_hit === undefined || when.stop_hit === true) &&
    (of.take_profit_hit === undefined || when.take_profit_hit === true)
  );
}

function marginAbove({ exit_above_hold_plus: above, exit_at_least_hold_plus: atLeast }: When, margin: number): boolean {
  return (above !== undefined && above >= margin) || (atLeast !== undefined && atLeast > margin);
}

function marginAtLeast(
  { exit_above_hold_plus: above, exit_at_least_hold_plus: atLeast }: When,
  margin: number,
): boolean {
  return (above !== undefined && above >= margin) || (atLeast !== undefined && atLeast >= margin);
}

/**
 * An upper bound of exit score minus hold score where R is within the rule's bounds: hold is taken as 0, and every factor for leaving that R allows
 * as met. -Infinity where no R is within the bounds. Unit: points.
 */
function mostExitOverHold({ points, profit_rungs: rungs, thresholds }: Policy, when: PolicyRule['when']): number {
  const above = when.r_above ?? -Infinity;
  const below = when.r_below ?? Infinity;
  // Below all rungs is one more band, without points.
  const bands = [...rungs, { above_r: -Infinity, points: 0 }];
  const always = EXIT_FACTORS.reduce((sum, name) => (name === 'old' ? sum : sum + points[name]), 0);
  return bands.reduce((most, band, index) => {
    const from = Math.max(above, band.above_r);
    // The band includes its top: the next rung needs an R above it.
    const to = bands[index - 1]?.above_r ?? Infinity;
    const empty = from >= below || from >= to;
    if (empty) return most;
    const old = from < thresholds.old_below_r ? points.old : 0;
    return Math.max(most, always + old + band.points);
  }, -Infinity);
}
