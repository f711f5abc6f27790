/** What has to be true of commands that make no sense. */
import { TOPICS } from '../../../schemas/topics.ts';
import type { Invariant } from './evidence.ts';

export const SLIP_INVARIANTS = [
  {
    name: 'slips_are_refused',
    says: 'A command with a wrong argument, or at the wrong moment, is refused by the code that says why, and nothing is written for it.',
    *breaches(evidence) {
      const named = new Set([
        ...evidence.good(TOPICS.deskControl.name).map(({ issued_by: by }) => by),
        ...evidence.good(TOPICS.confidenceCalibration.name).map(({ decided_by: by }) => by),
        ...evidence.good(TOPICS.deskClaim.name).map(({ by }) => by),
      ]);
      for (const { who, what, code, expected } of evidence.slips) {
        if (code === null || !expected.includes(code))
          yield `${who} ${what}: ${code === null ? 'not refused' : `refused as ${code}`}, expected ${expected.join(' or ')}`;
        if (named.has(who)) yield `${who} ${what}, and a record names them`;
      }
    },
  },
] as const satisfies readonly Invariant[];
