import { ShadowBoard, type ShadowScore } from './shadow-board.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, TopicPosition } from '../runtime/topic-cursor.ts';

export interface ShadowReport {
  /** The newest observed_at of a candidate's decision; null without one. */
  readonly as_of: EpochMillis | null;
  readonly undecodable: number;
  readonly candidates: readonly ShadowScore[];
}

/** The scoreboard of shadow.decision, as far as it was read. */
export class ShadowReader {
  readonly #board = new ShadowBoard();
  readonly #position: TopicPosition<typeof TOPICS.shadowDecision.name>;
  #counted = 0;

  /** `pause` is waited for after every batch. */
  constructor(topics: ReadableTopics, pause: (signal: AbortSignal) => Promise<void> = () => Promise.resolve()) {
    const topic = TOPICS.shadowDecision.name;
    this.#position = new TopicPosition(topics, topic, -Infinity, pause, (record, { partition }) => {
      if (this.#board.add(record, partition)) this.#counted += 1;
    });
  }

  /** To the end that stands now, or until `signal` aborts. */
  readOn(signal: AbortSignal): Promise<void> {
    return this.#position.readOn(signal);
  }

  /** Grows whenever the report changes. */
  get changes(): number {
    return this.#counted + this.#position.undecodable;
  }

  report(): ShadowReport {
    return { as_of: this.#board.asOf, undecodable: this.#position.undecodable, candidates: this.#board.scores() };
  }
}

/** Reads shadow.decision as the log has it now. */
export async function shadowReport(topics: ReadableTopics): Promise<ShadowReport> {
  const reader = new ShadowReader(topics);
  await reader.readOn(new AbortController().signal);
  return reader.report();
}
