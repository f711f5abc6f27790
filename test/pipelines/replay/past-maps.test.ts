import { describe, expect, it } from 'vitest';
import { type MapRecords, PastMaps } from '../../../pipelines/replay/past-maps.ts';
import type { ModelId } from '../../../schemas/generated/records.ts';

const MODEL = 'm' as ModelId;

function decision(version: string, status: string, decided_at: number) {
  return { version, status, decided_at, model_id: MODEL, map: { x: [0.5], y: [Number(version)] } } as never;
}

const DECISIONS = [
  decision('0.1', 'PROPOSED', 100),
  decision('0.1', 'APPROVED', 200),
  decision('0.2', 'PROPOSED', 300),
  decision('0.2', 'APPROVED', 400),
  decision('0.2', 'ROLLED_BACK', 500),
];

function applied(partition: number, offset: number, version: string | null) {
  return { input: { partition, offset }, calibrations: version === null ? [] : [{ model_id: MODEL, version }] };
}

function seen(
  records: Partial<MapRecords>,
  places: readonly (readonly [partition: number, offset: number, at: number])[],
) {
  const maps = new PastMaps({ decisions: DECISIONS, applied: [], which: 'then', ...records });
  return places.map(([partition, offset, at]) => maps.mapAt(MODEL, { partition, offset }, at)?.y[0] ?? null);
}

describe('the map that a snapshot was seen with', () => {
  it('RPL-20: by the times of approval and rollback where scoring has recorded nothing', () => {
    const times = [99, 199, 200, 399, 400, 499, 500].map((at) => [0, 0, at] as const);
    expect(seen({}, times)).toEqual([null, null, 0.1, 0.1, 0.2, 0.2, 0.1]);
  });

  it('RPL-19: by what scoring applied, whatever the times say; a record that begins earlier overrules', () => {
    const records = [applied(0, 0, null), applied(0, 10, '0.1'), applied(0, 20, '0.2'), applied(0, 15, '0.1')];
    const places = [0, 9, 10, 15, 25].map((offset) => [0, offset, 9999] as const);
    expect(seen({ applied: records }, places)).toEqual([null, null, 0.1, 0.1, 0.1]);
    expect(seen({ applied: records }, [[1, 25, 450]])).toEqual([0.2]);
  });

  it('RPL-21: by the one in force at the end', () => {
    expect(seen({ which: 'now' }, [[0, 0, 0]])).toEqual([0.1]);
  });

  it('tells which versions had a say', () => {
    const maps = new PastMaps({ decisions: DECISIONS, applied: [], which: 'then' });
    maps.mapAt(MODEL, { partition: 0, offset: 0 }, 50);
    expect(maps.used()).toEqual({});
    maps.mapAt(MODEL, { partition: 0, offset: 0 }, 250);
    maps.mapAt(MODEL, { partition: 0, offset: 0 }, 450);
    expect(maps.used()).toEqual({ m: ['0.1', '0.2'] });
  });
});
