import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { plain } from '../../render/figures.ts';
import type { ComparisonFigures } from './comparison.ts';

/** The figures that a condition can name. */
const FIGURES = {
  flips: { share: true, of: ({ flips }) => flips },
  close_flips: { share: true, of: ({ close_flips }) => close_flips },
  hold_flips: { share: true, of: ({ hold_flips }) => hold_flips },
  // No stretch above that R: nothing was held, for 0 hours.
  longest_hold_hours: { share: false, of: ({ longest_hold }) => longest_hold.candidate?.hours ?? 0 },
  mean_r_change: { share: false, of: ({ results }) => results.change },
} as const satisfies Record<string, FigureSpec>;

interface FigureSpec {
  /** Whether a limit may be a percentage of the snapshots. */
  readonly share: boolean;
  readonly of: (figures: ComparisonFigures) => number | null;
}

type FigureName = keyof typeof FIGURES;

const OPERATORS = {
  '>': (value: number, limit: number) => value > limit,
  '>=': (value: number, limit: number) => value >= limit,
  '<': (value: number, limit: number) => value < limit,
  '<=': (value: number, limit: number) => value <= limit,
} as const;

type Operator = keyof typeof OPERATORS;

const EXPRESSION = /^\s*([a-z_]+)\s*(>=|<=|>|<)\s*([+-]?(?:\d+(?:\.\d+)?|\.\d+))\s*(%?)\s*$/;

/** One condition under which a replay fails. */
interface FailCondition {
  readonly text: string;
  readonly figure: FigureName;
  readonly operator: Operator;
  readonly limit: number;
  /** The limit is a percentage of the snapshots. */
  readonly percent: boolean;
}

/** A condition that holds. `value` null: there was nothing to judge by, which fails too. */
export interface FailedCondition {
  readonly condition: string;
  readonly value: number | null;
}

/** `fails: flips>5%, found 8.1 %`. */
export function failedText({ condition, value }: FailedCondition): string {
  const unit = condition.endsWith('%') ? ' %' : '';
  return `fails: ${condition}, found ${value === null ? 'nothing to judge by' : plain(value) + unit}`;
}

/** Reads a condition, for example `flips>5%` or `mean_r_change < 0`. Throws USAGE naming what is allowed. */
export function parseFailIf(text: string): FailCondition {
  const [, figure = '', operator = '', limit = '', percent = ''] = EXPRESSION.exec(text) ?? [];
  if (!isFigure(figure) || !isOperator(operator)) throw refused(text, null);
  if (percent === '%' && !FIGURES[figure].share) throw refused(text, `${figure} has no %`);
  return { text: text.trim(), figure, operator, limit: Number(limit), percent: percent === '%' };
}

/** The conditions that hold, or that cannot be judged. */
export function failedConditions(
  conditions: readonly FailCondition[],
  figures: ComparisonFigures,
): readonly FailedCondition[] {
  return conditions.flatMap((condition) => {
    const value = valueOf(condition, figures);
    const fails = value === null || OPERATORS[condition.operator](value, condition.limit);
    return fails ? [{ condition: condition.text, value }] : [];
  });
}

function valueOf({ figure, percent }: FailCondition, figures: ComparisonFigures): number | null {
  if (figures.snapshots === 0) return null;
  const value = FIGURES[figure].of(figures);
  return value === null || !percent ? value : (100 * value) / figures.snapshots;
}

function isFigure(name: string): name is FigureName {
  return Object.hasOwn(FIGURES, name);
}

function isOperator(text: string): text is Operator {
  return Object.hasOwn(OPERATORS, text);
}

function refused(text: string, why: string | null): HarvestlineError {
  const names = Object.entries(FIGURES).map(([name, { share }]) => (share ? `${name} (also in %)` : name));
  return new HarvestlineError(
    'USAGE',
    `--fail-if ${text}: ${why ?? 'is no condition'}; it must be NAME, an operator and a number, for example flips>5%. Names: ${names.join(', ')}. Operators: ${Object.keys(OPERATORS).join(' ')}`,
  );
}
