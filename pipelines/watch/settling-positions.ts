/**
 * The alert about positions whose contract is delivered or taken off soon, from their snapshots. Pure: times are those of the records.
 *
 * LA1 `settles_soon` stands for a position from a day before its settlement, or from the snapshot that first names it, until the position is
 *     closed on record or the venue announces no end any more.
 */
import type { EpochMillis, PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Alert, EVIDENCE_REPORTS } from '../alerts/alerts.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { tailFrom } from '../../render/look-closer.ts';

/** Long enough that a person of any time zone sees it in working hours, short enough that it means now. Unit: milliseconds. */
export const SETTLES_SOON_MS = 24 * 60 * 60 * 1000;

interface Settling {
  readonly settlesAt: EpochMillis;
  /** Since when it is soon and known to be. */
  readonly since: EpochMillis;
}

export class SettlingPositions {
  readonly #settling = new Map<PositionId, Settling>();

  /** The latest snapshot of a position: they come in order. */
  observed({ position_id: id, settles_at: settlesAt }: PositionSnapshot, at: EpochMillis): void {
    const before = this.#settling.get(id);
    if (settlesAt === null || settlesAt - at > SETTLES_SOON_MS) this.#settling.delete(id);
    else if (before?.settlesAt !== settlesAt) this.#settling.set(id, { settlesAt, since: at });
  }

  /** Positions that are no more. */
  keep(isOpen: (id: PositionId) => boolean): void {
    for (const id of this.#settling.keys()) if (!isOpen(id)) this.#settling.delete(id);
  }

  /** LA1. `isOpen`: whether nothing on record closed it. */
  alert(isOpen: (id: PositionId) => boolean): Alert | null {
    const open = [...this.#settling].filter(([id]) => isOpen(id));
    if (open.length === 0) return null;
    const soonest = open.toSorted(([, one], [, other]) => one.settlesAt - other.settlesAt);
    const named = soonest
      .slice(0, EVIDENCE_REPORTS)
      .map(([id, { settlesAt }]) => `${id} at ${formatEventTime(settlesAt)}`);
    const since = open.reduce((oldest, [, one]) => Math.min(oldest, one.since), Infinity);
    return {
      name: 'settles_soon',
      since,
      evidence:
        `The ${open.length === 1 ? 'contract of 1 position settles' : `contracts of ${open.length} positions settle`} soon, the first: ` +
        `${named.join('; ')}. No order is sent in the last minutes: close it at the venue, or let the settlement close it at its price. ` +
        `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
    };
  }
}
