import { createHash } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import avsc from 'avsc';
import { CompressionTypes, ConfigResourceTypes, Kafka, type Message, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { lastHeader } from '../../../pipelines/dlq/dead-letter.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { DEAD_LETTER_HEADERS } from '../../../pipelines/runtime/dead-letter.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { schemaText, TOPICS, allTopicSpecs, deadLetterTopicOf, subjectOf } from '../../../schemas/topics.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../program.ts';
import { lagOf } from './lag.ts';
import { rawRecordsOf, recordsOf } from './run-in-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PROGRAM = join(ROOT, 'bin/harvestline.mjs');
const SNAPSHOTS = TOPICS.positionSnapshot;
const DEAD = deadLetterTopicOf(SNAPSHOTS.name);
const PATIENCE = { timeout: 60_000, interval: 200 };

const clock = new SystemClock();
const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

/** The largest value that a topic takes with its usual limit, but for a few bytes. */
const NEAR = Buffer.from(`{${'x'.repeat(1_048_486)}}`);

/** 3 MB that are 3 KB in a batch with gzip. */
const SMALL_ON_THE_LOG = Buffer.from(`{${'x'.repeat(2_999_998)}}`);

/** None at all, that of 1970, and one that is older than what a dead-letter topic keeps. Unit: epoch milliseconds. */
const OLD_TIMESTAMPS = ['-1', '0', String(clock.now() - 130 * 24 * 3_600_000)];

/** Names that repeat with another between them, look like numbers or are empty; no value, an empty one, and bytes that are no UTF-8. */
const EIGHT_HEADERS: readonly (readonly [string, Buffer | null])[] = [
  ['b', Buffer.from('1')],
  ['a', null],
  ['b', Buffer.from('2')],
  ['10', Buffer.from('x')],
  ['2', Buffer.from('y')],
  ['', Buffer.from('empty name')],
  ['traceparent', Buffer.from([0xff, 0xfe])],
  ['b', Buffer.alloc(0)],
];

describe.skipIf('skipped' in broker)('dead letters on Kafka', () => {
  const { brokers, registryUrl } = started(broker);
  const connection = ['--brokers', brokers.join(','), '--registry', registryUrl];
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const log = KafkaLog.open({ brokers, clock, logger: SILENT_LOGGER });
  afterAll(() => log.close());
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  const admin = kafka.admin();
  const registry = new ConfluentRegistry({ url: registryUrl });
  let codec: RecordCodec;
  beforeAll(async () => {
    await Promise.all([producer.connect(), admin.connect()]);
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    codec = await RecordCodec.open(registry);
  });
  afterAll(() => Promise.all([producer.disconnect(), admin.disconnect()]));

  const produce = (message: Message, compression = CompressionTypes.None) =>
    producer.send({ topic: SNAPSHOTS.name, messages: [message], compression });

  /** Bytes of Avro that our own writer would refuse. */
  async function tenThousandNaN(): Promise<Buffer> {
    const schema = schemaText(SNAPSHOTS);
    const type = avsc.Type.forSchema(JSON.parse(schema) as Parameters<typeof avsc.Type.forSchema>[0]);
    const id = await registry.idOf(subjectOf(SNAPSHOTS), schema);
    const header = Buffer.alloc(5);
    header.writeInt32BE(id ?? 0, 1);
    const now = clock.now();
    const snapshot = aSnapshot({}, { observed_at: now, opened_at: now - 60_000 });
    return Buffer.concat([header, type.toBuffer({ ...snapshot, r_history: Array(10_000).fill(Number.NaN) })]);
  }

  async function start() {
    const child: ChildProcess = spawn(
      process.execPath,
      [PROGRAM, 'run', 'scoring', '--http-port', '0', '--data', folder.path],
      {
        cwd: ROOT,
        env: { ...process.env, KAFKA_BROKERS: brokers.join(','), SCHEMA_REGISTRY_URL: registryUrl },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
    const said = text(child.stderr);
    const ended = once(child, 'exit').then(async ([code]) => ({ code: code as number | null, lines: await said }));
    const [line] = (await Promise.race([
      once(createInterface(child.stdout), 'line'),
      ended.then(({ lines }) => Promise.reject(new Error(`ended early: ${lines}`))),
    ])) as [string];
    const { http } = JSON.parse(line) as { http: string };
    return {
      metrics: async () => (await fetch(`${http}/metrics`)).text(),
      stop: () => {
        child.kill('SIGTERM');
        return ended;
      },
    };
  }

  /** A snapshot that deserves an intent, by the position that both name. */
  async function score(symbol: string, partition?: number): Promise<void> {
    const now = clock.now();
    const snapshot = aSnapshot({ symbol, r: 9 }, { observed_at: now, opened_at: now - 60_000 });
    const record = new TopicWriter('snapshots', codec).encode(SNAPSHOTS, snapshot, now);
    await log.append([partition === undefined ? record : { ...record, partition }]);
    await vi.waitFor(async () => {
      const intents = await recordsOf({ log, codec }, TOPICS.harvestIntent.name);
      expect(intents.map((intent) => intent.symbol)).toContain(symbol);
      expect(await lagOf(log, 'scoring', SNAPSHOTS.name)).toBe(0);
    }, PATIENCE);
  }

  function find(letters: readonly LogRecord[], key: string): LogRecord {
    const found = letters.filter((letter) => Buffer.from(letter.key ?? []).toString() === key);
    expect(found).toHaveLength(1);
    return found[0] as LogRecord;
  }

  const header = (letter: LogRecord, name: keyof typeof DEAD_LETTER_HEADERS) =>
    lastHeader(letter.headers, DEAD_LETTER_HEADERS[name]);

  /** Sets the largest record of a topic, and all that the table says beside it: Kafka resets what is left out. */
  async function limit(topic: string, bytes: number): Promise<void> {
    const retentionMs = allTopicSpecs().find(({ name }) => name === topic)?.retentionMs;
    const configEntries = [
      { name: 'max.message.bytes', value: String(bytes) },
      { name: 'retention.ms', value: String(retentionMs) },
    ];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
  }

  async function command(...args: readonly string[]) {
    const { code, stdout, stderr } = await runProgram([...args, ...connection]);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return { code, stderr, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  }

  it('whatever is large of a bad record, it has one letter, the good ones are scored, and a restart changes nothing', async () => {
    const manyNaN = await tenThousandNaN();
    const largeHeaders = { huge: Buffer.alloc(1_048_000, 7), small: Buffer.from('abc') };
    await produce({ key: 'main:NEAR', value: NEAR });
    await produce({ key: 'main:GZIP', value: SMALL_ON_THE_LOG }, CompressionTypes.GZIP);
    await produce({ key: 'main:NAN', value: manyNaN });
    await produce({ key: 'main:HEADERS', value: 'bad', headers: largeHeaders }, CompressionTypes.GZIP);
    // kafkajs would hash such a key for hours.
    await produce({ key: Buffer.alloc(1_048_000, 'k'), value: 'bad key', partition: 0 }, CompressionTypes.GZIP);
    // One read, and so one batch of letters, of which none fits beside another.
    await produce({ key: 'main:TWO', value: NEAR });
    await produce({
      key: 'main:NAMES',
      value: 'bad',
      headers: { ['__proto__']: 'a', constructor: 'b', toString: 'c' },
    });
    for (const timestamp of OLD_TIMESTAMPS) await produce({ key: `main:AT${timestamp}`, value: 'bad', timestamp });
    await log.append([
      {
        topic: SNAPSHOTS.name,
        key: Buffer.from('main:EIGHT'),
        value: Buffer.from('bad'),
        timestamp: clock.now(),
        headers: EIGHT_HEADERS,
      },
    ]);

    const first = await start();
    await score('GOODUSDT');
    await vi.waitFor(
      async () => expect(await first.metrics()).toContain('harvestline_alert{name="letter_without_bytes"} 1\n'),
      PATIENCE,
    );
    expect(await first.metrics()).toContain(`harvestline_letters_without_bytes_total{topic="${SNAPSHOTS.name}"} 1\n`);
    const ended = await first.stop();
    expect(ended.code).toBe(0);
    expect(ended.lines).toContain('dead letter without its bytes: position.snapshot[');
    expect(Math.max(...ended.lines.split('\n').map(({ length }) => length))).toBeLessThan(10_000);

    const again = await start();
    await score('AGAINUSDT');
    expect((await again.stop()).code).toBe(0);

    const letters = await rawRecordsOf(log, DEAD);
    expect(letters).toHaveLength(11);
    const near = find(letters, 'main:NEAR');
    expect(Buffer.compare(near.value ?? Buffer.alloc(0), NEAR)).toBe(0);
    expect(find(letters, 'main:TWO').value).toHaveLength(NEAR.length);
    const nan = find(letters, 'main:NAN');
    expect(Buffer.compare(nan.value ?? Buffer.alloc(0), manyNaN)).toBe(0);
    expect([header(nan, 'pathsTotal'), (header(nan, 'message') ?? '').length <= 2000]).toEqual(['10000', true]);
    const gzip = find(letters, 'main:GZIP');
    expect(gzip.value).toHaveLength(0);
    expect([header(gzip, 'valueBytes'), header(gzip, 'valueSha256')]).toEqual([
      String(SMALL_ON_THE_LOG.length),
      createHash('sha256').update(SMALL_ON_THE_LOG).digest('hex'),
    ]);
    expect(lastHeader(find(letters, 'main:HEADERS').headers, 'small')).toBe('abc');
    const names = find(letters, 'main:NAMES').headers.map(([name, value]) => [name, String(value)]);
    expect(names.slice(0, 3)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ]);
    const eight = find(letters, 'main:EIGHT').headers.slice(0, EIGHT_HEADERS.length);
    expect(eight.map(([name, value]) => [name, value === null ? null : Buffer.from(value)])).toEqual(EIGHT_HEADERS);
    for (const timestamp of OLD_TIMESTAMPS) {
      const old = find(letters, `main:AT${timestamp}`);
      expect(header(old, 'timestamp')).toBe(timestamp);
      expect(clock.now() - old.timestamp).toBeLessThan(600_000);
    }
  });

  it('a letter without its bytes is shown with those of its source topic, and is an alert until it is discarded', async () => {
    const [letter] = (await rawRecordsOf(log, DEAD)).filter((one) => header(one, 'valueBytes') !== null);
    const place = `${letter?.partition}:${letter?.offset}`;
    const shown = await command('dlq', 'show', SNAPSHOTS.name, place, '--json');
    expect(shown.lines[0]).toMatchObject({
      id: `${DEAD}:${place}`,
      left_out: { value: { bytes: SMALL_ON_THE_LOG.length }, found: 'on the source topic', why: null },
      value: { bytes: SMALL_ON_THE_LOG.length },
      attempt: { check: { code: 'NOT_WIRE_FORMAT' } },
    });
    const alerts = async () => {
      const { lines } = await command('status', '--json');
      const all = (lines[0] ?? {})['alerts'] as readonly { name: string; evidence: string }[];
      return all.filter(({ name }) => name.includes('letter'));
    };
    const standing = await alerts();
    expect(standing.map(({ name }) => name)).toEqual(['dead_letters', 'letter_without_bytes']);
    expect(standing[1]?.evidence).toContain(`harvestline dlq show`);
    const refused = await command('dlq', 'retry', SNAPSHOTS.name, place, '--json');
    expect([refused.code, refused.lines[0]]).toEqual([
      1,
      expect.objectContaining({ state: 'refused', refused: expect.objectContaining({ code: 'NOT_WIRE_FORMAT' }) }),
    ]);

    const running = await start();
    await vi.waitFor(
      async () => expect(await running.metrics()).toContain('harvestline_alert{name="letter_without_bytes"} 1\n'),
      PATIENCE,
    );
    const discard = ['dlq', 'discard', '--id', `${DEAD}:${place}`, '--by', 'alice', '--reason', 'a test'];
    expect((await command(...discard)).lines.at(-1)).toMatchObject({ discarded: 1, already: 0, unknown: 0 });
    expect((await command(...discard)).lines).toMatchObject([
      { state: 'discarded before', by: 'alice' },
      { already: 1 },
    ]);
    expect((await alerts()).map(({ name }) => name)).toEqual(['dead_letters']);
    await vi.waitFor(
      async () => expect(await running.metrics()).toContain('harvestline_alert{name="letter_without_bytes"} 0\n'),
      PATIENCE,
    );
    await running.stop();
  });

  it('a good record that is too large for its dead-letter topic goes back with the bytes of its source topic', async () => {
    await limit(DEAD, 70_000);
    // Its own name is wrong, so that it is refused; the schema that it names is registered below.
    const good = Buffer.from(
      new TopicWriter('snapshots', codec).encode(
        SNAPSHOTS,
        { ...aSnapshot({ symbol: 'BACKUSDT', r: 9 }), r_history: Array(9000).fill(9) },
        clock.now(),
      ).value,
    );
    const newer = { ...(JSON.parse(schemaText(SNAPSHOTS)) as object), doc: 'A newer version.' };
    const ids = await Promise.all(
      Object.values(TOPICS).map((topic) => registry.idOf(subjectOf(topic), schemaText(topic))),
    );
    const next = Math.max(...ids.map((id) => id ?? 0)) + 1;
    good.writeInt32BE(next, 1);
    await produce({ key: 'main:BACK', value: good });
    const running = await start();
    await vi.waitFor(async () => expect(await lagOf(log, 'scoring', SNAPSHOTS.name)).toBe(0), PATIENCE);
    expect((await running.stop()).code).toBe(0);
    expect(find(await rawRecordsOf(log, DEAD), 'main:BACK').value).toHaveLength(0);
    expect(await registry.register(subjectOf(SNAPSHOTS), JSON.stringify(newer))).toBe(next);
    const dry = await command('dlq', 'retry', SNAPSHOTS.name, '--code', 'SCHEMA_UNKNOWN', '--dry-run');
    expect(dry.lines[0]).toMatchObject({ state: 'would retry' });
    const retried = await command('dlq', 'retry', SNAPSHOTS.name, '--code', 'SCHEMA_UNKNOWN');
    expect([retried.code, retried.lines[0]?.['state']]).toEqual([0, 'retried']);
    const back = (await rawRecordsOf(log, SNAPSHOTS.name)).filter(({ key }) => String(key) === 'main:BACK');
    expect(back.map(({ value }) => Buffer.compare(value ?? Buffer.alloc(0), good))).toEqual([0, 0]);
  });

  it('added-partition-dead-letter, topics apply: what differs of a dead-letter topic is drift, and one whose source grew while run scoring works grows with it', async () => {
    const found = async () => {
      const { code, lines } = await command('topics', 'apply');
      return { code, dead: lines.find(({ topic }) => topic === DEAD) };
    };
    expect(await found()).toMatchObject({
      code: 1,
      dead: { state: 'drifted', detail: 'max.message.bytes is 70000, that of its source and 64 KiB are 1114124' },
    });
    await limit(SNAPSHOTS.name, 2_000_000);
    expect((await found()).dead).toMatchObject({ detail: expect.stringContaining('64 KiB are 2065536') });

    const running = await start();
    await score('BEFOREUSDT');
    await admin.createPartitions({ topicPartitions: [{ topic: SNAPSHOTS.name, count: 9 }] });
    // One that knows the added partitions. Not the same one, connected again: the end of its old connection would end the new one in the middle of a
    // request, and kafkajs would send that a second time.
    const newer = kafka.producer({ idempotent: true });
    await newer.connect();
    await newer.send({
      topic: SNAPSHOTS.name,
      messages: [{ key: 'main:ADDED', value: '{"not":"avro"}', partition: 7 }],
    });
    await newer.disconnect();
    for (const partition of [6, 7, 8]) await score(`P${partition}USDT`, partition);
    expect((await running.stop()).code).toBe(0);
    const added = find(await rawRecordsOf(log, DEAD), 'main:ADDED');
    expect(added.partition).toBe(0);
    expect((['topic', 'partition', 'offset'] as const).map((name) => header(added, name))).toEqual([
      SNAPSHOTS.name,
      '7',
      '0',
    ]);
    const dry = await command('topics', 'apply', '--dry-run');
    expect(dry.lines.find(({ topic }) => topic === DEAD)).toMatchObject({
      detail: expect.stringContaining('partitions is 6, its source has 9'),
    });
    await limit(DEAD, 2_065_536);
    const grown = 'partitions were 6, position.snapshot has 9';
    // The source has more partitions than the table says: that is somebody's to decide.
    expect(await found()).toEqual({ code: 1, dead: { topic: DEAD, state: 'grown', detail: grown } });
    expect((await found()).dead).toMatchObject({ state: 'unchanged' });
    await vi.waitFor(async () => expect(await log.offsets(DEAD)).toHaveLength(9), PATIENCE);
  });
});
