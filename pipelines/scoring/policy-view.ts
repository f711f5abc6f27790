/** A policy in words and tables. */
import { pc, printable } from '../../render/terminal.ts';
import {
  EXIT_FACTORS,
  HOLD_FACTORS,
  type Policy,
  type ConditionName,
  type ClosedFraction,
  type PolicyRule,
} from './policy.ts';
import { plainTable } from '../../render/tables.ts';

const FACTOR_COLUMNS = [
  { head: 'factor' },
  { head: 'side' },
  { head: 'points', align: 'right' },
  { head: 'when' },
] as const;
const RUNG_COLUMNS = [{ head: 'profit rung' }, { head: 'exit points', align: 'right' }] as const;
const RULE_COLUMNS = [{ head: '#', align: 'right' }, { head: 'rule' }, { head: 'does' }] as const;

/** The factors of a policy with points and thresholds, its profit rungs, and its rules in order. */
export function policyLines(policy: Policy): readonly string[] {
  const factors = [
    ...HOLD_FACTORS.map((name) => [name, 'hold'] as const),
    ...EXIT_FACTORS.map((name) => [name, 'exit'] as const),
  ];
  return [
    pc.bold(policy.id),
    printable(policy.description),
    '',
    ...plainTable(
      FACTOR_COLUMNS,
      factors.map(([name, side]) => [name, side, String(policy.points[name]), factorWords(name, policy)]),
    ),
    '',
    ...(policy.profit_rungs.length === 0
      ? ['no profit rungs: profit itself is no reason to leave']
      : plainTable(
          RUNG_COLUMNS,
          policy.profit_rungs.map(({ above_r, points }) => [`R > ${above_r}`, String(points)]),
        )),
    '',
    ...plainTable(RULE_COLUMNS, [
      ...policy.rules.map((rule, index) => [String(index + 1), printable(rule.name), ruleWords(rule)]),
      ['', 'otherwise', 'HOLD'],
    ]),
    '',
    costsWords(policy),
  ];
}

/** When a factor holds under this policy, in words. */
function factorWords(name: ConditionName, { thresholds: t }: Policy): string {
  const words: Readonly<Record<ConditionName, string>> = {
    regime_intact: 'regime as at entry',
    volatility_expanding: `volatility gradient > ${t.expanding_above_gradient}`,
    momentum_strong: `mean step of R > ${t.momentum_above_r}`,
    confidence_intact: degradationWords('>=', t),
    fresh: `age < ${t.fresh_below_hours} h and R > ${t.fresh_above_r}`,
    near_peak: `less than ${percent(t.near_peak_within)} off the peak`,
    regime_changed: 'regime other than at entry',
    volatility_contracting: `volatility gradient <= ${t.expanding_above_gradient}`,
    confidence_degraded: degradationWords('<', t),
    old: `age > ${t.old_above_hours} h and R < ${t.old_below_r}`,
    off_peak: `at least ${percent(t.near_peak_within)} off the peak`,
  };
  return words[name];
}

function degradationWords(sign: '>=' | '<', { degraded_by: by, degraded_on: scale }: Policy['thresholds']): string {
  if (scale === 'log_odds') return `log-odds of confidence ${sign} those at entry - ${by}`;
  return `${scale === 'calibrated' ? 'calibrated ' : ''}confidence ${sign} entry - ${by}`;
}

/** A rule as a sentence: what it does, and when. */
export function ruleWords(rule: PolicyRule): string {
  const what = rule.action === 'CLOSE' ? 'CLOSE' : `PARTIAL_CLOSE ${fractionWords(rule.fraction)}`;
  return `${what} ${whenWords(rule.when)}`;
}

function whenWords(when: PolicyRule['when']): string {
  const words = [
    when.r_above === undefined ? null : `R > ${when.r_above}`,
    when.r_below === undefined ? null : `R < ${when.r_below}`,
    when.exit_above_hold_plus === undefined ? null : `exit > hold${signed(when.exit_above_hold_plus)}`,
    when.exit_at_least_hold_plus === undefined ? null : `exit >= hold${signed(when.exit_at_least_hold_plus)}`,
    when.any_factor === undefined ? null : when.any_factor.join(' or '),
    when.symbol === undefined ? null : `symbol is ${when.symbol.map(printable).join(' or ')}`,
    when.age_minutes_above === undefined ? null : `age > ${when.age_minutes_above} min`,
    when.age_minutes_below === undefined ? null : `age < ${when.age_minutes_below} min`,
    when.gave_back_above === undefined ? null : `gave back > ${percent(when.gave_back_above)} of its best profit`,
    when.stop_hit === undefined ? null : 'the stop is hit',
    when.take_profit_hit === undefined ? null : 'the take profit is hit',
  ].filter((word) => word !== null);
  return words.length === 0 ? 'always' : `when ${words.join(', and ')}`;
}

function fractionWords(formula: ClosedFraction): string {
  if (typeof formula === 'number') return percent(formula);
  if (formula.kind === 'exit_share') return `min(${formula.max}, exit / ${formula.divisor})`;
  const { base, r_divisor, r_max, margin_weight, max } = formula;
  return `min(${max}, ${base} + min(${r_max}, R / ${r_divisor}) + max(0, (exit - hold) * ${margin_weight}))`;
}

/** How R is computed, in words. */
function costsWords({ costs, thresholds }: Policy): string {
  const risk = `risk from the stop at opening, else ${percent(thresholds.default_risk)} of entry`;
  if (costs === null) return `R before costs; ${risk}`;
  return `R after ${percent(costs.taker_fee)} fee a side and ${percent(costs.funding_per_8h)} funding every 8 h; ${risk}`;
}

function signed(points: number): string {
  if (points === 0) return '';
  return points > 0 ? ` + ${points}` : ` - ${-points}`;
}

/** Rounded, since a short decimal times 100 may have a tail in a double. */
function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(12))} %`;
}
