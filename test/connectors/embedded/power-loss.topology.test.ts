import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { openPaperDatabase } from '../../../connectors/exchange/paper/paper-book.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { type Step, type World, performStep, plannedSteps, stateOf } from './log-history.ts';
import { type LogFiles, leaveFiles, syncedFiles, tornBetween, withFlippedBits, writesBetween } from './torn-files.ts';

/** What the log had acknowledged at a moment, and its files then. */
interface Moment {
  readonly world: World;
  readonly files: LogFiles;
}

/**
 * The moments after each acknowledgement of a history. `checkpointPages`: a commit that leaves more pages in the write-ahead log is followed
 * by a checkpoint.
 */
async function historyOf(steps: readonly Step[], checkpointPages: number): Promise<readonly Moment[]> {
  const folder = temporaryFolder();
  try {
    const log = EmbeddedLog.open(folder.path, new SystemClock());
    log.database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    let world = await stateOf(log);
    const moments = [{ world, files: syncedFiles(folder.path) }];
    for (const step of steps) {
      world = await performStep(log, step, world);
      moments.push({ world, files: syncedFiles(folder.path) });
    }
    await log.close();
    return moments;
  } finally {
    folder.remove();
  }
}

/** What the connector finds in the files, after it has shown that the log goes on: a record is appended, and there at the next opening. */
async function foundIn(files: LogFiles, seed: number): Promise<World> {
  const folder = temporaryFolder();
  try {
    leaveFiles(folder.path, files, new SeededRandom(seed).stream('shared memory'));
    const log = EmbeddedLog.open(folder.path, new SystemClock());
    const found = await stateOf(log);
    let more = await performStep(log, { kind: 'topic', topic: 'after' }, found);
    more = await performStep(log, { kind: 'append', records: [ANOTHER] }, more);
    await log.close();
    const again = EmbeddedLog.openReadOnly(folder.path, new SystemClock());
    expect(await stateOf(again)).toEqual(more);
    await again.close();
    return found;
  } finally {
    folder.remove();
  }
}

const ANOTHER = { topic: 'after', partition: 0, key: null, value: Buffer.from('goes on'), timestamp: 1, headers: [] };

const STEPS = 30;

/** Few enough that every history has several checkpoints. Unit: pages of the write-ahead log. */
const CHECKPOINT_PAGES = 20;

describe('after a power loss', () => {
  it('PORT-1: a commit waits until the disk has synced it, on the log as in the book of the paper exchange', () => {
    const folder = folderForTest();
    const log = EmbeddedLog.open(folder, new SystemClock());
    const book = openPaperDatabase(join(folder, 'paper-exchange.sqlite'));
    for (const database of [log.database, book]) {
      expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      database.close();
    }
  });

  it('PORT-1, PORT-3, PORT-5: what was acknowledged is there byte for byte, what was under way is there whole or not at all', async () => {
    const reached = countedBranches({ 'commit kept': 10, 'commit lost': 20, checkpoint: 5, 'log begun anew': 3 });
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const random = new SeededRandom(seed);
        const moments = await historyOf(plannedSteps(random.stream('steps'), STEPS), CHECKPOINT_PAGES);
        for (const [number, before] of moments.entries()) {
          const after = moments[number + 1];
          if (after === undefined) continue;
          for (const interrupted of writesBetween(before.files, after.files)) {
            const draw = random.stream('power loss', number, interrupted);
            const found = await foundIn(tornBetween(before.files, after.files, interrupted, draw), seed + number);
            // A checkpoint follows the sync of its commit.
            const isKept = interrupted === 'checkpoint' || isDeepStrictEqual(found, after.world);
            expect(found).toEqual(isKept ? after.world : before.world);
            if (interrupted === 'checkpoint') reached('checkpoint');
            else reached(isKept ? 'commit kept' : 'commit lost');
          }
          if (!before.files.wal.subarray(0, WAL_HEADER_BYTES).equals(after.files.wal.subarray(0, WAL_HEADER_BYTES)))
            reached('log begun anew');
        }
      }),
      { numRuns: 3 },
    );
  });

  it('a disk that lost what it had synced leaves the log as it was at an earlier acknowledgement', async () => {
    const random = new SeededRandom(1);
    const moments = await historyOf(plannedSteps(random.stream('steps'), STEPS), NEVER);
    const last = moments.at(-1);
    if (last === undefined) throw new Error('no history');
    const found = new Set<number>();
    for (let attempt = 0; attempt < 25; attempt++) {
      const draw = random.stream('loss', attempt);
      const { main, wal } = last.files;
      const at = draw.integer(0, wal.length - 1);
      const left =
        draw.integer(0, 1) === 0 ? wal.subarray(0, at) : withFlippedBits(wal, [{ start: at, end: wal.length }], draw);
      const world = await foundIn({ main, wal: left }, attempt);
      found.add(moments.findIndex((moment) => isDeepStrictEqual(moment.world, world)));
    }
    expect(found).not.toContain(-1);
    expect(found.size).toBeGreaterThan(7);
  });
});

/** No checkpoint: the whole history lies in the write-ahead log. */
const NEVER = 0;

/** It has the salts of the frames that count, which change when the log begins anew. Unit: bytes. */
const WAL_HEADER_BYTES = 32;
