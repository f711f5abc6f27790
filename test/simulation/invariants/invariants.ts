/** Every invariant that a run is checked for. */
import { ALERT_INVARIANTS } from './alert-invariants.ts';
import { AUDIT_INVARIANTS } from './audit-invariants.ts';
import { DECISION_INVARIANTS } from './decision-invariants.ts';
import { DESK_INVARIANTS } from './desk-invariants.ts';
import type { Evidence, Invariant } from './evidence.ts';
import { LOG_INVARIANTS } from './log-invariants.ts';
import { MESSAGE_INVARIANTS } from './message-invariants.ts';
import { ORDER_INVARIANTS } from './order-invariants.ts';
import { SLIP_INVARIANTS } from './slip-invariants.ts';
import { REDUCTION_INVARIANTS } from './reduction-invariants.ts';
import { SECRET_INVARIANTS } from './secret-invariants.ts';
import { POSITION_INVARIANTS } from './position-invariants.ts';

export const INVARIANTS: readonly Invariant[] = [
  ...LOG_INVARIANTS,
  ...DECISION_INVARIANTS,
  ...AUDIT_INVARIANTS,
  ...DESK_INVARIANTS,
  ...ORDER_INVARIANTS,
  ...REDUCTION_INVARIANTS,
  ...POSITION_INVARIANTS,
  ...ALERT_INVARIANTS,
  ...MESSAGE_INVARIANTS,
  ...SECRET_INVARIANTS,
  ...SLIP_INVARIANTS,
];

/** More of one kind say nothing new. Unit: breaches. */
const MOST_OF_ONE = 5;

export function breachesOf(evidence: Evidence): readonly { readonly invariant: string; readonly detail: string }[] {
  return INVARIANTS.flatMap(({ name, breaches }) =>
    [...breaches(evidence)].slice(0, MOST_OF_ONE).map((detail) => ({ invariant: name, detail })),
  );
}
