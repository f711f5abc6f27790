/**
 * When the watch of a desk could do its work, and could know what it had to: from outside, by the lives of its processes and by the faults that
 * struck them or the log. In the rest of the time nothing can be asked of it.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { KEPT_MS } from '../actions.ts';
import type { FaultKind } from '../faults.ts';
import type { Evidence } from './evidence.ts';
import { type Span, without } from './spans.ts';

/** Until a watch that was disturbed has joined its group again, has read what it needs, and evaluates as before. Unit: milliseconds. */
const RECOVERS_MS = 90_000;

/** Retention goes by the time stamps of whoever wrote the records. Unit: milliseconds. */
const CLOCKS_DIFFER_BY_MS = 5 * 60_000;

/** Nobody gets an answer of the log or the registry while one of them stands. */
const OF_ALL: ReadonlySet<FaultKind> = new Set(['broker_away', 'registry_away']);

/** A process gets late answers, or none that help, while one of them stands. */
const OF_ONE: ReadonlySet<FaultKind> = new Set(['broker_slow', 'disk_full']);

/** A process, a process with its operation, a start of it, or the group. */
const WATCH = /^watch(-\d+)?(#\d+)?(:\w+)?$/;

/** The spans in which no watch can be relied upon. */
export function blindSpans({ plan, lives, strikes, startedAt, endedAt }: Evidence): readonly Span[] {
  const of = lives.filter(({ parts }) => parts.includes('watch'));
  const alone = without(
    { from: startedAt, until: endedAt },
    of.map((life) => ({ from: life.from, until: life.until ?? endedAt })),
  );
  const changes = of.flatMap(({ from, until }) => (until === null ? [from] : [from, until]));
  const struck = strikes
    .filter(({ subject }) => WATCH.test(subject))
    .map(({ at, fault }): Span => ({ from: at, until: at + (fault.kind === 'paused' ? fault.forMs : 0) }));
  const windows = plan.faults
    .filter(({ kind, on }) => OF_ALL.has(kind) || (OF_ONE.has(kind) && (on === null || WATCH.test(on))))
    .map(({ at, forMs }): Span => ({ from: startedAt + at, until: startedAt + at + forMs }));
  const all = [...alone, ...changes.map(momentOf), ...struck, ...windows];
  return all.map(({ from, until }) => ({ from, until: until + RECOVERS_MS }));
}

/** Snapshots were deleted: a watch that goes on remembers them, and one that starts again has to find them on the log. */
interface Deletion {
  readonly at: EpochMillis;
  /** Those from then on are left. */
  readonly leftFrom: EpochMillis;
}

function deletionsOf({ strikes }: Evidence): readonly Deletion[] {
  return strikes
    .filter(({ subject }) => subject === TOPICS.positionSnapshot.name)
    .flatMap(({ at, fault: { kind } }): readonly Deletion[] => {
      if (kind === 'recreated') return [{ at, leftFrom: at }];
      return kind === 'retention' ? [{ at, leftFrom: at - KEPT_MS + CLOCKS_DIFFER_BY_MS }] : [];
    });
}

/** When a watch may not know of a stall any more. `restsOn`: when the latest snapshot was written without which nobody can. */
export function forgottenSpans(evidence: Evidence, restsOn: EpochMillis): readonly Span[] {
  return deletionsOf(evidence)
    .filter(({ leftFrom }) => restsOn < leftFrom)
    .map(({ at }) => ({ from: at, until: Infinity }));
}

/** From when on snapshots were left at a time; -Infinity where none had been deleted. */
export function snapshotsLeftFrom(evidence: Evidence, now: EpochMillis): EpochMillis {
  return deletionsOf(evidence).reduce(
    (latest, { at, leftFrom }) => (at <= now ? Math.max(latest, leftFrom) : latest),
    -Infinity,
  );
}

function momentOf(at: EpochMillis): Span {
  return { from: at, until: at };
}
