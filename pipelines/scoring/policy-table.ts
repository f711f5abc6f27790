import { pc, printable } from '../../render/terminal.ts';
import { EXIT_FACTORS, HOLD_FACTORS, type Policy } from './policy.ts';
import { costsWords, factorWords, ruleWords } from './policy-words.ts';
import { plainTable } from '../../render/plain-table.ts';

const FACTOR_COLUMNS = [
  { head: 'factor' },
  { head: 'side' },
  { head: 'points', align: 'right' },
  { head: 'when' },
] as const;
const RUNG_COLUMNS = [{ head: 'profit rung' }, { head: 'exit points', align: 'right' }] as const;
const RULE_COLUMNS = [{ head: '#', align: 'right' }, { head: 'rule' }, { head: 'does' }] as const;

/** A policy on a screen: its factors with points and thresholds, its rungs, and its rules in order. */
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
