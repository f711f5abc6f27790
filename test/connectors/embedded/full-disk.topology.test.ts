import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { LogRecord, OutgoingRecord } from '../../../ports/event-log.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { plannedSteps } from './log-history.ts';
import { type DiskOfLog, workThroughFullDisk } from './through-a-full-disk.ts';

const PAGE_BYTES = 4096;

/** The most that SQLite knows. Unit: pages. */
const NO_LIMIT = 4_294_967_294;

/** The database may not have more pages than it has, and some. */
const PAGE_LIMIT: DiskOfLog = {
  fill: ({ database }, bytesLeft) => {
    const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
    database.exec(`PRAGMA max_page_count = ${Math.max(1, pages + Math.floor(bytesLeft / PAGE_BYTES))}`);
  },
  makeRoom: ({ database }) => database.exec(`PRAGMA max_page_count = ${NO_LIMIT}`),
};

const STEPS = 80;

describe('a disk that fills up, and has room again', () => {
  it('PORT-1, PORT-3: a call is acknowledged and all of it is there, or refused and nothing of it is', async () => {
    const reached = countedBranches({ append: 5, commit: 3, schema: 1 });
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const random = new SeededRandom(seed);
        const folder = temporaryFolder();
        try {
          const steps = plannedSteps(random.stream('steps'), STEPS);
          const refused = await workThroughFullDisk(folder.path, PAGE_LIMIT, steps, random.stream('disk'));
          // What names a topic finds room in the page that there is.
          for (const kind of refused) if (kind !== 'topic') reached(kind);
        } finally {
          folder.remove();
        }
      }),
      { numRuns: 5 },
    );
  });

  it('PORT-3: a group stops with DISK_FULL, has committed nothing that is not written, and goes on once there is room', async () => {
    const log = EmbeddedLog.open(folderForTest(), new SystemClock());
    await log.createTopics(
      ['in', 'out'].map((name) => ({ name, key: 'as received', partitions: 1, cleanup: 'delete', retentionMs: null })),
    );
    const inputs = Array.from({ length: 12 }, (_, number) => record('in', number));
    await log.append(inputs);
    const join = async () =>
      log.subscribe({ group: 'g', topics: ['in'], from: 'beginning', maxBatchRecords: 2 }, async ({ records }) =>
        records.map(({ timestamp }) => record('out', timestamp)),
      );
    PAGE_LIMIT.fill(log, 5 * PAGE_BYTES);
    const first = await join();
    await expect(first.done).rejects.toMatchObject({ code: 'DISK_FULL', remedy: expect.stringContaining('Make room') });
    await first.stop();
    const committed = (await log.committed('g', 'in')).get(0) ?? 0;
    expect(committed).toBeGreaterThan(0);
    expect(committed).toBeLessThan(inputs.length);
    expect(log.endOffset('out', 0)).toBe(committed);
    PAGE_LIMIT.makeRoom(log);
    const second = await join();
    await expect.poll(async () => (await log.committed('g', 'in')).get(0)).toBe(inputs.length);
    await second.stop();
    const outputs: LogRecord[] = [];
    for await (const { records } of log.read('out')) outputs.push(...records);
    expect(outputs.map(({ timestamp }) => timestamp)).toEqual(inputs.map(({ timestamp }) => timestamp));
    await log.close();
  });
});

/** Of a page and a half: each takes room of its own. */
function record(topic: string, number: number): OutgoingRecord {
  return { topic, key: null, value: Buffer.alloc(6000, number), timestamp: number };
}
