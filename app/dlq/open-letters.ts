import type { EventLog, LogRecord, ReadRange } from '../../ports/event-log.ts';
import { markedOffset } from './retry-headers.ts';

/** Which letters of one dead-letter topic were put back. Memory: one number a retried letter. */
export class RetriedLetters {
  readonly #offsets = new Map<number, Set<number>>();

  /** Reads every mark up to the end that stands now. */
  static async read(log: EventLog, topic: string): Promise<RetriedLetters> {
    const retried = new RetriedLetters();
    for await (const { partition, records } of log.read(topic)) {
      for (const record of records) {
        const offset = markedOffset(record);
        if (offset !== null) retried.#add(partition, offset);
      }
    }
    return retried;
  }

  has({ partition, offset }: LogRecord): boolean {
    return this.#offsets.get(partition)?.has(offset) ?? false;
  }

  #add(partition: number, offset: number): void {
    const offsets = this.#offsets.get(partition);
    if (offsets === undefined) this.#offsets.set(partition, new Set([offset]));
    else offsets.add(offset);
  }
}

/** The letters of a dead-letter topic, batch by batch, with neither the marks nor the letters that were put back. */
export async function* openLetters(
  log: EventLog,
  topic: string,
  range: ReadRange = {},
): AsyncGenerator<readonly LogRecord[]> {
  const retried = await RetriedLetters.read(log, topic);
  for await (const { records } of log.read(topic, range)) {
    const open = records.filter((record) => markedOffset(record) === null && !retried.has(record));
    if (open.length > 0) yield open;
  }
}

/** The record at that place of a topic; null where none is. */
export async function recordAt(
  log: EventLog,
  topic: string,
  { partition, offset }: { readonly partition: number; readonly offset: number },
): Promise<LogRecord | null> {
  const range = { from: new Map([[partition, offset]]), partitions: [partition] };
  for await (const { records } of log.read(topic, range)) {
    // The first record read is the one, or a later one where retention removed it.
    return records[0]?.offset === offset ? records[0] : null;
  }
  return null;
}
