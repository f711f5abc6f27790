import { pc, printable } from '../../render/terminal.ts';
import { count } from '../../render/figures.ts';
import type { DecisionRun, Explanation } from './explanation.ts';
import { hanging, together } from '../../render/terminal-text.ts';
import { dateOf, spanOf } from '../../render/event-time.ts';
import type { FactorName } from '../scoring/policy.ts';
import type { EpochMillis, Factor } from '../../schemas/generated/records.ts';

/** Every decision, a run in one or two lines. */
export function runLines({ runs }: Explanation, width: number): readonly string[] {
  const [first] = runs;
  if (first === undefined) return ['no snapshot is kept any more'];
  const uniform = sameScorer(runs);
  const date = dateOf(first.from);
  const heading = `decisions on ${date} UTC (${first.topic} partition:offset; factors of the first of each run)`;
  return [
    ...hanging('', heading, width, 2).map((line) => pc.bold(line)),
    ...dated(
      runs.map((run) => ({ at: run.from, lines: linesOf(run, uniform, width) })),
      date,
    ),
  ];
}

/** Lines that belong to a time. */
interface DatedLines {
  readonly at: EpochMillis;
  readonly lines: readonly string[];
}

/** The lines, with the date where it changes; `date` is the one that stands above them. */
export function dated(blocks: readonly DatedLines[], date: string): readonly string[] {
  return blocks.flatMap(({ at, lines }, index) => {
    const before = blocks[index - 1];
    const known = before === undefined ? date : dateOf(before.at);
    return known === dateOf(at) ? lines : [pc.dim(dateOf(at)), ...lines];
  });
}

function linesOf(run: DecisionRun, uniform: boolean, width: number): readonly string[] {
  const {
    action,
    reason,
    count: decisions,
    intents,
    assumed,
    from,
    to,
    r,
    last_r,
    partition,
    first_offset,
    last_offset,
  } = run;
  const fractions = action === 'PARTIAL_CLOSE' ? ` ${fromTo(String(run.fraction), String(run.last_fraction))}` : '';
  // A decision to act without an intent is a fault only where it is certain that it was made.
  const would = assumed && action !== 'HOLD' && !intents ? 'would ' : '';
  const parts = [
    `${together(`${decisions === 1 ? '' : `${decisions} × `}${would}${action}${fractions}`)} ${printable(reason)}`,
    together(`R ${fromTo(r.toFixed(2), last_r.toFixed(2))}`),
    `${partition}:${first_offset}${first_offset === last_offset ? '' : `–${last_offset}`}`,
    ...(action === 'HOLD' || intents || assumed ? [] : ['no intent']),
    ...(uniform ? [] : [scorerText(run)]),
    ...(assumed ? ['assumed'] : []),
    ...(run.unknown.length === 0 ? [] : [`unknown ${run.unknown.map(printable).join(' ')}`]),
  ];
  const head = `${spanOf(from, to)}  `;
  const what = parts.join(', ');
  const beside = hanging(head, `${what}  ${together(factorSums(run, Infinity))}`, width);
  if (beside.length === 1) return beside;
  const factors = factorSums(run, width - FACTORS_INDENT.length);
  return [...hanging(head, what, width, FACTORS_INDENT.length), ...hanging(FACTORS_INDENT, factors, width).map(pc.dim)];
}

function fromTo(first: string, last: string): string {
  return first === last ? first : `${first} to ${last}`;
}

/** Under the time, where the factors do not fit beside the decision. */
const FACTORS_INDENT = '  ';

/** True where one policy with one map made all decisions. */
export function sameScorer(runs: readonly DecisionRun[]): boolean {
  return new Set(runs.map(scorerText)).size <= 1;
}

export function scorerText({ policy, calibration_version: version }: DecisionRun): string {
  return `policy ${printable(policy)}, ${calibrationText(version)}`;
}

export function calibrationText(version: string | null): string {
  return version === null ? 'raw confidence' : `calibration ${printable(version)}`;
}

export function actionCounts(runs: readonly DecisionRun[]): string {
  const byAction = Map.groupBy(runs, ({ action }) => action);
  return Array.from(
    byAction,
    ([action, same]) => `${count(same.reduce((sum, run) => sum + run.count, 0))} ${action}`,
  ).join(', ');
}

/** Factor -> its short name beside the score of its side. */
const SHORT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    regime_intact: 'regime',
    volatility_expanding: 'volatility',
    momentum_strong: 'momentum',
    confidence_intact: 'confidence',
    fresh: 'fresh',
    near_peak: 'peak',
    regime_changed: 'regime',
    volatility_contracting: 'volatility',
    confidence_degraded: 'confidence',
    old: 'old',
    off_peak: 'peak',
    profit_rung: 'profit',
  } satisfies Record<FactorName, string>),
);

/** Still shorter names, for narrow terminals. */
const SHORTER: readonly (readonly [string, string])[] = [
  ['volatility', 'vol'],
  ['momentum', 'mom'],
  ['confidence', 'conf'],
];

/** `hold 4 = regime 2 + peak 2 / exit 7 = volatility 3 + profit 4`; shorter words where it would be longer than `width`. */
function factorSums(
  decision: { readonly hold_score: number; readonly exit_score: number; readonly factors: readonly Factor[] },
  width: number,
): string {
  const { hold_score, exit_score, factors } = decision;
  const text = `hold ${hold_score}${sumOf(factors, 'HOLD')} / exit ${exit_score}${sumOf(factors, 'EXIT')}`;
  if (text.length <= width) return text;
  return SHORTER.reduce(
    (shorter, [long, short]) => shorter.replaceAll(` ${together(`${long} `)}`, ` ${together(`${short} `)}`),
    text,
  );
}

function sumOf(factors: readonly Factor[], side: Factor['side']): string {
  const terms = factors
    .filter((factor) => factor.side === side)
    .map(({ name, points }) => together(`${shortName(name)} ${points}`));
  return terms.length === 0 ? '' : ` = ${terms.join(' + ')}`;
}

/** A record may have a factor that this program does not know. */
function shortName(name: string): string {
  return SHORT.get(name) ?? printable(name);
}
