import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { DevChain, type DevOptions } from '../../../cli/compose/dev-chain.ts';
import { logFile } from '../../../connectors/embedded/database.ts';
import { parseFaults } from '../../../connectors/exchange/paper/fill-plan.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { simulatedMarket } from '../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { FillingDisk } from '../../fixtures/full-disk.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { type Contents, auditDataFolder } from '../audit-data-folder.ts';

const CYCLES = 15;

const ROUGH = parseFaults('lost-reply=0.1,timeout=0.1,reject=0.05,partial-fill=0.1,blackout=0.02,slow=0.02');

function options(dataDir: string, seed: number): DevOptions {
  const random = new SeededRandom(seed);
  const market = simulatedMarket(random);
  const desk = `simulated-${seed}`;
  return { dataDir, desk, market, random, policy: defaultPolicy(), faults: ROUGH, logger: SILENT_LOGGER };
}

/** Works to a cycle, or to the next one where that is over, and returns it. */
async function work(opened: DevOptions, lastCycle = CYCLES): Promise<number> {
  const chain = await DevChain.open(opened);
  try {
    for (;;) {
      const result = await chain.runCycle();
      if (result === undefined) throw new Error('the market has ended');
      if (result.cycle >= lastCycle) return result.cycle;
    }
  } finally {
    await chain.close();
  }
}

/** Every record as it lies on the log, by its place. */
function recordsOf(folder: string): ReadonlyMap<string, string> {
  const database = new DatabaseSync(logFile(folder), { readOnly: true });
  // The disk may have been full before there were tables.
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name = 'records'").all();
  if (tables.length === 0) {
    database.close();
    return new Map();
  }
  const rows = database
    .prepare(
      `SELECT topic || '/' || partition || '@' || offset AS place,
         concat_ws(' ', timestamp, quote(key), quote(value), quote(headers)) AS bytes FROM records`,
    )
    .all();
  database.close();
  return new Map(rows.map(({ place, bytes }) => [String(place), String(bytes)]));
}

/** What was decided and traded, each once. */
function facts({ intents, trades }: Contents): unknown {
  return {
    intents: intents.map(({ intent_id }) => intent_id).toSorted(),
    trades: trades.map(({ trade_id, quantity, exit_price }) => `${trade_id} ${quantity} at ${exit_price}`).toSorted(),
  };
}

it('CLI-1: however often the disk fills up, dev says so, loses nothing, and goes on once there is room', async () => {
  const reached = countedBranches({ 'filled while it ran': 3, 'started too early': 2 });
  let fillAt = Infinity;
  let pagesLeft = 0;
  const disk = new FillingDisk(({ transactions }) => {
    if (transactions === fillAt) disk.fill(pagesLeft);
  });
  onTestFinished(() => disk.remove());
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          transactions: fc.integer({ min: 1, max: 100 }),
          pagesLeft: fc.integer({ min: 0, max: 12 }),
          /** How often somebody starts it again before there is room. */
          startsTooEarly: fc.integer({ min: 0, max: 2 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      fc.integer({ min: 1, max: 5 }),
      async (fills, seed) => {
        const [folder, undisturbed] = [temporaryFolder(), temporaryFolder()];
        try {
          let known: ReadonlyMap<string, string> = new Map();
          const nothingIsLost = (): void => {
            const records = recordsOf(folder.path);
            for (const [place, bytes] of known) expect(records.get(place), place).toBe(bytes);
            known = records;
          };
          const workOn = (): Promise<unknown> => work(options(folder.path, seed)).catch((thrown: unknown) => thrown);
          for (const fill of fills) {
            [fillAt, pagesLeft] = [disk.transactions + fill.transactions, fill.pagesLeft];
            let end = await workOn();
            for (let starts = 0; typeof end !== 'number'; starts++) {
              expect(end).toMatchObject({ code: 'DISK_FULL', at: { file: expect.stringContaining(folder.path) } });
              nothingIsLost();
              reached(starts === 0 ? 'filled while it ran' : 'started too early');
              if (starts === fill.startsTooEarly) break;
              end = await workOn();
            }
            disk.makeRoom();
          }
          fillAt = Infinity;
          const lastCycle = await work(options(folder.path, seed));
          nothingIsLost();
          await work(options(undisturbed.path, seed), lastCycle);
          const { violations, contents } = await auditDataFolder(folder.path);
          expect(violations).toEqual([]);
          expect(facts(contents)).toEqual(facts((await auditDataFolder(undisturbed.path)).contents));
        } finally {
          disk.makeRoom();
          folder.remove();
          undisturbed.remove();
        }
      },
    ),
    { numRuns: 3 },
  );
});
