import { describe, expect, test } from 'vitest';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, type Writer } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';

const codec = await RecordCodec.open(await MemoryRegistry.withOwnSchemas());

const WRITERS = [
  'models',
  'snapshots',
  'scoring',
  'execution',
  'clm',
  'calibration',
  'desk',
  'watch',
] as const satisfies readonly Writer[];

/** The topics that a writer is let write, by trying all of them. */
function writableBy(writer: Writer): readonly string[] {
  return Object.values(TOPICS).flatMap((topic) => {
    try {
      new TopicWriter(writer, codec).encode(topic, GOOD_RECORDS[topic.name], 0);
      return [topic.name];
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(HarvestlineError);
      expect(thrown).toMatchObject({ code: 'TOPIC_NOT_OWNED', kind: 'invariant', at: { topic: topic.name } });
      return [];
    }
  });
}

describe('one writer a topic', () => {
  test('every topic is written by exactly one', () => {
    expect(WRITERS.flatMap(writableBy).toSorted()).toEqual(
      Object.values(TOPICS)
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  test('execution writes its reports and the trades, nothing else', () => {
    expect(writableBy('execution')).toEqual([TOPICS.executionReport.name, TOPICS.tradeClosed.name]);
  });

  test('ownership is asked before the record is looked at', () => {
    const bad = { ...GOOD_RECORDS[TOPICS.harvestIntent.name], fraction: NaN };
    expect(() => new TopicWriter('clm', codec).encode(TOPICS.harvestIntent, bad, 0)).toThrow(
      `clm may not write ${TOPICS.harvestIntent.name}: its writer is scoring`,
    );
  });
});

describe('an encoded record', () => {
  const trade = GOOD_RECORDS[TOPICS.tradeClosed.name];
  const outcome = GOOD_RECORDS[TOPICS.clmOutcome.name];

  test('is keyed by account:symbol, so that a symbol’s records keep their order', () => {
    const encoded = new TopicWriter('execution', codec).encode(TOPICS.tradeClosed, trade, 17);
    expect(Buffer.from(encoded.key).toString()).toBe('desk-1:BTCUSDT');
    expect(encoded).toMatchObject({ topic: TOPICS.tradeClosed.name, timestamp: 17 });
    expect(codec.decode(TOPICS.tradeClosed.name, { value: encoded.value })).toEqual(trade);
  });

  test('is keyed by position_id where the topic is compacted by it', () => {
    const encoded = new TopicWriter('clm', codec).encode(TOPICS.clmOutcome, outcome, 0);
    expect(Buffer.from(encoded.key).toString()).toBe(outcome.position_id);
  });

  test('is refused with every failing path', () => {
    const bad = { ...trade, exit_price: -1, fee_quote: NaN };
    expect(() => new TopicWriter('execution', codec).encode(TOPICS.tradeClosed, bad, 0)).toThrow(
      expect.objectContaining({
        code: 'RECORD_INVALID',
        problems: [expect.objectContaining({ path: 'exit_price' }), expect.objectContaining({ path: 'fee_quote' })],
      }),
    );
  });
});

test('a record has the key of its own account and symbol, however many came before', () => {
  const writer = new TopicWriter('scoring', codec);
  const intent = GOOD_RECORDS[TOPICS.harvestIntent.name];
  const keyOf = (number: number): string => {
    const { key } = writer.encode(TOPICS.harvestIntent, { ...intent, symbol: `S${number}` }, 0);
    return Buffer.from(key).toString();
  };
  const numbers = [...Array.from({ length: 5000 }, (_, number) => number), 0, 4999, 0];
  expect(numbers.map(keyOf)).toEqual(numbers.map((number) => `${intent.account}:S${number}`));
});
