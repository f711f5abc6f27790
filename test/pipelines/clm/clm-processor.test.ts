import { beforeEach, describe, expect, it } from 'vitest';
import { type ClmProcessor, clmProcessor } from '../../../pipelines/clm/clm-processor.ts';
import type { DecodedRecord, Replay } from '../../../pipelines/runtime/processor.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ClmOutcome, PositionId, TradeClosed } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { slice } from '../../fixtures/slices.ts';

const HOUR_MS = 60 * 60 * 1000;
const START = 1_770_003_600_000;

const codec = await RecordCodec.open(await MemoryRegistry.withOwnSchemas());
const writer = new TopicWriter('clm', codec);

let said: { level: string; message: string; context: object }[];
let clm: ClmProcessor;

beforeEach(() => {
  said = [];
  clm = clmProcessor({ writer, logger: listening() });
});

const hear = (level: string) => (context: object, message: string) => said.push({ level, message, context });

function listening(): Logger {
  return { ...SILENT_LOGGER, info: hear('info'), warn: hear('warn') };
}

function at(offset: number, timestamp: number, partition = 0): LogRecord {
  return { topic: TOPICS.tradeClosed.name, partition, offset, timestamp, key: null, value: null, headers: [] };
}

const trade = (offset: number, record: TradeClosed): DecodedRecord => ({
  topic: TOPICS.tradeClosed.name,
  record,
  at: at(offset, record.closed_at),
});

const process = (...records: readonly DecodedRecord[]) => clm.process(records, () => Promise.resolve());

const outcomes = (encoded: readonly EncodedRecord[]): readonly ClmOutcome[] =>
  encoded.map((one) => codec.decode(TOPICS.clmOutcome.name, one));

/** Intents from hour 0 to `lastHour`, evenly. */
function intents(count: number, lastHour: number): readonly LogRecord[] {
  return Array.from({ length: count }, (_, i) => at(i, START + (i * lastHour * HOUR_MS) / (count - 1)));
}

/** A log that holds these outcomes and trades. */
function replayOf(held: readonly ClmOutcome[], trades: readonly TradeClosed[] = []): Replay {
  return async function* replay(topic) {
    const records = topic === TOPICS.clmOutcome.name ? held : trades.map((record) => record);
    for (const [offset, record] of records.entries()) {
      const timestamp = 'closed_at' in record ? Number(record.closed_at) : 0;
      yield { record: record as never, at: at(offset, timestamp) };
    }
  };
}

describe('clm', () => {
  it('CLM-11: writes one outcome for each changed position, stamped with its latest slice', async () => {
    const other = 'desk-1:ETHUSDT:LONG:1' as PositionId;
    const encoded = await process(
      trade(0, slice('a')),
      trade(1, slice('b', { position_id: other, closed_at: START + 5000 })),
      trade(2, slice('c', { remaining_quantity: 0, closed_at: START + 9000 })),
    );
    expect(encoded.map(({ topic, timestamp }) => ({ topic, timestamp }))).toEqual([
      { topic: TOPICS.clmOutcome.name, timestamp: START + 9000 },
      { topic: TOPICS.clmOutcome.name, timestamp: START + 5000 },
    ]);
    expect(outcomes(encoded)).toMatchObject([
      { slices: ['a', 'c'], status: 'FINAL' },
      { slices: ['b'], status: 'ACCUMULATING' },
    ]);
    expect(clm.gate()).toMatchObject({ final: 1, usable: 1 });
    expect(clm.accumulating()).toBe(1);
  });

  it('CLM-10: a batch that comes again is answered again, a trade written twice is not', async () => {
    const batch = [trade(0, slice('a')), trade(1, slice('b', { remaining_quantity: 0 }))];
    const first = await process(...batch);
    expect(await process(...batch)).toEqual(first);
    expect(await process(trade(2, slice('a')))).toEqual([]);
  });

  it('CLM-12: batches that are begun together are counted one after the other', async () => {
    const both = await Promise.all([process(trade(0, slice('a'))), process(trade(1, slice('b')))]);
    expect(both.map((encoded) => outcomes(encoded)[0]?.slices)).toEqual([['a'], ['a', 'b']]);
  });

  it('CLM-9: a batch that fails leaves no trace', async () => {
    const bad = slice('b', { exit_price: Number.NaN });
    await expect(process(trade(0, slice('a')), trade(1, bad))).rejects.toThrow('exit_price');
    expect(outcomes(await process(trade(0, slice('a'))))).toMatchObject([{ slices: ['a'], quantity: 1 }]);
  });

  it('goes on from its own topic after a restart, and drops what it counted before', async () => {
    const held = outcomes(await process(trade(0, slice('a'))));
    clm = clmProcessor({ writer, logger: listening() });
    await clm.restore?.(replayOf(held));
    const encoded = await process(trade(0, slice('a')), trade(1, slice('b', { remaining_quantity: 0 })));
    expect(outcomes(encoded)).toMatchObject([{ slices: ['a', 'b'], quantity: 2, status: 'FINAL' }]);
  });

  it('restoring again forgets what was never written', async () => {
    await process(trade(0, slice('a')));
    await clm.restore?.(replayOf([]));
    expect(outcomes(await process(trade(0, slice('a'))))).toMatchObject([{ slices: ['a'] }]);
  });

  it('announces a FINAL outcome once, with its label and the gate', async () => {
    const closing = trade(0, slice('a', { remaining_quantity: 0 }));
    await process(closing);
    await process(closing, trade(1, slice('late')));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({
      level: 'info',
      context: { label: 'WIN', gate: { final: 1, usable: 1, needed: 50 } },
    });
  });
});

describe('outcomes that others took from clm.outcome', () => {
  const gone = slice('a', { position_id: 'desk-1:ETHUSDT:LONG:1' as PositionId, remaining_quantity: 0 });
  const kept = slice('b');
  const trades = [gone, kept, slice('c', { remaining_quantity: 0 })];
  const tombstone = (key: string, offset = 7): LogRecord => ({ ...at(offset, 0), key: Buffer.from(key) });
  const recovered = async (): Promise<readonly ClmOutcome[]> => {
    const written: EncodedRecord[] = [];
    await clm.recover?.([0], (records) => Promise.resolve(void written.push(...records)));
    return outcomes(written);
  };

  it('CLM-14: are made again at a start from the trades that the group has committed, once; the others come as batches', async () => {
    const held = outcomes(await process(trade(1, kept)));
    clm = clmProcessor({ writer, logger: listening() });
    await clm.restore?.(replayOf(held, trades), () => Promise.resolve(({ offset }) => offset < 2));
    expect(await recovered()).toMatchObject([{ position_id: gone.position_id, status: 'FINAL', slices: ['a'] }]);
    expect(said).toMatchObject([{ level: 'warn', context: { position_id: gone.position_id, slices: 1 } }]);
    expect(await recovered()).toEqual([]);
    expect(clm.gate()).toMatchObject({ final: 1 });
    expect(outcomes(await process(trade(2, trades[2] as TradeClosed)))).toMatchObject([{ slices: ['b', 'c'] }]);
  });

  it('are made again when a tombstone comes, and that is said; a later outcome in the same batch is none', async () => {
    await clm.restore?.(replayOf([], trades));
    const later = { ...tombstone(kept.position_id, 9), value: Buffer.from('an outcome') };
    const nulls = [tombstone(gone.position_id), tombstone(kept.position_id, 8), later, tombstone('nobody', 10)];
    const encoded = await clm.observe(nulls, TOPICS.clmOutcome.name);
    expect(outcomes(encoded)).toMatchObject([{ position_id: gone.position_id, status: 'FINAL', slices: ['a'] }]);
    expect(said.map(({ level, context }) => [level, context])).toMatchObject([
      ['warn', { position_id: gone.position_id, offset: 7, slices: 1 }],
      ['warn', { position_id: 'nobody', offset: 10, slices: 0 }],
    ]);
  });

  it('CLM-15: a trade that was set aside when it came is left out', async () => {
    const ahead = slice('a', { closed_at: START + HOUR_MS });
    const replay = replayOf([], [ahead, slice('b', { exit_price: Number.NaN })]);
    const early: Replay = async function* replayed(topic) {
      for await (const { record, at: place } of replay(topic)) yield { record, at: { ...place, timestamp: START } };
    };
    await clm.restore?.(early, () => Promise.resolve(() => true));
    expect(await recovered()).toEqual([]);
  });
});

describe('starvation', () => {
  it('warns once an episode, and says when trades come again', async () => {
    await clm.observe(intents(30, 7), TOPICS.harvestIntent.name);
    await clm.observe(intents(30, 7), TOPICS.harvestIntent.name);
    expect(said.map(({ level }) => level)).toEqual(['warn']);
    expect(clm.alert()).toMatchObject({ name: 'trades_starved', since: START });
    await process(trade(0, slice('a', { closed_at: START + 8 * HOUR_MS })));
    expect(said.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(clm.alert()).toBeNull();
  });

  it('an import is no sign that trades come', async () => {
    await clm.observe(intents(30, 7), TOPICS.harvestIntent.name);
    await process(trade(0, slice('a', { origin: 'BACKFILL', closed_at: START + 8 * HOUR_MS })));
    expect(clm.alert()).not.toBeNull();
  });

  it('a backlog of intents is no starvation where the trades are there to be processed', async () => {
    await clm.restore?.(replayOf([], [slice('a', { closed_at: START + 7 * HOUR_MS })]));
    await clm.observe(intents(30, 7), TOPICS.harvestIntent.name);
    expect(said).toEqual([]);
  });
});

it('CLM-13: an outcome that was once dated into the future is written with a time that a log takes', async () => {
  const first = slice('first', { remaining_quantity: 1 });
  const [encoded] = await process(trade(0, first));
  if (encoded === undefined) throw new Error('no outcome');
  const [known] = outcomes([encoded]);
  if (known === undefined) throw new Error('no outcome');
  const year2100 = 4_102_444_800_000;
  await clm.restore?.(replayOf([{ ...known, last_slice_at: year2100 }], [first]));
  const second = slice('second', { closed_at: first.closed_at + HOUR_MS });
  const [again] = await process(trade(1, second));
  expect(again?.timestamp).toBe(second.closed_at);
});
