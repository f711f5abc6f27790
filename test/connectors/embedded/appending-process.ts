/** Appends numbers to a topic batch by batch, goes on from what is there, and prints how many were acknowledged. */
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';

export const CRASH_TOPIC = 'crash';

/** The number of records of an append, all or none of which have to be there. */
export const BATCH = 20;

const folder = process.argv[2];
if (import.meta.main && folder !== undefined) {
  const log = EmbeddedLog.open(folder, new SystemClock());
  await log.createTopics([
    { name: CRASH_TOPIC, key: 'as received', partitions: 1, cleanup: 'delete', retentionMs: null },
  ]);
  for (;;) {
    const start = log.endOffset(CRASH_TOPIC, 0);
    await log.append(
      Array.from({ length: BATCH }, (_, index) => ({
        topic: CRASH_TOPIC,
        key: null,
        value: Buffer.from(String(start + index)),
        timestamp: 0,
      })),
    );
    process.stdout.write(`${start + BATCH}\n`);
  }
}
