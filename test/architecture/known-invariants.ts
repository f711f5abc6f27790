/** Labels that more than one place defines, with the names of the files. It only shrinks. */
export const KNOWN_DOUBLED: Readonly<Record<string, string>> = {};

/** Labels that no test cites, with the names of the files that define them. It only shrinks. */
export const KNOWN_UNCITED: Readonly<Record<string, string>> = {
  B1: 'claim-book.ts',
  B2: 'claim-book.ts',
  B3: 'claim-book.ts',
  G1: 'give-command.ts',
  G2: 'give-command.ts',
  N1: 'run-processors.ts',
  R4: 'presence.ts',
  G3: 'give-command.ts',
  G4: 'give-command.ts',
  MS2: 'dead-letter.ts',
};
