import { beforeEach, describe, expect, it } from 'vitest';
import { DeskControlWatch } from '../../app/desk-control.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { VirtualClock } from '../../ports/clock.ts';
import { type Logger, SILENT_LOGGER } from '../../ports/logger.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../schemas/good-records.ts';
import { type MemoryWorld, memoryWorld } from './memory-log.ts';

const { deskControl } = TOPICS;
const GOOD = GOOD_RECORDS[deskControl.name];

let world: MemoryWorld;
let clock: VirtualClock;
let errors: string[];
let watch: DeskControlWatch;

beforeEach(async () => {
  world = await memoryWorld();
  clock = new VirtualClock(1_770_000_000_000);
  errors = [];
  const logger: Logger = { ...SILENT_LOGGER, error: (_, message) => errors.push(message) };
  watch = new DeskControlWatch(world, clock, logger);
});

const say = (command: 'HALT' | 'RESUME', scope = 'desk') =>
  world.write(deskControl, { ...GOOD, command, scope }, GOOD.issued_at);

describe('the kill switch', () => {
  it('K2: the latest command of a scope is in force; the desk is everybody', async () => {
    expect(await watch.halted('main')).toBeNull();
    await say('HALT');
    clock.set(clock.now() + 250);
    expect(await watch.halted('main')).toEqual({
      scope: 'desk',
      by: GOOD.issued_by,
      reason: GOOD.reason,
      since: GOOD.issued_at,
    });
    await say('RESUME');
    await say('HALT', 'other');
    clock.set(clock.now() + 250);
    expect([await watch.halted('main'), (await watch.halted('other'))?.scope]).toEqual([null, 'other']);
    expect(watch.halts().map(({ scope }) => scope)).toEqual(['other']);
  });

  it('K1: an answer is no older than a quarter of a second, and a failed look is none', async () => {
    await watch.halted('main');
    await say('HALT');
    clock.set(clock.now() + 249);
    expect(await watch.halted('main')).toBeNull();
    clock.set(clock.now() + 1);
    expect((await watch.halted('main'))?.scope).toBe('desk');
    const away = new HarvestlineError('BROKER_AWAY', 'no route');
    world.log.offsets = () => Promise.reject(away);
    clock.set(clock.now() + 250);
    await expect(watch.halted('main')).rejects.toBe(away);
  });

  it('K1: a look that was joined and took long is not enough, nor one that a clock has dated in the future', async () => {
    const offsets = world.log.offsets.bind(world.log);
    const asked = Promise.withResolvers<undefined>();
    const answer = Promise.withResolvers<undefined>();
    let looks = 0;
    world.log.offsets = async (topic) => {
      const found = await offsets(topic);
      looks += 1;
      if (looks > 1) return found;
      asked.resolve(undefined);
      await answer.promise;
      return found;
    };
    const first = watch.halted('main');
    await asked.promise;
    await say('HALT');
    clock.set(clock.now() + 250);
    const second = watch.halted('main');
    answer.resolve(undefined);
    expect([await first, (await second)?.scope]).toEqual([null, 'desk']);

    await say('RESUME');
    clock.set(clock.now() - 1000);
    expect(await watch.halted('main')).toBeNull();
  });

  it('K2: poison changes nothing, and is said', async () => {
    await say('HALT');
    await world.log.append([{ topic: deskControl.name, key: null, value: Buffer.from([7]), timestamp: 1 }]);
    expect((await watch.halted('main'))?.scope).toBe('desk');
    expect(errors).toHaveLength(1);
  });

  it('K3: callers at the same time share one look', async () => {
    let looks = 0;
    const offsets = world.log.offsets.bind(world.log);
    world.log.offsets = (topic) => {
      looks += 1;
      return offsets(topic);
    };
    await Promise.all([watch.halted('a'), watch.halted('b'), watch.halted('c')]);
    expect(looks).toBe(1);
  });
});
