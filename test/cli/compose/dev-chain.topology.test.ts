import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CycleResult, DevChain, type DevOptions } from '../../../cli/compose/dev-chain.ts';
import { logFile } from '../../../connectors/embedded/database.ts';
import type { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { DEFAULT_FAULTS, parseFaults } from '../../../connectors/exchange/paper/fill-plan.ts';
import { simulatedMarket } from '../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { until } from '../../fixtures/until.ts';
import { type Contents, auditDataFolder } from '../audit-data-folder.ts';

interface Traits extends Partial<DevOptions> {
  readonly seed?: number;
}

function options(dataDir: string, { seed = 1, ...overrides }: Traits = {}): DevOptions {
  const policy = BUILT_IN_POLICIES.get('2026-02-07');
  if (policy === undefined) throw new Error('no default policy');
  const random = new SeededRandom(seed);
  return {
    dataDir,
    desk: `simulated-${seed}`,
    market: simulatedMarket(random),
    random,
    policy,
    faults: DEFAULT_FAULTS,
    logger: SILENT_LOGGER,
    ...overrides,
  };
}

async function runCycles(cycles: number, opened: DevOptions): Promise<void> {
  const chain = await DevChain.open(opened);
  try {
    for (let cycle = 0; cycle < cycles; cycle++) await chain.runCycle();
  } finally {
    await chain.close();
  }
}

/** Every record of every topic, as it lies on the log. */
function contentsOf(folder: string): unknown[] {
  const database = new DatabaseSync(logFile(folder), { readOnly: true });
  const rows = database
    .prepare(
      'SELECT topic, partition, offset, timestamp, hex(key) AS key, hex(value) AS value, hex(headers) AS headers FROM records ORDER BY topic, partition, offset',
    )
    .all();
  database.close();
  return rows;
}

const ROUGH = parseFaults('lost-reply=0.1,timeout=0.1,reject=0.05,partial-fill=0.1,blackout=0.02,slow=0.02');

describe('dev', () => {
  it('the same seed gives the same records, byte for byte; another seed gives others', async () => {
    const [one, two, other] = [folderForTest(), folderForTest(), folderForTest()];
    await runCycles(40, options(one));
    await runCycles(40, options(two));
    await runCycles(40, options(other, { seed: 2 }));
    expect(contentsOf(one).length).toBeGreaterThan(1000);
    expect(contentsOf(two)).toEqual(contentsOf(one));
    expect(contentsOf(other)).not.toEqual(contentsOf(one));
  });

  it('BRD-1: its board shows the decisions of the last cycle, and looking at it changes no record', async () => {
    const [alone, looked] = [folderForTest(), folderForTest()];
    await runCycles(30, options(alone));
    const chain = await DevChain.open({ ...options(looked), viewed: { logFlags: '' } });
    try {
      let last: CycleResult | undefined;
      for (let cycle = 0; cycle < 30; cycle++) {
        last = await chain.runCycle();
        if (cycle % 10 === 0) await chain.board?.state();
      }
      let board = await chain.board?.state();
      // A picture that is a moment old is not read anew.
      await until(async () => (board = await chain.board?.state())?.at === last?.now);
      const closed = new Set(last?.reports.filter((one) => one.remaining_quantity === 0).map((one) => one.position_id));
      const open = last?.scored.filter(({ snapshot }) => !closed.has(snapshot.position_id)) ?? [];
      expect(open.length).toBeGreaterThan(2);
      for (const { snapshot, decision } of open) {
        const { action, fraction, reason, hold_score, exit_score, r } = decision;
        const shown = board?.positions.find(({ position_id }) => position_id === snapshot.position_id);
        expect(shown).toMatchObject({ action, fraction, reason, hold_score, exit_score, r });
      }
      expect(board).toMatchObject({ mode: 'PAPER', policy: '2026-02-07', lag: { scoring: 0, execution: 0, clm: 0 } });
    } finally {
      await chain.close();
    }
    expect(contentsOf(looked)).toEqual(contentsOf(alone));
  });

  it('CLI-1: stopped and started again it goes on as if it had never stopped', async () => {
    const [whole, parts] = [folderForTest(), folderForTest()];
    await runCycles(60, options(whole, { faults: ROUGH }));
    for (const cycles of [1, 24, 35]) await runCycles(cycles, options(parts, { faults: ROUGH }));
    expect(contentsOf(parts)).toEqual(contentsOf(whole));
  });

  it("a record ahead of the market's time, though behind that of this machine, is a dead letter and moves nothing", async () => {
    const [clean, disturbed] = [folderForTest(), folderForTest()];
    await runCycles(12, options(clean));
    const chain = await DevChain.open(options(disturbed));
    for (let cycle = 0; cycle < 6; cycle++) await chain.runCycle();
    const { name } = TOPICS.positionSnapshot;
    const batches = [];
    for await (const batch of chain.log.read(name)) batches.push(batch);
    const last = batches.at(-1)?.records.at(-1);
    if (last === undefined) throw new Error('no snapshot');
    const ahead = last.timestamp + 7 * 24 * 60 * 60 * 1000;
    await chain.log.append([{ topic: name, key: last.key, value: last.value, timestamp: ahead }]);
    await chain.runCycle();
    expect(chain.deadLetters()).toEqual({ [`${name}.dlq`]: 1 });
    await chain.close();
    await runCycles(5, options(disturbed));
    const others = ({ intents, trades }: Contents): unknown => [
      intents.map(({ intent_id }) => intent_id).toSorted(),
      trades.length,
    ];
    expect(others((await auditDataFolder(disturbed)).contents)).toEqual(
      others((await auditDataFolder(clean)).contents),
    );
  });

  it('CLI-2: a second dev on the same folder is refused while the first is at work', async () => {
    const folder = folderForTest();
    const first = await DevChain.open(options(folder));
    await expect(DevChain.open(options(folder))).rejects.toMatchObject({ code: 'DATA_IN_USE' });
    await first.close();
    const again = await DevChain.open(options(folder));
    await again.close();
  });

  it('CLI-2: desks on other seeds take turns in one folder, each going on from its own last cycle', async () => {
    const [alone, shared] = [folderForTest(), folderForTest()];
    await runCycles(40, options(alone));
    await runCycles(25, options(shared));
    await runCycles(10, options(shared, { seed: 2 }));
    await runCycles(15, options(shared));
    const { violations, contents } = await auditDataFolder(shared);
    expect(violations).toEqual([]);
    const intentIds = ({ intents }: Contents): string[] =>
      intents
        .filter(({ account }) => account === 'simulated-1')
        .map(({ intent_id }) => intent_id)
        .toSorted();
    expect(intentIds(contents)).toEqual(intentIds((await auditDataFolder(alone)).contents));
    expect(new Set(contents.intents.map(({ account }) => account))).toEqual(new Set(['simulated-1', 'simulated-2']));
  });

  it('CLI-1: however often a write to the log fails, the record is whole in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 3 }),
        async (crashes, seed) => {
          const folder = temporaryFolder();
          try {
            for (const writes of crashes)
              await runUntilWriteFails(writes, options(folder.path, { seed, faults: ROUGH }));
            await runCycles(10, options(folder.path, { seed, faults: ROUGH }));
            expect((await auditDataFolder(folder.path)).violations).toEqual([]);
          } finally {
            folder.remove();
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('the audit sees what it is there for: a missing trade, a doubled report', async () => {
    const folder = folderForTest();
    await runCycles(60, options(folder));
    expect((await auditDataFolder(folder)).violations).toEqual([]);
    const database = new DatabaseSync(logFile(folder));
    database.prepare('DELETE FROM records WHERE topic = ? AND offset = 0').run(TOPICS.tradeClosed.name);
    database
      .prepare(
        'INSERT INTO records SELECT topic, partition, offset + 100000, timestamp, key, value, headers FROM records WHERE topic = ?',
      )
      .run(TOPICS.executionReport.name);
    database.close();
    const { violations } = await auditDataFolder(folder);
    expect(violations.join('\n')).toMatch(/was filled and not recorded/);
    expect(violations.join('\n')).toMatch(/has 2 terminal reports/);
    expect(violations.join('\n')).toMatch(/is not/);
  });
});

/** Runs until the n-th write to the log, which does not happen; the process is as good as dead then. */
async function runUntilWriteFails(writes: number, opened: DevOptions): Promise<void> {
  const chain = await DevChain.open(opened);
  const log: EmbeddedLog = chain.log.shared;
  const write = log.appendAndCommit.bind(log);
  let left = writes;
  log.appendAndCommit = (records, commits) => {
    left -= 1;
    if (left <= 0) throw new Error('the power went');
    write(records, commits);
  };
  try {
    for (;;) await chain.runCycle();
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.message !== 'the power went') throw thrown;
  } finally {
    await chain.close();
  }
}
