import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { parseEventTime } from '../../render/event-time.ts';
import type { EventLog, PartitionOffsets } from '../../ports/event-log.ts';

/** Where `tail` starts. */
export type TailStart =
  | { readonly kind: 'beginning' | 'latest' | 'last' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'partition offsets'; readonly offsets: ReadonlyMap<number, number> }
  | { readonly kind: 'time'; readonly timestamp: number };

/**
 * A bare number is an offset below this and a time from it on: as epoch milliseconds it is March 1973, long before any
 * record, and as an offset more records than a partition here will ever hold.
 */
const FIRST_TIME_MS = 100_000_000_000;

/** `beginning`, `latest`, an offset, `PARTITION:OFFSET[,…]`, epoch milliseconds or an ISO time. Throws USAGE. */
export function parseTailStart(text: string): TailStart {
  if (text === 'beginning' || text === 'latest') return { kind: text };
  if (/^\d{1,15}$/.test(text)) {
    const number = Number(text);
    return number < FIRST_TIME_MS ? { kind: 'offset', offset: number } : { kind: 'time', timestamp: number };
  }
  if (/^\d{1,9}:\d{1,15}(,\d{1,9}:\d{1,15})*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number));
    return {
      kind: 'partition offsets',
      offsets: new Map(pairs.map(([partition = 0, offset = 0]) => [partition, offset])),
    };
  }
  const timestamp = parseEventTime(text);
  if (timestamp === null) {
    throw new HarvestlineError(
      'USAGE',
      `--from ${text}: must be beginning, latest, an offset, PARTITION:OFFSET[,…], epoch milliseconds or an ISO time`,
    );
  }
  return { kind: 'time', timestamp };
}

/** The stretch of `topic` from `start` to the ends that stand now. `last` is how many records kind `last` asks of each partition. */
export async function rangeFrom(
  log: EventLog,
  topic: string,
  start: TailStart,
  last: number,
): Promise<readonly PartitionOffsets[]> {
  const ends = await log.offsets(topic);
  // Asked after the ends: a record appended in between starts beyond them and is left out.
  const byTime = start.kind === 'time' ? await log.offsetsAt(topic, start.timestamp) : undefined;
  const range = ends.map((part) => ({ ...part, begin: Math.max(part.begin, firstOffset(start, part, last, byTime)) }));
  return start.kind === 'partition offsets' ? range.filter(({ partition }) => start.offsets.has(partition)) : range;
}

function firstOffset(
  start: TailStart,
  { partition, begin, end }: PartitionOffsets,
  last: number,
  byTime: ReadonlyMap<number, number> | undefined,
): number {
  switch (start.kind) {
    case 'beginning':
      return begin;
    case 'last':
      return end - last;
    case 'offset':
      return start.offset;
    case 'partition offsets':
      return start.offsets.get(partition) ?? end;
    case 'time':
      return byTime?.get(partition) ?? end;
    case 'latest':
    default:
      return end;
  }
}
