import { beforeEach, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { ClaimBook } from '../../../pipelines/desk/claim-book.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const START = 1_770_000_000_000;
const CLAIM = { ...GOOD_RECORDS[TOPICS.deskClaim.name], state: 'CLAIMED', replaces: [] } as const;

let world: MemorySession;
let clock: VirtualClock;
let book: ClaimBook;
let reads: number;

beforeEach(async () => {
  world = await memorySession();
  clock = new VirtualClock(START);
  book = new ClaimBook({ ...world, clock, logger: SILENT_LOGGER });
  reads = 0;
  const offsets = world.log.offsets.bind(world.log);
  world.log.offsets = (topic) => {
    reads += 1;
    return offsets(topic);
  };
});

it('DSK-4: claims are read again when they are a second old, and a log that does not answer is an error', async () => {
  await book.fresh();
  clock.set(START + 999);
  await book.fresh();
  expect(reads).toBe(1);
  await world.write(TOPICS.deskClaim, CLAIM, START);
  clock.set(START + 1000);
  expect((await book.fresh()).all()).toMatchObject([{ account: CLAIM.account }]);
  const away = new HarvestlineError('BROKER_AWAY', 'no route');
  world.log.offsets = () => Promise.reject(away);
  clock.set(START + 2000);
  await expect(book.fresh()).rejects.toBe(away);
});

it('DSK-4: claims that were dated by a clock which was set back since are read again', async () => {
  await book.fresh();
  clock.set(START - 60_000);
  expect(book.isFreshEnough).toBe(false);
  await book.fresh();
  expect([reads, book.isFreshEnough]).toEqual([2, true]);
});

it('DSK-5: callers at the same time share one read', async () => {
  await Promise.all([book.fresh(), book.fresh(), book.fresh()]);
  expect(reads).toBe(1);
});

it('DSK-6: a topic that was made anew is read from its beginning, and the claims of the old one are void', async () => {
  await world.write(TOPICS.deskClaim, CLAIM, START);
  expect((await book.fresh()).all()).toHaveLength(1);
  const { log } = await memorySession();
  world.log.offsets = (topic) => log.offsets(topic);
  world.log.read = (topic, range) => log.read(topic, range);
  clock.set(START + 1000);
  expect((await book.fresh()).all()).toEqual([]);
});
