import type { LogRecord } from '../../ports/event-log.ts';

/** Where a record lies in its topic. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** Equal for equal places of one topic. */
export function placeKey({ partition, offset }: Place): string {
  return `${partition}:${offset}`;
}

export function placeOf({ partition, offset }: LogRecord): Place {
  return { partition, offset };
}
