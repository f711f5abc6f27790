/** Reads shadow.decision: the scoreboard once, the scoreboard while it grows, and the counts of the last day. */
import { ShadowBoard, type ShadowScore } from './shadow-board.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { EpochMillis, ShadowDecision } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord, TopicCursor } from '../runtime/topic-cursor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LineWriter } from '../../render/output.ts';

export interface ShadowReport {
  /** The newest observed_at of a candidate's decision; null without one. */
  readonly as_of: EpochMillis | null;
  readonly undecodable: number;
  readonly candidates: readonly ShadowScore[];
}

/** Reads shadow.decision into a scoreboard. */
class ShadowReader {
  readonly #board = new ShadowBoard();
  readonly #decisions: TopicCursor<typeof TOPICS.shadowDecision.name>;
  #counted = 0;

  /** `pause` is awaited after every batch. */
  constructor(topics: ReadableTopics, pause?: (signal: AbortSignal) => Promise<void>) {
    const topic = TOPICS.shadowDecision.name;
    const count = (record: ShadowDecision, { partition }: LogRecord): void => {
      if (this.#board.add(record, partition)) this.#counted += 1;
    };
    this.#decisions = new TopicCursor(topics, topic, count, pause === undefined ? {} : { pause });
  }

  /** Reads to the end of the topic as it is now, or until `signal` aborts. */
  readOn(signal?: AbortSignal): Promise<void> {
    return this.#decisions.readOn(signal);
  }

  /** A count that grows whenever the report changes. */
  get changes(): number {
    return this.#counted + this.#decisions.undecodable;
  }

  report(): ShadowReport {
    return { as_of: this.#board.asOf, undecodable: this.#decisions.undecodable, candidates: this.#board.scores() };
  }
}

/** Reads shadow.decision as the log has it now. */
export async function shadowReport(topics: ReadableTopics): Promise<ShadowReport> {
  const reader = new ShadowReader(topics);
  await reader.readOn();
  return reader.report();
}

/** The pause between two reads: short enough to feel immediate, long enough to cost nothing. Unit: milliseconds. */
const FOLLOW_PAUSE_MS = 250;

/** The least time between two boards in a pipe: programs need no more of them. Unit: milliseconds. */
const LINE_EVERY_MS = 1000;

/** What shows a live scoreboard. */
export interface ShadowView {
  /** At most one board in this time. Unit: milliseconds. */
  readonly everyMs: number;
  /** True: boards are shown before the end of the topic is reached, so that a person does not wait before an empty screen. */
  readonly early: boolean;
  /** True once the output is closed. */
  readonly closed: boolean;
  show(report: ShadowReport): Promise<void>;
}

interface FollowDependencies {
  readonly topics: ReadableTopics;
  /** Paces reading and showing. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Shows the board, and shows it again whenever it has changed, until `signal` aborts or the output is closed.
 */
export async function followShadow({ topics, clock, signal }: FollowDependencies, view: ShadowView): Promise<void> {
  let shownAt = -Infinity;
  let shownChanges: number | null = null;
  const showIfDue = async (): Promise<void> => {
    if (reader.changes === shownChanges || clock.now() - shownAt < view.everyMs) return;
    shownChanges = reader.changes;
    shownAt = clock.now();
    await view.show(reader.report());
  };
  const reader = new ShadowReader(topics, async () => {
    // Gives the event loop a turn: an embedded log returns its batches without ever waiting.
    await clock.sleep(0, signal);
    if (view.early) await showIfDue();
  });
  while (!signal.aborted && !view.closed) {
    await reader.readOn(signal);
    if (signal.aborted) return;
    await showIfDue();
    await clock.sleep(FOLLOW_PAUSE_MS, signal);
  }
}

/** The view in a pipe: one JSON object a line. */
export function jsonLines(lines: LineWriter): ShadowView {
  return {
    everyMs: LINE_EVERY_MS,
    early: false,
    get closed() {
      return lines.closed;
    },
    show: async (report) => {
      await lines.write(JSON.stringify(report));
      await lines.flush();
    },
  };
}

/**
 * How much of shadow.decision `status` reads. A snapshot has at most as many records as there are candidates, so this is about as much as the two days
 * of snapshots that `status` reads anyway, however long the topic is. Unit: milliseconds.
 */
const DAY_MS = 24 * 60 * 60 * 1000;

/** The counts of one candidate within a day, against one policy in force. */
export type ShadowFigures = Pick<
  ShadowScore,
  'policy' | 'against' | 'decisions' | 'agreed' | 'resized' | 'flips' | 'matrix'
>;

/** The counts of the day that ends at `newest`, the newest time on the log; null: there is none. */
export async function shadowFigures(
  topics: ReadableTopics,
  newest: EpochMillis | null,
): Promise<{ readonly candidates: readonly ShadowFigures[]; readonly undecodable: number }> {
  if (newest === null) return { candidates: [], undecodable: 0 };
  const { name } = TOPICS.shadowDecision;
  const board = new ShadowBoard();
  const from = await topics.log.offsetsAt(name, newest - DAY_MS);
  const undecodable = await forEachRecord(topics, name, { from }, (record, { partition }) =>
    board.add(record, partition),
  );
  const candidates = board.scores().map(({ policy, against, decisions, agreed, resized, flips, matrix }) => ({
    policy,
    against,
    decisions,
    agreed,
    resized,
    flips,
    matrix,
  }));
  return { candidates, undecodable };
}
