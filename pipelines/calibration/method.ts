/** The ways to fit a confidence map, simplest first: where two do equally well out of fold, the simpler one is chosen. */
export const METHODS = ['identity', 'sigmoid', 'beta', 'isotonic'] as const;

export type Method = (typeof METHODS)[number];

/** What a method's formula is made of; empty for identity and isotonic. */
export interface Parameter {
  readonly name: string;
  readonly value: number;
}
