import { evaluate } from './evaluate.ts';
import { type InputAxis, stretchesOf } from './input-axis.ts';
import type { Policy } from './policy.ts';

/** Fractions round to hundredths, halves upwards: below this one is nothing. Unit: fraction of the position. */
export const ROUNDS_TO_NOTHING_BELOW = 0.005;

/**
 * Where on an axis that moves R a graded fraction begins to round to nothing, which makes a PARTIAL_CLOSE a HOLD. Between the edges of
 * the axis the scores stand still, and the fraction is a straight line of R; `xOfR` says where on the axis an R is.
 */
export function zeroFractionEdges(policy: Policy, axis: InputAxis, xOfR: (r: number) => number): readonly number[] {
  const graded = policy.rules.flatMap((rule) =>
    rule.action === 'PARTIAL_CLOSE' && rule.fraction.kind === 'graded' ? [rule.fraction] : [],
  );
  if (graded.length === 0) return [];
  return stretchesOf(axis, axis.edges).flatMap(({ from, to, inside }) => {
    const { hold_score: hold, exit_score: exit } = evaluate(axis.at(inside), policy);
    return graded
      .map(({ base, r_divisor, margin_weight }) =>
        xOfR(r_divisor * (ROUNDS_TO_NOTHING_BELOW - base - Math.max(0, (exit - hold) * margin_weight))),
      )
      .filter((edge) => edge > from && edge < to);
  });
}
