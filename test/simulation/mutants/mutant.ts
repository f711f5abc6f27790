/** A deliberate bug of the product: one piece of source with another in its place. */
export interface Mutant {
  readonly name: string;
  /** What the program does wrongly. */
  readonly does: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Measured: the first seed, from 1 on, that an invariant breaks with. Null: not measured. Unit: seeds. */
  readonly diesAfter: number | null;
}
