import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type VersionChange,
  readIntents,
  versionAt,
  TopicReader,
} from '../../../pipelines/explain/position-records.ts';
import type { HarvestIntent, IntentId, ModelId, PositionId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const INTENT: HarvestIntent = GOOD_RECORDS[TOPICS.harvestIntent.name];
const OTHERS = `${INTENT.position_id}0` as PositionId;

let world: MemorySession;
let written = 0;

async function write(partition: number, overrides: Partial<HarvestIntent> = {}): Promise<string> {
  written += 1;
  const intent_id = `intent-${written}` as IntentId;
  await world.write(TOPICS.harvestIntent, { ...INTENT, intent_id, ...overrides }, written, partition);
  return intent_id;
}

async function idsBy(id: string): Promise<readonly string[]> {
  const { found } = await readIntents(world, new TopicReader(world), id);
  return found.map(({ intent }) => intent.intent_id);
}

beforeEach(async () => {
  world = await memorySession();
  written = 0;
});

describe('the intents of a position', () => {
  it('by its id or by any of its intents: all, in order, each once', async () => {
    await write(2);
    await write(3, { position_id: OTHERS });
    const own = [await write(3), await write(3)];
    await write(3, { position_id: OTHERS });
    own.push(await write(3), await write(3));
    await write(3, { position_id: OTHERS });
    const elsewhere = 'intent-1';
    expect(await idsBy(INTENT.position_id)).toEqual([elsewhere, ...own]);
    // A position lives in one partition, and what has its id in another is not read again for it.
    for (const id of own) expect(await idsBy(id)).toEqual(own);
    expect(await idsBy('nobody')).toEqual([]);
  });

  it('an intent: of its partition only the stretch before it since its position began is read again', async () => {
    await write(3, { position_id: OTHERS });
    await write(3, { position_id: OTHERS });
    const first = await write(3);
    const second = await write(3);
    const read = vi.spyOn(world.log, 'read');
    const again = (): readonly unknown[] => read.mock.calls.flatMap(([, range]) => (range?.from ? [range] : []));
    expect(await idsBy(first)).toEqual([first, second]);
    expect(again()).toEqual([]);
    expect(await idsBy(second)).toEqual([first, second]);
    expect(again()).toEqual([{ from: new Map([[3, 2]]), partitions: [3] }]);
  });
});

describe('the version that scored a model at a time', () => {
  const ours = INTENT.model_id;
  const other = 'another-model' as ModelId;
  const changes: readonly VersionChange[] = [
    { at: 10, model: ours, version: 'cal-1' },
    { at: 20, model: other, version: 'cal-2' },
    { at: 30, model: ours, version: 'cal-3' },
    { at: 40, model: ours, version: null },
    { at: 50, model: null, version: 'cal-4' },
  ];

  it.each([
    ['nothing told of it yet', ours, 9, null],
    ['from the change on', ours, 10, 'cal-1'],
    ['of another model nothing', ours, 29, 'cal-1'],
    ['that of the other', other, 29, 'cal-2'],
    ['the latest of several', ours, 39, 'cal-3'],
    ['back to raw confidence', ours, 60, null],
    ['a model of no name', null, 60, 'cal-4'],
    ['of a model that nothing names', 'unheard-of' as ModelId, 60, null],
  ])('%s', (_, model, at, version) => {
    expect(versionAt(changes, model, at)).toBe(version);
  });

  it('as the intents tell, each change once', async () => {
    await write(3, { calibration_version: null });
    await write(3, { calibration_version: 'cal-1' });
    await write(3, { calibration_version: 'cal-1' });
    await write(4, { model_id: other, calibration_version: 'cal-2' });
    const { versions } = await readIntents(world, new TopicReader(world), INTENT.position_id);
    expect(versions).toEqual([
      { at: 1, model: ours, version: null },
      { at: 2, model: ours, version: 'cal-1' },
      { at: 4, model: other, version: 'cal-2' },
    ]);
  });
});
