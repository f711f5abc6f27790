import type { Method } from '../method.ts';

/** How a method's parameters make a map, x being raw confidence; null where it has none. */
const FORMULAS = {
  identity: null,
  sigmoid: '1 / (1 + exp(a · x + b))',
  sigmoid_log_odds: '1 / (1 + exp(a · ln(x / (1 − x)) + b))',
  beta: '1 / (1 + exp(−(a · ln(x) − b · ln(1 − x) + c)))',
  isotonic: null,
} as const satisfies Record<Method, string | null>;

export function formulaOf(method: Method): string | null {
  return FORMULAS[method];
}
