import { beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { type Command, TimeLimit, giveCommand } from '../../../pipelines/desk/give-command.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { DeskControl, DeskProcess } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const NOW = 1_770_000_000_000;
const { deskControl, deskProcess, executionReport } = TOPICS;
const POLL_MS = 100;

const WORKING: DeskProcess = {
  ...GOOD_RECORDS[deskProcess.name],
  process: 'host:1',
  part: 'EXECUTION',
  account: 'main',
  state: 'WORKING',
  seen_at: NOW,
  obeys: [],
};

let world: MemorySession;

beforeEach(async () => {
  world = await memorySession();
});

const never = <T>(): Promise<T> => new Promise<T>(() => {});

async function give(command: Command['command'], scope = 'desk') {
  const virtual = new VirtualClock(NOW);
  // Only polls take time: no other wait of the command ends before its limit.
  const clock = {
    now: () => virtual.now(),
    sleep: (ms: number) => (ms === POLL_MS ? afterOthers(() => virtual.sleep(ms)) : never<void>()),
  };
  const commanded = {
    open: () => Promise.resolve(world),
    isDevWorking: () => false,
  };
  const limit = new TimeLimit(clock, 10, 'k:9092', () => {});
  return giveCommand(commanded, { scope, command, by: 'alice', reason: 'a test' }, limit, clock);
}

async function commands(): Promise<readonly DeskControl[]> {
  const found: DeskControl[] = [];
  for await (const { records } of world.log.read(deskControl.name)) {
    for (const record of records) found.push(world.codec.decode(deskControl.name, record));
  }
  return found;
}

/** Writes the record when a command is on the log. */
function answering(record: (command: DeskControl) => DeskProcess): void {
  const append = world.log.append.bind(world.log);
  world.log.append = async (records) => {
    await append(records);
    const [command] = (await commands()).slice(-1);
    if (records[0]?.topic !== deskControl.name || command === undefined) return;
    await world.write(deskProcess, record(command), NOW);
  };
}

describe('a command of the kill switch', () => {
  it.each([
    { what: 'acknowledges the command', later: 0, outcome: 'obeyed' },
    { what: 'acknowledges an earlier one only', later: -1, outcome: 'silent' },
  ])('DSK-17: a process that $what: $outcome', async ({ later, outcome }) => {
    await world.write(deskProcess, WORKING, NOW);
    answering(({ scope, command, issued_at }) => ({
      ...WORKING,
      obeys: [{ scope, command, issued_at: issued_at + later }],
    }));
    const result = await give('HALT');
    expect(result.outcome).toBe(outcome);
    expect(result.obedience[outcome === 'obeyed' ? 'obeyed' : 'silent']).toMatchObject([{ process: 'host:1' }]);
  });

  it('DSK-17: with nobody at work is written, and obeyed by nobody', async () => {
    expect(await give('HALT')).toMatchObject({ outcome: 'idle', trouble: null, standing: [{ scope: 'desk' }] });
  });

  it.each([
    { hangs: 'offsets', outcome: 'unwritten', written: 0 },
    { hangs: 'append', outcome: 'unconfirmed', written: 0 },
    { hangs: 'read after the append', outcome: 'written', written: 2 },
  ] as const)(
    'DSK-18: a log that hangs at $hangs ends it at the limit: $outcome',
    async ({ hangs, outcome, written }) => {
      await world.write(deskProcess, WORKING, NOW);
      const { log } = world;
      const append = log.append.bind(log);
      const offsets = log.offsets.bind(log);
      let isHanging = hangs === 'offsets';
      log.offsets = (topic) => (isHanging ? never() : offsets(topic));
      log.append = async (records) => {
        if (hangs === 'append') return never();
        await append(records);
        isHanging = true;
      };
      const clock = new VirtualClock(NOW);
      const commanded = {
        open: () => Promise.resolve({ ...world, log }),
        isDevWorking: () => false,
      };
      // The limit is reached once everything but the wait for the log is done.
      const reached = { now: () => clock.now(), sleep: (ms: number) => afterOthers(() => clock.sleep(ms)) };
      const limit = new TimeLimit(reached, 10, 'k:9092', () => {});
      const given = { scope: 'desk', command: 'HALT', by: 'alice', reason: 'a test' } as const;
      const result = await giveCommand(commanded, given, limit, reached);
      expect(result).toMatchObject({ outcome, trouble: expect.stringContaining('k:9092') });
      isHanging = false;
      expect(await commands()).toHaveLength(written);
    },
  );

  it('DSK-19: for a scope that no process and no record knows is refused, and nothing is written', async () => {
    await world.write(executionReport, { ...GOOD_RECORDS[executionReport.name], account: 'second' }, NOW);
    await expect(give('HALT', 'secnod')).rejects.toMatchObject({ code: 'USAGE' });
    expect(await commands()).toEqual([]);
    expect(await give('HALT', 'second')).toMatchObject({ outcome: 'idle' });
  });

  it("DSK-20: is issued later than an earlier one, also where that one's clock was ahead", async () => {
    const ahead = {
      ...GOOD_RECORDS[deskControl.name],
      scope: 'desk',
      command: 'HALT',
      issued_at: NOW + 60_000,
    } as const;
    await world.write(deskControl, ahead, NOW);
    const { record, standing } = await give('RESUME');
    expect([record?.issued_at, standing]).toEqual([NOW + 60_001, []]);
  });
});

/** Does the work once every promise that is settled now has had its turn. */
async function afterOthers<T>(work: () => Promise<T>): Promise<T> {
  await new SystemClock().sleep(0);
  return work();
}
