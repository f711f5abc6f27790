/** Records of writers who are not this program, through the whole runtime and scoring. */
import avsc from 'avsc';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RETRY_HEADERS } from '../../../pipelines/dlq/dead-letter.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { DEAD_LETTER_HEADERS } from '../../../pipelines/runtime/dead-letter.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { Headers, LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { AvroRecord, AvroSchema } from '../../../schemas/avro-schema.ts';
import { loadSchema, TOPICS, deadLetterTopicOf, allTopicSpecs, subjectOf } from '../../../schemas/topics.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const SNAPSHOTS = TOPICS.positionSnapshot;
const SNAPSHOT = aSnapshot({ r: 9 });
const AT = 1_900_000_000_000;

/** Scoring on a log of its own, with a registry and a clock that the test sets. */
class Scorer {
  readonly registry: MemoryRegistry;
  readonly #log: EmbeddedLog;
  readonly #codec: RecordCodec;
  readonly time: { now: number };

  private constructor(registry: MemoryRegistry, log: EmbeddedLog, codec: RecordCodec, time: { now: number }) {
    this.registry = registry;
    this.#log = log;
    this.#codec = codec;
    this.time = time;
  }

  static async open(): Promise<Scorer> {
    const log = EmbeddedLog.open(folderForTest(), new SystemClock());
    onTestFinished(() => log.close());
    await log.createTopics(allTopicSpecs());
    const registry = await MemoryRegistry.withOwnSchemas();
    const time = { now: 0 };
    return new Scorer(registry, log, await RecordCodec.open(registry, { now: () => time.now }), time);
  }

  async write(value: Buffer, headers: Headers = []): Promise<void> {
    await this.#log.append([
      { topic: SNAPSHOTS.name, key: Buffer.from('main:BTCUSDT'), value, timestamp: AT, headers },
    ]);
  }

  /** One process: its codec keeps what it learnt from one run to the next. */
  async run(): Promise<void> {
    const policy = BUILT_IN_POLICIES.get('2026-02-07');
    if (policy === undefined) throw new Error('no default policy');
    const processor = scoringProcessor({ writer: new TopicWriter('scoring', this.#codec), policy });
    const parts = { processor, log: this.#log, codec: this.#codec, clock: new VirtualClock(0), logger: SILENT_LOGGER };
    const { options, handler } = wireProcessor(parts);
    const consumer = this.#log.consumer(options, handler);
    await consumer.join();
    await consumer.pump();
    await consumer.stop();
  }

  async intents(): Promise<readonly object[]> {
    const topic = TOPICS.harvestIntent.name;
    return (await this.#all(topic)).map((at) => this.#codec.decode(topic, at));
  }

  /** Code and message of each letter. */
  async letters(): Promise<readonly { readonly code: string; readonly message: string }[]> {
    return (await this.#all(deadLetterTopicOf(SNAPSHOTS.name))).map(({ headers }) => {
      const of = (wanted: string) => String(Buffer.from(headers.findLast(([name]) => name === wanted)?.[1] ?? []));
      return { code: of(DEAD_LETTER_HEADERS.code), message: of(DEAD_LETTER_HEADERS.message) };
    });
  }

  async #all(topic: string): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    for await (const batch of this.#log.read(topic)) found.push(...batch.records);
    return found;
  }
}

function avroOf(record: object, schema: AvroRecord = loadSchema(SNAPSHOTS)): Buffer {
  return avsc.Type.forSchema(schema as avsc.Schema).toBuffer(record);
}

function prefixed(id: number, avro: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, avro]);
}

/** The schema with a nullable field more: what a newer producer registers. */
const NEWER: AvroRecord = {
  ...loadSchema(SNAPSHOTS),
  fields: [...loadSchema(SNAPSHOTS).fields, { name: 'funding_rate', type: ['null', 'double'], default: null }],
};
const NEXT_ID = Object.keys(TOPICS).length + 1;

describe('an id that the registry does not know at first', () => {
  const late = prefixed(NEXT_ID, avroOf({ ...SNAPSHOT, funding_rate: null }, NEWER));
  const own = prefixed(1, avroOf(SNAPSHOT));

  it('buries its records until the registry knows it, and scores those that come later, and all others at once', async () => {
    const scorer = await Scorer.open();
    const ownId = await scorer.registry.idOf(subjectOf(SNAPSHOTS), JSON.stringify(loadSchema(SNAPSHOTS)));
    own.writeUInt32BE(ownId ?? 0, 1);
    await scorer.write(late);
    await scorer.write(own);
    await scorer.run();
    expect(await scorer.letters()).toMatchObject([{ code: 'SCHEMA_UNKNOWN' }]);
    expect(await scorer.intents()).toHaveLength(1);

    await scorer.registry.register(subjectOf(SNAPSHOTS), JSON.stringify(NEWER));
    scorer.time.now = 20_000;
    for (let count = 0; count < 10; count++) await scorer.write(late);
    await scorer.run();
    expect(await scorer.letters()).toHaveLength(1);
    expect(await scorer.intents()).toHaveLength(11);
  });

  it('is asked for at once for a letter that was put back', async () => {
    const scorer = await Scorer.open();
    await scorer.write(late);
    await scorer.run();
    await scorer.registry.register(subjectOf(SNAPSHOTS), JSON.stringify(NEWER));
    await scorer.write(late, [[RETRY_HEADERS.of, Buffer.from('position.snapshot.dlq/0/0')]]);
    await scorer.run();
    expect(await scorer.letters()).toHaveLength(1);
    expect(await scorer.intents()).toHaveLength(1);
  });
});

it('a writer’s microseconds are no intent, but a letter that names the fields and both types', async () => {
  const scorer = await Scorer.open();
  const micros: AvroSchema = { type: 'long', logicalType: 'timestamp-micros' };
  const required = ['observed_at', 'opened_at'];
  const fields = NEWER.fields.map((field) => (required.includes(field.name) ? { ...field, type: micros } : field));
  const theirs = { ...NEWER, fields };
  const id = await scorer.registry.register(subjectOf(SNAPSHOTS), JSON.stringify(theirs));
  const { observed_at, opened_at } = SNAPSHOT;
  const record = { ...SNAPSHOT, funding_rate: null, observed_at: observed_at * 1000, opened_at: opened_at * 1000 };
  await scorer.write(prefixed(id, avroOf(record, theirs)));
  await scorer.run();
  expect(await scorer.intents()).toEqual([]);
  const [letter] = await scorer.letters();
  expect(letter?.code).toBe('SCHEMA_INCOMPATIBLE');
  for (const field of required)
    expect(letter?.message).toContain(
      `${field}: the data holds timestamp-micros (long), the reader takes timestamp-millis (long)`,
    );
});

describe('a schema that is named in a header', () => {
  const GUID = '89791762-2336-4186-9674-299b90a802e2';
  const guid = Buffer.concat([Buffer.from([1]), Buffer.from(GUID.replaceAll('-', ''), 'hex')]);

  it('is read by id and by GUID as from the prefix', async () => {
    const scorer = await Scorer.open();
    const id = await scorer.registry.register(subjectOf(SNAPSHOTS), JSON.stringify(NEWER));
    scorer.registry.guids.set(GUID, JSON.stringify(NEWER));
    const bare = avroOf({ ...SNAPSHOT, funding_rate: 0.01 }, NEWER);
    await scorer.write(prefixed(id, bare));
    await scorer.write(bare, [['__value_schema_id', Buffer.from([0, 0, 0, 0, id])]]);
    await scorer.write(bare, [['__value_schema_id', guid]]);
    await scorer.run();
    expect(await scorer.letters()).toEqual([]);
    const intents = await scorer.intents();
    expect(intents).toHaveLength(3);
    // All but what says where each came from.
    const [first, ...others] = intents.map((intent) => ({ ...intent, intent_id: '', input: null }));
    for (const other of others) expect(other).toEqual(first);
  });

  it('is a letter of that name where the registry has no such GUID, whatever the value begins with', async () => {
    const scorer = await Scorer.open();
    const bare = avroOf(SNAPSHOT);
    for (const value of [bare, prefixed(1, bare)]) await scorer.write(value, [['__value_schema_id', guid]]);
    await scorer.write(bare, [['apicurio.value.globalId', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])]]);
    await scorer.run();
    expect(await scorer.intents()).toEqual([]);
    const letters = await scorer.letters();
    expect(letters.map(({ code }) => code)).toEqual(Array(3).fill('SCHEMA_ID_IN_HEADER'));
    expect(letters.map(({ message }) => message)).toEqual([
      expect.stringContaining(`schema GUID ${GUID} (header __value_schema_id)`),
      expect.stringContaining(`schema GUID ${GUID} (header __value_schema_id)`),
      expect.stringContaining('the header apicurio.value.globalId'),
    ]);
  });
});
