/** The ways to fit a confidence map, simplest first: where two do equally well out of fold, the simpler one is chosen. */
export const METHODS = ['identity', 'sigmoid', 'sigmoid_log_odds', 'beta', 'isotonic'] as const;

export type Method = (typeof METHODS)[number];

/**
 * What every comparison has besides: the base rate of the outcomes, whatever was said. A confidence that does not do better than it
 * carries no information, and no map can add any. It is never proposed.
 */
export const CONSTANT = 'constant';

export type Contestant = Method | typeof CONSTANT;

/** What a method's formula is made of; empty for identity and isotonic. */
export interface Parameter {
  readonly name: string;
  readonly value: number;
}
