import type { EventLog, LogRecord, OutgoingRecord } from '../../../ports/event-log.ts';

/** Enough partitions for two members. */
export const PARTITIONS = 4;
const KEYS = 23;

/** The record with that number; its key follows from it. */
export function numbered(topic: string, number: number): OutgoingRecord {
  return {
    topic,
    key: Buffer.from(`key-${number % KEYS}`),
    value: Buffer.from(String(number)),
    timestamp: 1_700_000_000_000 + number,
  };
}

/** The numbers from `first` up to `end`, as records. */
export function numberedRange(topic: string, first: number, end: number): OutgoingRecord[] {
  return Array.from({ length: end - first }, (_, index) => numbered(topic, first + index));
}

/** A copy of a record to another topic: same key, same partition. */
export function copyOf({ key, value, timestamp, partition }: LogRecord, topic: string): OutgoingRecord {
  return { topic, key, value, timestamp, partition };
}

/** The numbers in a topic by key, in the order of the offsets. */
export async function numbersByKey(log: EventLog, topic: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  for await (const { records } of log.read(topic)) {
    for (const { key, value } of records) {
      const name = Buffer.from(key ?? []).toString();
      found.set(name, [...(found.get(name) ?? []), Number(Buffer.from(value ?? []).toString())]);
    }
  }
  return found;
}

/**
 * What at least once in order means: every number below `count` is there, and after those that were repeated are left out
 * the numbers of each key ascend. Returns the faults, none for a good topic.
 */
export async function faultsOf(log: EventLog, topic: string, count: number): Promise<string[]> {
  const faults: string[] = [];
  const seen = new Set<number>();
  for (const [key, numbers] of await numbersByKey(log, topic)) {
    const first = [...new Set(numbers)];
    if (first.some((number, index) => index > 0 && number < (first[index - 1] ?? 0)))
      faults.push(`${key} is out of order: ${first.join(' ')}`);
    for (const number of numbers) seen.add(number);
  }
  for (let number = 0; number < count; number++) if (!seen.has(number)) faults.push(`${number} is lost`);
  return faults;
}
