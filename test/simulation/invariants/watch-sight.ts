/**
 * When the watch of a desk could do its work: from outside, by the lives of its processes and by the faults that struck them or the log. In
 * the rest of the time nothing can be asked of it.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { FaultKind } from '../faults.ts';
import type { Evidence } from './evidence.ts';
import { type Span, without } from './spans.ts';

/** Until a watch that was disturbed has joined its group again, has read what it needs, and evaluates as before. Unit: milliseconds. */
const RECOVERS_MS = 90_000;

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

function momentOf(at: EpochMillis): Span {
  return { from: at, until: at };
}
