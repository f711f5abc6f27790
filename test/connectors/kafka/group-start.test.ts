import type { Consumer } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { type GroupPosition, seekToStart, startingOffsetsOf } from '../../../connectors/kafka/assignment.ts';
import { FROM_OLDEST } from '../../../connectors/kafka/topic-offsets.ts';

const TOPIC = 'position.snapshot';

/** Two partitions that keep the offsets 10 to 20, and a group's offsets in them. */
function groupPosition(committed: readonly [number, number][], beyond: readonly number[] = []): GroupPosition {
  const partitions = [0, 1].map((partition) => ({ partition, begin: 10, end: 20 }));
  return { topic: TOPIC, committed: new Map(committed), partitions, beyond: new Set(beyond) };
}

const at = (partition: number, offset: number) => ({ topic: TOPIC, partition, offset });

describe('where a group starts', () => {
  it('KFK-1: without committed offsets at `from`, for the latest in all partitions', () => {
    expect(startingOffsetsOf(groupPosition([]), [0], 'beginning', false)).toEqual({ starts: [at(0, 10)], moved: [] });
    expect(startingOffsetsOf(groupPosition([]), [0], 'latest', false)).toEqual({
      starts: [at(0, 20), at(1, 20)],
      moved: [],
    });
  });

  it('KFK-1: a partition that was added later is read from its beginning, also by a group that started at the latest', () => {
    const found = startingOffsetsOf(groupPosition([[0, 15]]), [0, 1], 'latest', false);
    expect(found).toEqual({ starts: [at(1, 10)], moved: [] });
  });

  it('continues at its committed offset, also at both ends of the partition', () => {
    for (const offset of [10, 15, 20]) {
      expect(startingOffsetsOf(groupPosition([[0, offset]]), [0], 'latest', true)).toEqual({ starts: [], moved: [] });
    }
  });

  it('KFK-3: records that retention removed are reported, of its own partitions only', () => {
    const found = startingOffsetsOf(
      groupPosition([
        [0, 3],
        [1, 4],
      ]),
      [0],
      'latest',
      false,
    );
    expect(found).toEqual({
      starts: [at(0, 10)],
      moved: [{ topic: TOPIC, partition: 0, why: 'overtaken', from: 3, to: 10 }],
    });
  });

  it('KFK-3: an offset beyond all that was written, or a missing one where there was one, belongs to a deleted topic', () => {
    const beyond = startingOffsetsOf(
      groupPosition(
        [
          [0, 50],
          [1, 15],
        ],
        [0],
      ),
      [0, 1],
      'latest',
      true,
    );
    expect(beyond).toEqual({
      starts: [at(0, 10)],
      moved: [{ topic: TOPIC, partition: 0, why: 'made_anew', from: 50, to: 10 }],
    });
    const forgotten = startingOffsetsOf(groupPosition([]), [1], 'latest', true);
    expect(forgotten).toEqual({
      starts: [at(1, 10)],
      moved: [{ topic: TOPIC, partition: 1, why: 'made_anew', from: null, to: 10 }],
    });
  });

  it('KFK-2: the -2 of kafkajs is replaced by the oldest offset', () => {
    const found = startingOffsetsOf(
      groupPosition([
        [0, FROM_OLDEST],
        [1, 15],
      ]),
      [0, 1],
      'latest',
      false,
    );
    expect(found).toEqual({ starts: [at(0, 10)], moved: [] });
  });
});

describe('KFK-28: starts of an assignment that is superseded meanwhile', () => {
  it.each([true, false])('are neither sought nor committed: %s', async (superseded) => {
    const calls: unknown[] = [];
    const consumer = {
      seek: (start: unknown) => void calls.push(start),
      commitOffsets: (starts: unknown) => Promise.resolve(void calls.push(starts)),
    } as unknown as Consumer;
    let asked = false;
    const known = new Set<string>();
    await seekToStart(
      consumer,
      { [TOPIC]: [0] },
      {
        from: 'beginning',
        onMoved: () => Promise.resolve(),
        groupPosition: () => {
          asked = true;
          return Promise.resolve(groupPosition([]));
        },
        known,
        append: () => Promise.resolve(),
        superseded: () => asked && superseded,
      },
    );
    const start = { topic: TOPIC, partition: 0, offset: '10' };
    expect({ calls, known: [...known] }).toEqual(
      superseded ? { calls: [], known: [] } : { calls: [start, [start]], known: [TOPIC] },
    );
  });
});
