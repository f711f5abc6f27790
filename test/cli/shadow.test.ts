import { expect, it } from 'vitest';
import { shadow } from '../../cli/shadow.ts';
import type { ShadowReport } from '../../pipelines/scoring/shadow-report.ts';
import type { ShadowDecision } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { capturedLines } from '../fixtures/captured-output.ts';
import { type MemorySession, memorySession } from '../fixtures/memory-log.ts';

const GOOD: ShadowDecision = GOOD_RECORDS[TOPICS.shadowDecision.name];

async function printed(world: MemorySession, json: boolean): Promise<readonly string[]> {
  const { writer, lines } = capturedLines();
  await shadow(world, json, writer);
  return lines();
}

it('says how to begin where no candidate has decided yet', async () => {
  const world = await memorySession();
  expect(JSON.parse((await printed(world, true))[0] ?? '')).toEqual({ as_of: null, undecodable: 0, candidates: [] });
  expect((await printed(world, false)).join('\n')).toContain('run scoring --shadow');
});

it('shows each candidate with its matrix and latest flips, over all partitions', async () => {
  const world = await memorySession();
  await world.write(TOPICS.shadowDecision, GOOD, 1, 3);
  const other = { ...GOOD, policy: 'candidate-2', symbol: 'ETH\u001bUSDT', input: { ...GOOD.input, partition: 4 } };
  await world.write(TOPICS.shadowDecision, other, 2, 4);
  await world.log.append([{ topic: TOPICS.shadowDecision.name, key: null, value: Buffer.from('x'), timestamp: 3 }]);

  const report = JSON.parse((await printed(world, true))[0] ?? '') as ShadowReport;
  expect(report).toMatchObject({ as_of: GOOD.observed_at, undecodable: 1 });
  expect(report.candidates).toMatchObject([
    { policy: 'candidate-1', decisions: 1, flips: 1, flips_last_hour: 1, latest_flips: [{ symbol: 'BTCUSDT' }] },
    { policy: 'candidate-2', decisions: 1, flips: 1 },
  ]);

  const text = (await printed(world, false)).map((line) => line.replaceAll(/ {2,}/g, ' | '));
  expect(text).toEqual(
    expect.arrayContaining([
      '1 decisions: 0 the same, 0 of another size, 1 flips (1 in the last hour, 1 in the last day)',
      // Where both hold nothing is written.
      expect.stringMatching(/^HOLD \| - \| 0 \| 0$/),
      expect.stringMatching(/^PARTIAL_CLOSE \| 1 \| 0 \| 0$/),
      expect.stringContaining('PARTIAL_CLOSE 0.5 | HOLD 0 | no_rule_applies'),
      expect.stringContaining('ETH\uFFFDUSDT'),
    ]),
  );
});
