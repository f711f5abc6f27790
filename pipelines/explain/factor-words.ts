import { printable } from '../../render/terminal.ts';
import type { FactorName } from '../scoring/policy.ts';
import type { Factor } from '../../schemas/generated/records.ts';
import { together } from './screen.ts';

/** What is weighed: its side tells the rest. */
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

/** The long ones, for a narrow screen. */
const SHORTER: readonly (readonly [string, string])[] = [
  ['volatility', 'vol'],
  ['momentum', 'mom'],
  ['confidence', 'conf'],
];

/** `hold 4 = regime 2 + peak 2 / exit 7 = volatility 3 + profit 4`; shorter words where it would be longer than `width`. */
export function factorSums(
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

/** A record may carry a factor that this program does not know. */
function shortName(name: string): string {
  return SHORT.get(name) ?? printable(name);
}
