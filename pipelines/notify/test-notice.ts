import type { EpochMillis } from '../../ports/clock.ts';
import type { AlertNotice } from '../../ports/notify.ts';
import { alertIdOf } from '../../schemas/ids.ts';

/** A message that shows whether a target works. It is no alert: nothing of it is on record. */
export function testNotice(desk: string | null, now: EpochMillis): AlertNotice {
  const [scope, name] = ['desk', 'notify_test'];
  return {
    alert: {
      alert_id: alertIdOf(scope, name, now),
      name,
      scope,
      severity: 'INFO',
      state: 'RAISED',
      since: now,
      at: now,
      evidence: 'A test of this target. Nothing is wrong, and nothing is to be done.',
      command: 'harvestline status',
    },
    desk,
    reminder: 0,
  };
}
