import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { OutcomeLabel } from '../../schemas/generated/records.ts';
import { LOSS_BELOW_PERCENT, WIN_ABOVE_PERCENT } from '../clm/accumulate.ts';
import type { OutcomeRow } from './dataset.ts';

/**
 * The rule by which outcomes are labelled. `pnl`: the recorded label (a price move of more than 0.5 % either way). `r:X`: a result of more
 * than X times the initial risk, either way; NEUTRAL between. `net`: money after all costs, above or below 0.
 */
export type LabelRule =
  { readonly kind: 'pnl' } | { readonly kind: 'r'; readonly above: number } | { readonly kind: 'net' };

export const RECORDED_LABEL: LabelRule = { kind: 'pnl' };

/** Why a rule leaves an outcome out. */
type Unlabelled = 'NO_INITIAL_RISK' | 'NO_NET_RESULT';

/** Reads `pnl`, `r:0.5` or `net`. Throws USAGE. */
export function parseLabelRule(text: string): LabelRule {
  if (text === 'pnl' || text === 'net') return { kind: text };
  const above = /^r:\d+(\.\d+)?$/.test(text) ? Number(text.slice(2)) : Number.NaN;
  if (Number.isFinite(above)) return { kind: 'r', above };
  throw new HarvestlineError(
    'USAGE',
    `no label rule ${text}: one of pnl, r:X (X a number of R, for example r:0.5), net`,
  );
}

export function labelRuleText(rule: LabelRule): string {
  return rule.kind === 'r' ? `r:${rule.above}` : rule.kind;
}

/** The rule in words, for people. */
export function labelRuleWords(rule: LabelRule): string {
  if (rule.kind === 'pnl')
    return `WIN is 1 (pnl_percent above +${WIN_ABOVE_PERCENT}), LOSS is 0 (below ${LOSS_BELOW_PERCENT})`;
  if (rule.kind === 'net') return 'WIN is 1 (money after costs above 0), LOSS is 0 (below 0)';
  return `WIN is 1 (above +${rule.above} R), LOSS is 0 (below -${rule.above} R)`;
}

/** The label of an outcome by this rule, or why it has none. */
export function labelOf({ label, results }: OutcomeRow, rule: LabelRule): OutcomeLabel | Unlabelled {
  if (rule.kind === 'pnl') return label;
  if (rule.kind === 'net') {
    const net = results?.pnl_net_quote ?? results?.r_net ?? null;
    return net === null ? 'NO_NET_RESULT' : labelByThreshold(net, 0);
  }
  const risk = results?.initial_risk_quote ?? null;
  // A risk of 0 means that it is unknown: R would be infinite.
  return results === null || results === undefined || risk === null || risk <= 0
    ? 'NO_INITIAL_RISK'
    : labelByThreshold(results.pnl_quote / risk, rule.above);
}

function labelByThreshold(value: number, above: number): OutcomeLabel {
  if (value > above) return 'WIN';
  return value < -above ? 'LOSS' : 'NEUTRAL';
}

export function isLabel(label: OutcomeLabel | Unlabelled): label is OutcomeLabel {
  return label === 'WIN' || label === 'LOSS' || label === 'NEUTRAL';
}

/** Shares of the labels by one rule, of outcomes that are not excluded and have a confidence. */
export interface LabelRates {
  /** As `--label` takes it. */
  readonly rule: string;
  /** Outcomes with a label by this rule. */
  readonly n: number;
  readonly wins: number;
  readonly losses: number;
  readonly neutral: number;
  /** P(WIN): wins among all; null where there are none. */
  readonly win: number | null;
  /** P(WIN | decided): wins among WIN and LOSS. */
  readonly win_if_decided: number | null;
  readonly neutral_share: number | null;
}

/** The rules that a report compares with the fitted one. */
const COMPARED: readonly LabelRule[] = [RECORDED_LABEL, { kind: 'r', above: 0.5 }, { kind: 'net' }];

/** The fitted rule first, then what the others would have given. */
export function labelRatesOf(rows: readonly OutcomeRow[], fitted: LabelRule): readonly LabelRates[] {
  const others = COMPARED.filter((rule) => labelRuleText(rule) !== labelRuleText(fitted));
  return [fitted, ...others].map((rule) => ratesOf(rows, rule));
}

function ratesOf(rows: readonly OutcomeRow[], rule: LabelRule): LabelRates {
  const counts = { WIN: 0, LOSS: 0, NEUTRAL: 0 };
  for (const row of rows) {
    if (row.excluded !== null || row.confidence === null) continue;
    const label = labelOf(row, rule);
    if (isLabel(label)) counts[label] += 1;
  }
  const { WIN: wins, LOSS: losses, NEUTRAL: neutral } = counts;
  const n = wins + losses + neutral;
  return {
    rule: labelRuleText(rule),
    n,
    wins,
    losses,
    neutral,
    win: n === 0 ? null : wins / n,
    win_if_decided: wins + losses === 0 ? null : wins / (wins + losses),
    neutral_share: n === 0 ? null : neutral / n,
  };
}
