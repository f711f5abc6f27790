import { beforeEach, describe, expect, it } from 'vitest';
import { AccountClaims, type AccountClaimsOptions } from '../../../pipelines/desk/account-claims.ts';
import { retirement, workedAccounts } from '../../../pipelines/desk/claim-book.ts';
import type { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { GONE_MS } from '../../../pipelines/desk/presence.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { DeskProcess } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type PreparedLog, recordsOf, preparedLog } from '../../cli/compose/run-in-process.ts';

const START = Date.parse('2026-02-07T12:00:00Z');

/** Time passes only where the code sleeps, and others may act meanwhile. */
class EventfulClock extends VirtualClock {
  onSleep: () => Promise<void> = () => Promise.resolve();

  override async sleep(ms: number): Promise<void> {
    await super.sleep(ms);
    await this.onSleep();
  }
}

let world: PreparedLog;
let clock: EventfulClock;

beforeEach(async () => {
  world = await preparedLog();
  clock = new EventfulClock(START);
});

const LIVE = { venue: 'binanceusdm', mode: 'LIVE' } as const;
const DEMO = { venue: 'binanceusdm', mode: 'DEMO' } as const;
const PAPER = { venue: 'paper', mode: 'PAPER' } as const;

function claimant(process: string, way: Pick<AccountClaimsOptions, 'venue' | 'mode'>, part = 'EXECUTION' as const) {
  const { signal } = new AbortController();
  return new AccountClaims({ ...world, ...way, part, process, by: 'tester', clock, logger: SILENT_LOGGER, signal });
}

async function beat(process: string, state: DeskProcess['state'] = 'WORKING'): Promise<void> {
  const now = clock.now();
  const record: DeskProcess = {
    process,
    part: 'EXECUTION',
    account: 'main',
    ...LIVE,
    state,
    by: 'tester',
    started_at: START,
    seen_at: now,
    obeys: [],
  };
  await world.log.append([new TopicWriter('desk', world.codec).encode(TOPICS.deskProcess, record, now)]);
}

async function retire(account: string): Promise<void> {
  const found = (await workedAccounts(world, clock)).find((one) => one.account === account);
  if (found === undefined) throw new Error(`${account} is not claimed`);
  const record = retirement(found, { by: 'alice', reason: 'it is over', process: 'a shell' }, clock.now());
  await world.log.append([new TopicWriter('desk', world.codec).encode(TOPICS.deskClaim, record, clock.now())]);
}

const refusal = (work: Promise<unknown>): Promise<HarvestlineError> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (thrown: HarvestlineError) => thrown,
  );

describe('an account', () => {
  it('of a process that lives is refused to another mode, by name and reason; to the same it is not', async () => {
    await claimant('one', LIVE).take('main', false);
    await beat('one');
    clock.onSleep = () => beat('one');
    const refused = await refusal(claimant('two', DEMO).take('main', false));
    expect(refused).toMatchObject({ code: 'ACCOUNT_TAKEN', kind: 'invariant' });
    expect(refused.message).toMatch(
      /main at binanceusdm \(DEMO\).*binanceusdm \(LIVE\) since 2026-02-07T12:00:00\.000Z by one/,
    );
    expect(refused.message).toContain('harvestline desk retire main --by NAME --reason TEXT');
    const three = claimant('three', LIVE);
    await three.take('main', false);
    expect([await three.works('main'), await three.works('other')]).toEqual([true, false]);
    expect(await workedAccounts(world, clock)).toMatchObject([
      { account: 'main', venue: 'binanceusdm', mode: 'live', processes: ['one'], since: START },
    ]);
  });

  it('DSK-1: of a process that ended is free at once, of one that was killed when its heartbeats have ceased', async () => {
    const one = claimant('one', LIVE);
    await one.take('main', false);
    await beat('one');
    const two = claimant('two', DEMO);
    await two.take('main', false);
    expect(clock.now() - START).toBeGreaterThan(GONE_MS);
    expect(await two.works('main')).toBe(true);
    // It was only paused: its next read of the claims stops it, before any order.
    await expect(one.works('main')).rejects.toMatchObject({
      code: 'ACCOUNT_TAKEN',
      message: expect.stringContaining('two'),
    });
    await beat('two', 'ENDED');
    const before = clock.now();
    await claimant('three', LIVE).take('main', false);
    // What a successor waits for in any case (DSK-2).
    expect(clock.now() - before).toBe(2000);
  });

  it('lives by a new heartbeat, however slow its clock is', async () => {
    await claimant('one', LIVE).take('main', false);
    await beat('one');
    clock.set(START + 3_600_000);
    let beats = 0;
    clock.onSleep = async () => {
      const now = clock.now();
      clock.set(START + (beats += 1));
      await beat('one');
      clock.set(now);
    };
    expect(await refusal(claimant('two', DEMO).take('main', false))).toMatchObject({ code: 'ACCOUNT_TAKEN' });
  });

  it('DSK-3: that a person named stands without a process, until it is retired: then whoever works it stops', async () => {
    const one = claimant('one', LIVE);
    await one.take('second', true);
    clock.set(START + 3_600_000);
    expect(await refusal(claimant('two', PAPER).take('second', true))).toMatchObject({ code: 'ACCOUNT_TAKEN' });
    clock.onSleep = async () => {
      clock.onSleep = () => Promise.resolve();
      await retire('second');
    };
    const watching = new AbortController();
    await expect(one.watch(watching.signal)).rejects.toMatchObject({
      code: 'ACCOUNT_TAKEN',
      message: expect.stringContaining('alice: it is over'),
    });
    await expect(one.works('second')).rejects.toMatchObject({ code: 'ACCOUNT_TAKEN' });
    await claimant('two', PAPER).take('second', true);
  });

  it('that nobody has claimed is claimed by whoever works all of them, once it has an intent; others are passed over', async () => {
    await claimant('live', LIVE).take('second', false);
    const paper = claimant('paper', PAPER);
    await paper.take('*', false);
    const again = claimant('paper-2', PAPER);
    await again.take('*', false);
    const asked = [paper.works('desk-1'), paper.works('desk-1'), again.works('desk-1'), paper.works('second')];
    expect(await Promise.all(asked)).toEqual([true, true, true, false]);
    const claims = (await recordsOf(world, TOPICS.deskClaim.name)).filter(({ account }) => account === 'desk-1');
    expect(claims.map(({ process, by_default }) => [process, by_default])).toEqual([
      ['paper', true],
      ['paper-2', true],
    ]);
    // Gone as it is, a live desk that is being restarted must find its intents.
    clock.set(START + 3_600_000);
    expect(await paper.works('second')).toBe(false);
    await retire('second');
    clock.set(clock.now() + 1000);
    expect(await paper.works('second')).toBe(true);
  });

  it('main and all the others are never worked at the same time: they share a group', async () => {
    await claimant('paper', PAPER).take('*', false);
    clock.onSleep = () => beat('paper');
    expect((await refusal(claimant('live', LIVE).take('main', false))).message).toContain('paper');
    clock.onSleep = () => Promise.resolve();
    await claimant('live', LIVE).take('main', false);
    const refused = await refusal(claimant('paper-2', PAPER).take('*', false));
    expect(refused.message).toContain('--account NAME');
    expect(refused.message).toContain('--desk NAME');
  });

  it('DSK-6: is lost with the topic: what was claimed on one that was deleted is claimed no longer', async () => {
    const one = claimant('one', LIVE);
    await one.take('main', false);
    const { name } = TOPICS.deskClaim;
    world.log.database.prepare('DELETE FROM records WHERE topic = ?').run(name);
    clock.set(START + 1000);
    await expect(one.works('main')).rejects.toMatchObject({ code: 'ACCOUNT_TAKEN' });
  });
});
