import { describe, expect, test } from 'vitest';
import { type OutcomeRow, canonicalLine, datasetHash } from '../../../pipelines/calibration/dataset.ts';
import { labelOf, labelRatesOf, labelRuleText, parseLabelRule } from '../../../pipelines/calibration/label-rule.ts';
import { samplesOf, selectRows, slicesOf } from '../../../pipelines/calibration/usable-rows.ts';

type Results = NonNullable<OutcomeRow['results']>;

/** A position that was recorded as NEUTRAL at -0.4 %: a full stop, -1 R, and a little more after costs. */
function row(results: Partial<Results> | null = {}, fields: Partial<OutcomeRow> = {}): OutcomeRow {
  const known: Results = {
    pnl_quote: -40,
    initial_risk_quote: 40,
    pnl_net_quote: -52,
    r_net: -1.3,
    policy_at_close: 'legacy',
    regime_at_entry: 'TREND_UP',
  };
  return {
    position_id: 'p',
    symbol: 'BTCUSDT',
    side: 'LONG',
    model_id: 'm',
    confidence: 0.7,
    label: 'NEUTRAL',
    pnl_percent: -0.4,
    entry_price: 100,
    exit_price: 99.6,
    opened_at: 1,
    closed_at: 2,
    exit_reasons: ['stop'],
    excluded: null,
    slices: ['t'],
    partition: 0,
    offset: 0,
    ...fields,
    results: results === null ? null : { ...known, ...results },
  } as OutcomeRow;
}

describe('label rules', () => {
  test('a full stop of -1 R is NEUTRAL as recorded, and a LOSS by risk and after costs', () => {
    expect(['pnl', 'r:0.5', 'net'].map((rule) => labelOf(row(), parseLabelRule(rule)))).toEqual([
      'NEUTRAL',
      'LOSS',
      'LOSS',
    ]);
  });

  test('what they need and is not known leaves the outcome out by its reason', () => {
    expect(labelOf(row({ initial_risk_quote: null }), parseLabelRule('r:1'))).toBe('NO_INITIAL_RISK');
    expect(labelOf(row({ initial_risk_quote: 0 }), parseLabelRule('r:1'))).toBe('NO_INITIAL_RISK');
    expect(labelOf(row(null), parseLabelRule('r:1'))).toBe('NO_INITIAL_RISK');
    expect(labelOf(row({ pnl_net_quote: null, r_net: null }), parseLabelRule('net'))).toBe('NO_NET_RESULT');
    expect(selectRows([row(), row(null)], 'exclude', parseLabelRule('net'))).toMatchObject({
      labels: ['LOSS'],
      counts: { final: 2, usable: 1, losses: 1, excluded: 1 },
      excluded: [{ reason: 'NO_NET_RESULT', n: 1 }],
    });
  });

  test('the limit itself is NEUTRAL, as it is for the recorded label', () => {
    expect(labelOf(row({ pnl_quote: 20 }), parseLabelRule('r:0.5'))).toBe('NEUTRAL');
    expect(labelOf(row({ pnl_quote: 20.01 }), parseLabelRule('r:0.5'))).toBe('WIN');
    expect(labelOf(row({ pnl_net_quote: 0 }), parseLabelRule('net'))).toBe('NEUTRAL');
  });

  test('are read as they are written, and nothing else is', () => {
    for (const text of ['pnl', 'net', 'r:0.5', 'r:2']) expect(labelRuleText(parseLabelRule(text))).toBe(text);
    for (const text of ['', 'r', 'r:', 'r:-1', 'r:x', 'R:1', 'r:1e9999', 'gross'])
      expect(() => parseLabelRule(text)).toThrow(/no label rule/);
  });

  test('decide what is learnt, not what was recorded', () => {
    const selection = selectRows([row(), row({ pnl_quote: 80, pnl_net_quote: 60 })], 'exclude', parseLabelRule('net'));
    expect([...samplesOf(selection).y]).toEqual([0, 1]);
    expect(slicesOf(selection)).toContainEqual({ by: 'policy', name: 'legacy', n: 2, wins: 1, confidence: 0.7 });
    expect(slicesOf(selection)).toContainEqual({ by: 'label', name: 'WIN', n: 1, wins: 1, confidence: 0.7 });
    expect(selection.usable.map(({ label }) => label)).toEqual(['NEUTRAL', 'NEUTRAL']);
  });

  test('stand side by side: P(WIN), P(WIN | decided) and the NEUTRAL share, the fitted rule first', () => {
    const rows = [row({}, { label: 'WIN' }), row({}, { label: 'LOSS' }), row(), row(null, { excluded: 'EXTERNAL' })];
    expect(labelRatesOf(rows, parseLabelRule('net'))).toMatchObject([
      { rule: 'net', n: 3, losses: 3, win: 0 },
      { rule: 'pnl', n: 3, win: 1 / 3, win_if_decided: 1 / 2, neutral_share: 1 / 3 },
      { rule: 'r:0.5', n: 3, win: 0 },
    ]);
  });
});

describe('CAL-3: the canonical row', () => {
  test('by the recorded label has no results, so its hash is that of before there were any', () => {
    expect(canonicalLine(row())).not.toContain('results');
    expect(datasetHash([row()])).toBe(datasetHash([row(null)]));
  });

  test('by another rule has what the rule looks at', () => {
    const rule = parseLabelRule('net');
    expect(datasetHash([row()], rule)).not.toBe(datasetHash([row({ pnl_net_quote: -51 })], rule));
  });
});
