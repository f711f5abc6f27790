import type { Clock } from '../../ports/clock.ts';
import type { LineWriter } from '../../render/output.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import { ShadowReader, type ShadowReport } from './shadow-report.ts';

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
