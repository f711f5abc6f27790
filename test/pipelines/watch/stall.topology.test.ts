import { describe, expect, it } from 'vitest';
import { DevChain, type DevOptions } from '../../../cli/compose/dev-chain.ts';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { simulatedMarket } from '../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import { rOf } from '../../../pipelines/scoring/measures.ts';
import { HOUR_MS, STALL_LIMITS, stallLimits } from '../../../pipelines/watch/stall-limits.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

/** Twelve hours and a half of the simulated market. */
const CYCLES = 150;

function options(policyId: string): DevOptions {
  const policy = BUILT_IN_POLICIES.get(policyId);
  if (policy === undefined) throw new Error(`no policy ${policyId}`);
  const random = new SeededRandom(1);
  return {
    dataDir: folderForTest(),
    desk: 'simulated-1',
    market: simulatedMarket(random),
    random,
    policy,
    faults: DEFAULT_FAULTS,
    logger: SILENT_LOGGER,
  };
}

describe('the stall that a policy makes', () => {
  it('legacy: a held winner is named at the first observation past the threshold', async () => {
    const opened = options('legacy');
    const chain = await DevChain.open(opened);
    /** By position: since when it is a winner of which nothing was closed. */
    const held = new Map<string, number>();
    let raised = 0;
    try {
      for (let cycle = 0; cycle < CYCLES && raised < 3; cycle++) {
        const result = await chain.runCycle();
        if (result === undefined) break;
        const { now, scored, reports } = result;
        const winners = new Set<string>();
        for (const { snapshot } of scored) {
          if (rOf(snapshot, opened.policy) <= STALL_LIMITS.winnerAboveR.value) continue;
          winners.add(snapshot.position_id);
          held.set(snapshot.position_id, held.get(snapshot.position_id) ?? now);
        }
        for (const id of held.keys()) if (!winners.has(id)) held.delete(id);
        for (const { status, position_id } of reports) if (status === 'FILLED') held.set(position_id, now);
        const due = [...held].filter(([, since]) => now - since > STALL_LIMITS.heldFor.value);
        // Reading the log each cycle would take long, and says nothing before one is near.
        if (due.length === 0) continue;
        const alert = (await chain.alerts()).find(({ name }) => name === 'winner_held');
        for (const [id] of due) expect(alert?.evidence).toContain(id);
        raised += 1;
      }
    } finally {
      await chain.close();
    }
    expect(raised).toBeGreaterThan(0);
    const patient = await DevChain.open({ ...opened, stallLimits: stallLimits({ heldFor: 1000 * HOUR_MS }) });
    try {
      expect(await patient.alerts()).toEqual([]);
    } finally {
      await patient.close();
    }
  });

  it('2026-02-07: nothing is raised', async () => {
    const chain = await DevChain.open(options('2026-02-07'));
    const raised: unknown[] = [];
    try {
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await chain.runCycle();
        if (cycle % 10 === 9) raised.push(await chain.alerts());
      }
    } finally {
      await chain.close();
    }
    expect(raised).toEqual(Array.from({ length: CYCLES / 10 }, () => []));
  });
});

describe('status over a record that cannot be', () => {
  const AHEAD = Date.UTC(2100, 0, 1);

  /** Twenty cycles of the simulated desk, then its latest snapshots again, `most` of them, each stamped `at`. */
  async function withCopies(most: number, at: (index: number) => number) {
    const opened = options('2026-02-07');
    const chain = await DevChain.open(opened);
    try {
      let latest: readonly PositionSnapshot[] = [];
      for (let cycle = 0; cycle < 20; cycle++)
        latest = (await chain.runCycle())?.scored.map((one) => one.snapshot) ?? [];
      const codec = await RecordCodec.open(chain.log.registry);
      const writer = new TopicWriter(TOPICS.positionSnapshot.writer, codec);
      const world = { log: chain.log, codec, counts: (topic: string) => chain.log.count(topic), liveNow: () => null };
      const before = await statusReport(world);
      const wrong = latest.slice(-most).map((one, i) => ({ ...one, observed_at: Math.max(one.observed_at, at(i)) }));
      await chain.log.append(wrong.map((one, i) => writer.encode(TOPICS.positionSnapshot, one, at(i))));
      return { before, copies: wrong.length, after: await statusReport(world) };
    } finally {
      await chain.close();
    }
  }

  it.each([
    { what: 'one of 2100', most: 1, at: () => AHEAD },
    { what: 'one of three hours later', most: 1, at: () => Date.UTC(2026, 0, 1, 5) },
    { what: 'the latest of every position, of 2100', most: Infinity, at: () => AHEAD },
    { what: 'the latest of every position, hours apart', most: Infinity, at: (i: number) => AHEAD + i * 2 * HOUR_MS },
    { what: 'one of 1970', most: 1, at: () => 0 },
  ])('$what: as many positions are open, and nothing is raised', async ({ most, at }) => {
    const { before, copies, after } = await withCopies(most, at);
    expect(before).toMatchObject({ ahead: 0, alerts: [] });
    expect(before.open_positions).toBeGreaterThanOrEqual(10);
    expect(after).toMatchObject({
      open_positions: before.open_positions,
      ahead: copies,
      alerts: [],
      shadow: before.shadow,
    });
  });
});
