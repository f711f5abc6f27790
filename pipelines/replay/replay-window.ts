import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { parseEventTime } from '../../render/event-time.ts';
import type { EventLog, PartitionOffsets } from '../../ports/event-log.ts';
import type { TopicRange } from '../runtime/topic-cursor.ts';

/** A stretch of a log by record timestamps; `to` is not included. Null: the oldest record kept; the end as it stands now. */
export interface ReplayWindow {
  readonly from: number | null;
  readonly to: number | null;
}

/** Not of four digits: that is more likely a year. */
const EPOCH_MS = /^(?!\d{4}$)\d{1,15}$/;

/** `--from` takes `beginning` too, `--to` does not; both an ISO time or epoch milliseconds. Throws USAGE. */
export function parseWindow(from: string | undefined, to: string | undefined): ReplayWindow {
  const window = {
    from: from === undefined || from === 'beginning' ? null : parseTime('--from', from, 'beginning, '),
    to: to === undefined ? null : parseTime('--to', to, ''),
  };
  if (window.from !== null && window.to !== null && window.from >= window.to)
    throw new HarvestlineError('USAGE', `--from ${from} must be before --to ${to}`);
  return window;
}

/** The offsets of the window as they stand now: records appended later are left out. */
export async function fixWindow(log: EventLog, topic: string, { from, to }: ReplayWindow): Promise<TopicRange> {
  const ends = await log.offsets(topic);
  const firsts = from === null ? null : await log.offsetsAt(topic, from);
  const lasts = to === null ? null : await log.offsetsAt(topic, to);
  return ends.map(({ partition, begin, end }): PartitionOffsets => {
    const start = Math.min(end, Math.max(begin, firsts?.get(partition) ?? begin));
    return { partition, begin: start, end: Math.max(start, Math.min(end, lasts?.get(partition) ?? end)) };
  });
}

function parseTime(option: string, text: string, also: string): number {
  const time = EPOCH_MS.test(text) ? Number(text) : parseEventTime(text);
  if (time === null)
    throw new HarvestlineError(
      'USAGE',
      `${option} ${text}: must be ${also}epoch milliseconds or an ISO time such as 2026-02-01T12:00Z`,
    );
  return time;
}
