/**
 * The bound on times that lie ahead. Nothing can be observed, opened or closed after the record that says so was written, nor after
 * now; clocks differ by a little. Beyond that little the producer's clock, zone or unit is wrong, and every age, pause and order of
 * events that is computed from such a time is wrong with it.
 *
 * SCH-23  The event times of an input lie at most AHEAD_MS after its record's own timestamp, and, where the reader runs live, after the
 *         reader's clock; so does the timestamp itself. What lies beyond is poison (TIMESTAMP_AHEAD).
 * SCH-24  Within the bound a record is as old as the earlier of its two times says: an observation that is dated ahead must not
 *         seem younger (`knownSince`).
 * SCH-25  State that a processor reads back (its own reports, outcomes) is not checked again: it was accepted once, and what rests on
 *         it bounds the times where it uses them.
 *
 * Pure: the reader's clock is passed in; null where there is none, as in a replay of what is long past.
 */
import { HarvestlineError, type Problem, formatProblems } from '../errors/harvestline-error.ts';
import type { EpochMillis, RecordByTopic } from './generated/records.ts';
import { TOPICS, type TopicName } from './topics.ts';

/** Machines that keep time at all agree within seconds; the mistakes there are, a zone or a unit, are of half an hour and more. Unit: milliseconds. */
export const AHEAD_MS = 60_000;

type Times<R> = (record: R, tell: (path: string, at: EpochMillis) => void) => void;

/** The event times of the topics on which decisions rest. */
const EVENT_TIMES: { readonly [N in TopicName]?: Times<RecordByTopic[N]> } = {
  [TOPICS.modelSignal.name]: ({ emitted_at }, tell) => tell('emitted_at', emitted_at),
  [TOPICS.positionSnapshot.name]: ({ observed_at, opened_at }, tell) => {
    tell('observed_at', observed_at);
    tell('opened_at', opened_at);
  },
  [TOPICS.harvestIntent.name]: ({ observed_at, opened_at }, tell) => {
    tell('observed_at', observed_at);
    tell('opened_at', opened_at);
  },
  [TOPICS.tradeClosed.name]: ({ opened_at, closed_at }, tell) => {
    tell('opened_at', opened_at);
    tell('closed_at', closed_at);
  },
  [TOPICS.positionReconciled.name]: ({ reconciled_at, reductions }, tell) => {
    tell('reconciled_at', reconciled_at);
    for (const [index, { opened_at, closed_at }] of reductions.entries()) {
      tell(`reductions[${index}].opened_at`, opened_at);
      tell(`reductions[${index}].closed_at`, closed_at);
    }
  },
};

/** The topics with event times on which decisions rest. */
export const TIMED_TOPICS = Object.keys(EVENT_TIMES) as readonly TopicName[];

/** The name of a record's timestamp among the paths of its fields. */
export const TIMESTAMP_PATH = '(timestamp)';

/** Every time of the record that lies too far ahead; none for a good one. `now` is the reader's clock, null where it does not run live. */
export function timesAhead<N extends TopicName>(
  topic: N,
  record: RecordByTopic[N],
  timestamp: EpochMillis,
  now: EpochMillis | null,
): readonly Problem[] {
  const byClock = now ?? Infinity;
  const latest = Math.min(timestamp, byClock);
  const times = EVENT_TIMES[topic];
  if (timestamp <= byClock + AHEAD_MS && newestOf(times, record) <= latest + AHEAD_MS) return NO_PROBLEMS;
  const problems: Problem[] = [];
  if (timestamp > byClock + AHEAD_MS)
    problems.push({ path: TIMESTAMP_PATH, why: whyAhead(timestamp, 'the clock', byClock) });
  times?.(record, (path, at) => {
    if (at <= latest + AHEAD_MS) return;
    const than = timestamp <= byClock ? "the record's timestamp" : 'the clock';
    problems.push({ path, why: whyAhead(at, than, latest) });
  });
  return problems;
}

const NO_PROBLEMS: readonly Problem[] = [];

/** The newest time of the record in hand; in a typed array, where a number is no object. */
const newest = new Float64Array(1);
const note = (_: string, at: EpochMillis): void => {
  if (at > (newest[0] ?? 0)) newest[0] = at;
};

/** Allocates nothing: most records are good. */
function newestOf<N extends TopicName>(
  times: Times<RecordByTopic[N]> | undefined,
  record: RecordByTopic[N],
): EpochMillis {
  newest[0] = -Infinity;
  times?.(record, note);
  return newest[0] ?? -Infinity;
}

/** Throws TIMESTAMP_AHEAD with every time of the record that lies too far ahead. */
export function refuseTimesAhead<N extends TopicName>(
  topic: N,
  record: RecordByTopic[N],
  timestamp: EpochMillis,
  now: EpochMillis | null,
): void {
  const problems = timesAhead(topic, record, timestamp, now);
  if (problems.length > 0) throw timestampAhead(topic, problems);
}

export function timestampAhead(topic: TopicName, problems: readonly Problem[]): HarvestlineError {
  return new HarvestlineError('TIMESTAMP_AHEAD', `${topic}: ${formatProblems(problems)}`, { problems });
}

/** SCH-24. */
export function knownSince(eventTime: EpochMillis, timestamp: EpochMillis): EpochMillis {
  return Math.min(eventTime, timestamp);
}

function whyAhead(at: EpochMillis, than: string, latest: EpochMillis): string {
  return `${at} is ${at - latest} ms ahead of ${than} ${latest}, at most ${AHEAD_MS} ms can be`;
}
