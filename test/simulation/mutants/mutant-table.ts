/**
 * Deliberate bugs of the product, of the kinds that engineers make: each is one piece of source with another in its place. A simulator that
 * lets one of them live would let the next real one live as well.
 *
 * The bugs are what a whole chain can show. Pure functions (policies, sizing, calibration) have their own tests, and are shared with some invariants.
 *
 * `diesAfter` was measured by `npm run simulate:mutants`, in its worlds of 3 hours and 16 symbols.
 *
 * SIM-60  Each mutant dies within 1,000 seeds, by an invariant that the tree itself keeps for the same seeds (mutants.ts).
 * SIM-61  What a mutant replaces occurs once in its file, so that the source cannot move on from under it unnoticed.
 */
import { CHAIN_MUTANTS } from './chain-mutants.ts';
import { DESK_MUTANTS } from './desk-mutants.ts';
import type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [...CHAIN_MUTANTS, ...DESK_MUTANTS];
