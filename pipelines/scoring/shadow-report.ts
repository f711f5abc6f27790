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

/** The scoreboard of shadow.decision, as far as it was read. */
class ShadowReader {
  readonly #board = new ShadowBoard();
  readonly #decisions: TopicCursor<typeof TOPICS.shadowDecision.name>;
  #counted = 0;

  /** `pause` is waited for after every batch. */
  constructor(topics: ReadableTopics, pause?: (signal: AbortSignal) => Promise<void>) {
    const topic = TOPICS.shadowDecision.name;
    const count = (record: ShadowDecision, { partition }: LogRecord): void => {
      if (this.#board.add(record, partition)) this.#counted += 1;
    };
    this.#decisions = new TopicCursor(topics, topic, count, pause === undefined ? {} : { pause });
  }

  /** To the end that stands now, or until `signal` aborts. */
  readOn(signal?: AbortSignal): Promise<void> {
    return this.#decisions.readOn(signal);
  }

  /** Grows whenever the report changes. */
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

/** Soon enough to feel immediate, rare enough to cost nothing. Unit: milliseconds. */
const FOLLOW_PAUSE_MS = 250;

/** Programs that read the boards have no use for more of them. Unit: milliseconds. */
const LINE_EVERY_MS = 1000;

/** Where a live scoreboard is shown. */
export interface ShadowView {
  /** At most one board in this time. Unit: milliseconds. */
  readonly everyMs: number;
  /** Also boards on the way to the end of the topic: for eyes, which would wait before an empty screen otherwise. */
  readonly early: boolean;
  /** True once nobody looks any more. */
  readonly closed: boolean;
  show(report: ShadowReport): Promise<void>;
}

export interface FollowDependencies {
  readonly topics: ReadableTopics;
  /** Paces reading and showing. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Shows the board as it stands, and again when it has changed, until `signal` aborts or nobody looks any more. Memory is the
 * board's and one batch.
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
    // Signals get their turn: a log in this process gives up its batches without ever waiting.
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

/** One JSON object a line. */
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
 * All that `status` reads of shadow.decision. Of a snapshot there are at most as many records as candidates, so this is about as
 * much as the two days of snapshots that it reads anyway, whatever lies there from earlier. Unit: milliseconds.
 */
const DAY_MS = 24 * 60 * 60 * 1000;

/** What one candidate decided within a day, against one policy in force. */
export type ShadowFigures = Pick<
  ShadowScore,
  'policy' | 'against' | 'decisions' | 'agreed' | 'resized' | 'flips' | 'matrix'
>;

/** The day before `newest`, the time that the desk has come to; null: before anything. */
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
