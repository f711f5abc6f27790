import type { OutcomeRow } from './dataset.ts';
import { type LabelRule, RECORDED_LABEL, isLabel, labelOf, labelRuleText } from './label-rule.ts';

/** What one label rule makes of the outcomes that may take part. */
export interface LabelRates {
  /** As `--label` takes it. */
  readonly rule: string;
  /** Outcomes that the rule can label. */
  readonly n: number;
  readonly wins: number;
  readonly losses: number;
  readonly neutral: number;
  /** P(WIN): wins among all; null where there is nothing. */
  readonly win: number | null;
  /** P(WIN | decided): wins among WIN and LOSS. */
  readonly win_if_decided: number | null;
  readonly neutral_share: number | null;
}

/** The rules that a report sets side by side, besides the one that is fitted. */
const COMPARED: readonly LabelRule[] = [RECORDED_LABEL, { kind: 'r', above: 0.5 }, { kind: 'net' }];

/** The fitted rule first, then what the others would have given. Of rows that nothing else excludes. */
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
