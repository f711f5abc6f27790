import { expect, it } from 'vitest';
import { encodeObserved } from '../../../pipelines/snapshots/source-records.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { AHEAD_MS } from '../../../schemas/time-bound.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';

it('a record that consumers would refuse is logged by name and code and left out; the others are written', async () => {
  const codec = await RecordCodec.open(await MemoryRegistry.withOwnSchemas());
  const said: [object, string][] = [];
  const logger: Logger = { ...SILENT_LOGGER, error: (context, message) => void said.push([context, message]) };
  const to = { writer: new TopicWriter('snapshots', codec), logger };
  const good = aSnapshot();
  const now = good.observed_at;
  const cycle = [
    good,
    { ...good, opened_at: now + AHEAD_MS + 1, observed_at: now + AHEAD_MS + 1 },
    { ...good, entry_price: 1e308 },
    { ...good, observed_at: now + AHEAD_MS },
  ];
  const written = cycle.flatMap((one, index) =>
    encodeObserved(to, TOPICS.positionSnapshot, one, now, `position ${index}`),
  );
  expect(written).toHaveLength(2);
  expect(said).toEqual([
    [
      expect.objectContaining({ code: 'TIMESTAMP_AHEAD' }),
      expect.stringContaining('position 1: position.snapshot: observed_at'),
    ],
    [
      expect.objectContaining({ code: 'RECORD_INVALID' }),
      expect.stringContaining('position 2: position.snapshot: entry_price'),
    ],
  ]);
});
