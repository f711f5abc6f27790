import { afterAll, beforeAll } from 'vitest';
import type { Batch, EventLog, LogRecord, OutgoingRecord, TopicAdmin } from '../../ports/event-log.ts';
import type { TopicSpec } from '../../schemas/topics.ts';

/** An open log under test, and a second client on the same records, as another process would have. */
export interface LogUnderTest {
  readonly log: EventLog & TopicAdmin;
  readonly other: EventLog;
  /** The broker's name of a topic, where it differs. */
  nameOf?(topic: string): string;
  close(): Promise<void>;
}

/** The number of partitions of every topic in the contract. */
export const PARTITIONS = 3;

let topicNumber = 0;

/** Opens the log for the tests of the suite, which use it and topics of their own. */
export function openForSuite(open: () => Promise<LogUnderTest>) {
  let opened: LogUnderTest;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());
  return {
    get log() {
      return opened.log;
    },
    get other() {
      return opened.other;
    },
    /** The broker's name of a topic. */
    nameOf: (topic: string): string => opened.nameOf?.(topic) ?? topic,
    newTopic: async (cleanup: TopicSpec['cleanup'] = 'delete'): Promise<string> => {
      topicNumber += 1;
      const name = `contract-${process.pid}-${topicNumber}`;
      await opened.log.createTopics([{ name, key: 'as received', partitions: PARTITIONS, cleanup, retentionMs: null }]);
      return name;
    },
  };
}

export function record(topic: string, key: string, value: string): OutgoingRecord {
  return { topic, key: Buffer.from(key), value: Buffer.from(value), timestamp: 1_700_000_000_000 };
}

export function text(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString();
}

export function texts(records: readonly LogRecord[]): string[] {
  return records.map((one) => text(one.value));
}

export async function everything(log: EventLog, topic: string): Promise<LogRecord[]> {
  const found: Batch[] = [];
  for await (const batch of log.read(topic)) found.push(batch);
  return found.flatMap((batch) => [...batch.records]);
}
