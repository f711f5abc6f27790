import { expect, it, vi } from 'vitest';
import { loadPolicy } from '../../../cli/options/policy-options.ts';
import { shadowReport } from '../../../pipelines/scoring/shadow-report.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { deservingIntents, freshSnapshots } from './fresh-snapshots.ts';
import { preparedLog, recordsOf, startRun } from './run-in-process.ts';

/** Far longer than it takes on a busy machine. */
const PATIENCE = { timeout: 20_000 };

it('run with a candidate: its decisions are compared, and only those of the policy in force are executed', async () => {
  const world = await preparedLog();
  const snapshots = freshSnapshots(12, new SystemClock().now());
  const source = new TopicWriter('snapshots', world.codec);
  await world.log.append(
    snapshots.map((snapshot) => source.encode(TOPICS.positionSnapshot, snapshot, snapshot.observed_at)),
  );
  // It closes everything, winners and losers alike: executed, it would be seen.
  const greedy = {
    ...loadPolicy('legacy'),
    id: 'greedy',
    rules: [{ name: 'all', when: {}, action: 'CLOSE' as const }],
  };
  const running = await startRun(world.open, { shadows: [greedy] });
  await vi.waitFor(async () => expect((await shadowReport(world)).candidates[0]?.decisions).toBe(12), PATIENCE);
  await vi.waitFor(async () => expect(await recordsOf(world, TOPICS.clmOutcome.name)).toHaveLength(8), PATIENCE);
  expect((await running.get('/metrics')).body).toContain(
    'harvestline_shadow_decisions_total{policy="greedy",result="written"} 12\n',
  );
  running.drain.abort();
  await running.done;

  const intended = deservingIntents(snapshots).map(({ intent_id }) => intent_id);
  const reported = await recordsOf(world, TOPICS.executionReport.name);
  expect(new Set(reported.map(({ intent_id }) => intent_id))).toEqual(new Set(intended));
  const [score] = (await shadowReport(world)).candidates;
  expect(score).toMatchObject({ policy: 'greedy', against: '2026-02-07', matrix: { HOLD: { HOLD: 0, CLOSE: 4 } } });
});
