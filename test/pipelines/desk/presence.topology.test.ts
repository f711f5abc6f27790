import { describe, expect, it, vi } from 'vitest';
import type { DeskProcess } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type PreparedLog, preparedLog, recordsOf, startRun } from '../../cli/compose/run-in-process.ts';

/** Far longer than it takes on a busy machine. */
const PATIENCE = { timeout: 20_000 };

const published = (world: PreparedLog): Promise<DeskProcess[]> => recordsOf(world, TOPICS.deskProcess.name);

describe('what a process publishes of itself', () => {
  it('DSK-28, DSK-30: it works before it consumes, and ends after it has drained', async () => {
    const world = await preparedLog();
    const order: string[] = [];
    const running = await startRun(() => {
      const log = world.open();
      const subscribe = log.subscribe.bind(log);
      log.subscribe = async (options, handler) => {
        if (options.group === 'execution') order.push(`consumes, ${(await published(world)).at(-1)?.state}`);
        const subscription = await subscribe(options, handler);
        const stop = subscription.stop.bind(subscription);
        subscription.stop = async () => {
          await stop();
          order.push(`${options.group} left, ${(await published(world)).at(-1)?.state}`);
        };
        return subscription;
      };
      return log;
    });
    await vi.waitFor(async () => expect((await running.get('/ready')).status).toBe(200), PATIENCE);
    running.drain.abort();
    await running.done;
    expect(order[0]).toBe('consumes, WORKING');
    expect(new Set(order.slice(1).map((line) => line.split(', ')[1]))).toEqual(new Set(['WORKING']));
    const records = await published(world);
    const [first] = records;
    expect(records.at(-1)?.state).toBe('ENDED');
    expect(first).toMatchObject({ part: 'EXECUTION', account: '*', venue: 'paper', mode: 'PAPER', by: 'tester' });
    expect(new Set(records.map(({ process }) => process))).toEqual(new Set([first?.process]));
  });

  it('DSK-29: a command that is newly obeyed is recorded without waiting for the next heartbeat', async () => {
    const world = await preparedLog();
    await startRun(world.open);
    await vi.waitFor(async () => expect(await published(world)).toHaveLength(1), PATIENCE);
    const halt = GOOD_RECORDS[TOPICS.deskControl.name];
    await world.log.append([new TopicWriter('desk', world.codec).encode(TOPICS.deskControl, halt, halt.issued_at)]);
    const { scope, command, issued_at } = halt;
    await vi.waitFor(async () => {
      expect((await published(world)).at(-1)?.obeys).toEqual([{ scope, command, issued_at }]);
    }, PATIENCE);
  });

  it('a process that executes nothing and observes nothing publishes nothing', async () => {
    const world = await preparedLog();
    const running = await startRun(world.open, { processors: ['scoring', 'clm'] });
    await vi.waitFor(async () => expect((await running.get('/ready')).status).toBe(200), PATIENCE);
    running.drain.abort();
    await running.done;
    expect(await published(world)).toEqual([]);
  });
});
