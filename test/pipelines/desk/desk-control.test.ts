import { beforeEach, describe, expect, it } from 'vitest';
import { DeskControlWatch } from '../../../pipelines/desk/desk-control.ts';
import { commandRecords } from '../../../pipelines/desk/control-topic.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { WithheldOrder } from '../../../ports/kill-switch.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const { deskControl, deskProcess } = TOPICS;
const GOOD = GOOD_RECORDS[deskControl.name];
const START = 1_770_000_000_000;
const SETTINGS_MS = 1000;

let world: MemorySession;
let clock: VirtualClock;
let lines: string[];
let forgets: string | null;
let watch: DeskControlWatch;
/** Resolves when a poll has taken too long. */
let overdue: PromiseWithResolvers<void>;

beforeEach(async () => {
  world = await memorySession();
  clock = new VirtualClock(START);
  lines = [];
  forgets = null;
  overdue = Promise.withResolvers<void>();
  watch = watchOf();
});

function watchOf(): DeskControlWatch {
  const logger: Logger = { ...SILENT_LOGGER, warn: (_, message) => lines.push(message) };
  return new DeskControlWatch(world, clock, logger, {
    whyItForgets: () => Promise.resolve(forgets),
    timer: { sleep: () => overdue.promise },
  });
}

let issuedAt = GOOD.issued_at;

/** As the commands write it. */
async function give(command: 'HALT' | 'RESUME', scope = 'desk'): Promise<void> {
  issuedAt += 1;
  await world.log.append(await commandRecords(world, { ...GOOD, command, scope, issued_at: issuedAt }));
}

const later = (ms: number): void => clock.set(clock.now() + ms);

/** What becomes of an order that is about to be sent. */
async function sending(account = 'main'): Promise<string> {
  try {
    return await watch.gate(account)(() => Promise.resolve('sent'));
  } catch (thrown) {
    if (thrown instanceof WithheldOrder) return thrown.message;
    throw thrown;
  }
}

describe('the kill switch of a process', () => {
  it('obeys the latest command of a scope; the desk is everybody', async () => {
    expect([await watch.halted('main'), await sending()]).toEqual([null, 'sent']);
    await give('HALT');
    later(250);
    expect(await watch.halted('main')).toMatchObject({ scope: 'desk', by: GOOD.issued_by, reason: GOOD.reason });
    expect(await sending()).toContain(`desk halted by ${GOOD.issued_by}`);
    await give('RESUME');
    await give('HALT', 'other');
    later(250);
    expect([await sending(), (await watch.halted('other'))?.scope]).toEqual(['sent', 'other']);
    expect(watch.stops().map(({ scope }) => scope)).toEqual(['other']);
  });

  it('DSK-12: an answer is no older than a quarter of a second, and a failed poll is none', async () => {
    await watch.halted('main');
    await give('HALT');
    later(249);
    expect([await watch.halted('main'), await sending()]).toEqual([null, 'sent']);
    later(1);
    expect((await watch.halted('main'))?.scope).toBe('desk');
    const away = new HarvestlineError('BROKER_AWAY', 'no route');
    world.log.offsets = () => Promise.reject(away);
    later(250);
    await expect(watch.halted('main')).rejects.toBe(away);
    expect(await sending()).toContain('is not known');
  });

  it('DSK-12: a shared poll that took long is not enough, nor one that a clock has dated in the future', async () => {
    await watch.poll();
    later(250);
    const offsets = world.log.offsets.bind(world.log);
    const asked = Promise.withResolvers<undefined>();
    const answer = Promise.withResolvers<undefined>();
    let polls = 0;
    world.log.offsets = async (topic) => {
      const found = await offsets(topic);
      polls += 1;
      if (polls > 1) return found;
      asked.resolve(undefined);
      await answer.promise;
      return found;
    };
    const first = watch.halted('main');
    await asked.promise;
    await give('HALT');
    later(250);
    const second = watch.halted('main');
    answer.resolve(undefined);
    expect([await first, (await second)?.scope]).toEqual([null, 'desk']);

    await give('RESUME');
    later(-1000);
    expect(await watch.halted('main')).toBeNull();
  });

  it('DSK-12: a poll that hangs at the moment of sending keeps the order back', async () => {
    await watch.poll();
    later(250);
    world.log.offsets = () => new Promise(() => {});
    const order = sending();
    overdue.resolve();
    expect(await order).toContain('it does not answer');
    later(3000);
    await watch.obey();
    expect(watch.stops()).toMatchObject([{ scope: 'desk', since: START }]);
  });

  it.each([
    [1999, 'sent'],
    [2000, expect.stringContaining('it does not answer')],
  ])(
    'DSK-12: a poll that was asked for at the moment of sending may take less than two seconds: %d ms',
    async (ms, outcome) => {
      await watch.poll();
      later(250);
      const offsets = world.log.offsets.bind(world.log);
      const asked = Promise.withResolvers<undefined>();
      const answer = Promise.withResolvers<undefined>();
      world.log.offsets = async (topic) => {
        asked.resolve(undefined);
        await answer.promise;
        return offsets(topic);
      };
      const order = sending();
      await asked.promise;
      later(ms);
      answer.resolve(undefined);
      expect(await order).toEqual(outcome);
    },
  );

  it('DSK-13: a topic that was made anew is read from its beginning, and logged', async () => {
    for (const command of ['HALT', 'RESUME', 'HALT', 'RESUME'] as const) await give(command);
    expect(await watch.halted('main')).toBeNull();
    const known = world.log;
    world = await memorySession();
    known.offsets = (topic) => world.log.offsets(topic);
    known.read = (topic, range) => world.log.read(topic, range);
    later(250);
    expect(await watch.halted('main')).toBeNull();
    expect(lines.join('\n')).toContain('its offsets went back');
    await give('HALT');
    later(250);
    expect((await watch.halted('main'))?.scope).toBe('desk');
  });

  it('DSK-13: with the same offsets as before, too', async () => {
    await give('RESUME');
    expect(await watch.halted('main')).toBeNull();
    const known = world.log;
    world = await memorySession();
    known.offsets = (topic) => world.log.offsets(topic);
    known.read = (topic, range) => world.log.read(topic, range);
    await give('HALT');
    later(5000);
    expect((await watch.halted('main'))?.scope).toBe('desk');
  });

  it('DSK-14: callers at the same time share one poll', async () => {
    await watch.poll();
    later(250);
    let polls = 0;
    const offsets = world.log.offsets.bind(world.log);
    world.log.offsets = (topic) => {
      polls += 1;
      return offsets(topic);
    };
    await Promise.all([watch.halted('a'), watch.halted('b'), watch.gate('c')(() => Promise.resolve())]);
    expect(polls).toBe(1);
  });

  it('DSK-15: a topic that is not there, or can forget, stops everything as long as it lasts', async () => {
    const offsets = world.log.offsets.bind(world.log);
    world.log.offsets = () => Promise.reject(new HarvestlineError('TOPIC_MISSING', 'no topic'));
    expect(await watch.halted('main')).toMatchObject({ scope: 'desk', since: START });
    world.log.offsets = offsets;
    later(SETTINGS_MS);
    expect([await watch.halted('main'), watch.stops()]).toEqual([null, []]);
    forgets = 'it can forget a halt';
    later(SETTINGS_MS);
    expect([await sending(), watch.stops()]).toEqual([
      expect.stringContaining('desk.control: it can forget a halt'),
      [expect.objectContaining({ scope: 'desk' })],
    ]);
    forgets = null;
    later(SETTINGS_MS);
    expect(await sending()).toBe('sent');
    expect(lines.at(-1)).toBe('orders may be sent again');
  });

  it('DSK-22: a record that does not decode, or breaks a rule, stops its scope, or the desk where the key tells none', async () => {
    const [halt] = await commandRecords(world, { ...GOOD, scope: 'main' });
    if (halt === undefined || halt.value === null) throw new Error('no record');
    await world.log.append([{ ...halt, value: halt.value.slice(0, 9), partition: 0 }]);
    later(250);
    expect([(await watch.halted('main'))?.scope, await watch.halted('other')]).toEqual(['main', null]);
    await world.log.append([{ ...halt, key: Buffer.from([0xff]), value: Buffer.from([7]), partition: 0 }]);
    later(250);
    expect(await watch.halted('other')).toMatchObject({
      scope: 'desk',
      why: expect.stringContaining('NOT_WIRE_FORMAT'),
    });
  });

  it('DSK-24: a process that starts goes by what the ones before it obeyed', async () => {
    const obeys = [{ scope: 'desk', command: 'HALT' as const, issued_at: GOOD.issued_at }];
    await world.write(deskProcess, { ...GOOD_RECORDS[deskProcess.name], obeys }, GOOD.issued_at);
    expect(await watch.halted('main')).toMatchObject({ scope: 'desk', why: expect.stringContaining('is gone') });
    issuedAt = GOOD.issued_at;
    await give('RESUME');
    later(250);
    expect(await watch.halted('main')).toBeNull();
  });

  it('DSK-16: a halt is acknowledged when every send that was let through has its answer', async () => {
    await watch.poll();
    const answer = Promise.withResolvers<string>();
    const sent = watch.gate('main')(() => answer.promise);
    await give('HALT');
    later(250);
    await watch.obey();
    expect([watch.obeys(), await sending()]).toEqual([[], expect.stringContaining('halted')]);
    answer.resolve('an order');
    expect(await sent).toBe('an order');
    await watch.obey();
    expect(watch.obeys()).toEqual([{ scope: 'desk', command: 'HALT', issued_at: issuedAt }]);
  });
});
