/** One repeatable sequence of random numbers. */
export interface RandomStream {
  /** A double in [0, 1). */
  uniform(): number;
  /** A whole number in [min, max]. */
  integer(min: number, max: number): number;
  /** A draw from the standard normal distribution. */
  normal(): number;
}

/**
 * Randomness by name. The stream for a key depends on the seed and that key alone, never on what was drawn before for
 * other keys, so a restart or another order of work draws the same numbers.
 */
export interface Random {
  stream(...key: readonly (string | number)[]): RandomStream;
}
