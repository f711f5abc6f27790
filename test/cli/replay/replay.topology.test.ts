import { describe, expect, it } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { DevChain } from '../../../cli/compose/dev-chain.ts';
import { openForReading } from '../../../cli/log-session/log-session.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { policiesById } from '../../../cli/replay.ts';
import { auditIntents } from '../../../pipelines/replay/audit-intents.ts';
import { comparePolicies } from '../../../pipelines/replay/compare-policies.ts';
import { resultPage } from '../../../pipelines/replay/result-page.ts';
import { resultLines } from '../../../pipelines/replay/result-lines.ts';
import { logFile } from '../../../connectors/embedded/database.ts';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { simulatedMarket } from '../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { CURRENT_POLICY, LEGACY_POLICY } from '../../fixtures/policies.ts';

const EVERYTHING = { from: null, to: null };

/** A data folder that the simulated desk has filled under 2026-02-07. */
async function aDesk(cycles = 80): Promise<string> {
  const dataDir = folderForTest();
  const random = new SeededRandom(1);
  const chain = await DevChain.open({
    dataDir,
    desk: 'simulated-1',
    market: simulatedMarket(random),
    random,
    policy: CURRENT_POLICY,
    faults: DEFAULT_FAULTS,
    logger: SILENT_LOGGER,
  });
  try {
    for (let cycle = 0; cycle < cycles; cycle++) await chain.runCycle();
  } finally {
    await chain.close();
  }
  return dataDir;
}

describe('replay on the embedded log', () => {
  it('legacy holds what 2026-02-07 harvests; every figure agrees with a second count', async () => {
    const world = await openForReading({ data: await aDesk() });
    const result = await comparePolicies(world, {
      current: CURRENT_POLICY,
      candidate: LEGACY_POLICY,
      window: EVERYTHING,
      raw: false,
      random: new SeededRandom(1),
      listed: 5,
    });
    const counted: Record<string, number> = {};
    const positions = new Set<string>();
    await forEachRecord(world, TOPICS.positionSnapshot.name, {}, (snapshot) => {
      const cell = `${evaluate(snapshot, CURRENT_POLICY).action} ${evaluate(snapshot, LEGACY_POLICY).action}`;
      counted[cell] = (counted[cell] ?? 0) + 1;
      positions.add(snapshot.position_id);
    });
    await world.close();
    const cells = Object.entries(result.matrix).flatMap(([from, row]) =>
      Object.entries(row).map(([to, n]): [string, number] => [`${from} ${to}`, n]),
    );
    expect(Object.fromEntries(cells.filter(([, n]) => n > 0))).toEqual(counted);
    expect(result.snapshots).toBeGreaterThan(500);
    expect(result.hold_flips).toBeGreaterThan(result.snapshots / 4);
    expect(result.results.positions).toBe(positions.size);
    expect(result.listed_flips).toHaveLength(5);
    expect(result.costs).toMatchObject({ source: 'recorded', fee: expect.closeTo(0.0005, 6) });
    expect(result.results.gross.current_mean_r).toBeGreaterThan(result.results.current_mean_r ?? Infinity);
    expect(result.realised?.positions).toBeGreaterThan(0);
    expect(result).toMatchObject({ policy: 'legacy', against: '2026-02-07', undecodable: 0, unscorable: 0 });
    const text = resultLines(result, [], 100).join('\n');
    expect(text.replaceAll(/\s/g, ' ')).toMatch(
      /legacy never closes [\d,]+ of the [\d,]+ positions that 2026-02-07 harvests, and holds/,
    );
    const page = resultPage(result);
    expect(page).toContain('<svg class="matrix"');
    expect(page).not.toMatch(/<script|<link|https?:\/\//);
  });

  it('the audit proves every intent of the desk, and finds one whose factors were altered', async () => {
    const dataDir = await aDesk(40);
    const before = await openForReading({ data: dataDir });
    const options = { window: EVERYTHING, policies: policiesById([]) };
    const proved = await auditIntents(before, options);
    expect(proved).toMatchObject({ differing: 0, differences: [], unverifiable: { total: 0 } });
    expect(proved.audited).toBeGreaterThan(100);
    const altered = await alterAnIntent(before, dataDir);
    await before.close();
    const after = await openForReading({ data: dataDir });
    const result = await auditIntents(after, options);
    await after.close();
    expect(result).toMatchObject({ audited: proved.audited, differing: 1 });
    expect(result.differences.map(({ path }) => path)).toEqual(['hold_score', 'factors[0].points']);
    expect(result.differences[0]).toMatchObject(altered);
  });
});

/** Adds a point to the first factor of an intent and to its score, so that the record still passes every check. */
async function alterAnIntent(world: Awaited<ReturnType<typeof openForReading>>, dataDir: string) {
  let place: { partition: number; offset: number } | undefined;
  let value: Uint8Array | undefined;
  await forEachRecord(world, TOPICS.harvestIntent.name, {}, (intent, { partition, offset }) => {
    const [first, ...others] = intent.factors;
    if (place !== undefined || offset < 10 || first?.side !== 'HOLD') return;
    place = { partition, offset };
    value = world.codec.encode(TOPICS.harvestIntent.name, {
      ...intent,
      hold_score: intent.hold_score + 1,
      factors: [{ ...first, points: first.points + 1 }, ...others],
    });
  });
  if (place === undefined || value === undefined) throw new Error('no intent with a factor for holding');
  const database = new DatabaseSync(logFile(dataDir));
  database
    .prepare('UPDATE records SET value = ? WHERE topic = ? AND partition = ? AND offset = ?')
    .run(value, TOPICS.harvestIntent.name, place.partition, place.offset);
  database.close();
  return place;
}
