import { onTestFinished } from 'vitest';
import type { LetterTopics } from '../../../pipelines/dlq/examine-letter.ts';
import { type LetterSelection, type RetryOutcome, retryLetters } from '../../../pipelines/dlq/retry-letters.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { loadSchema, TOPICS, allTopicSpecs, deadLetterTopicOf, subjectOf } from '../../../schemas/topics.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

export const SNAPSHOTS = TOPICS.positionSnapshot;
export const DEAD = deadLetterTopicOf(SNAPSHOTS.name);

/** The timestamp of the records: later than every time in them. */
export const RECEIVED_AT = 1_900_000_000_000;

/** An embedded log on which scoring dead-letters what it cannot read. */
export class DeadLetterLog implements LetterTopics {
  readonly log: EmbeddedLog;
  codec: RecordCodec;

  private constructor(log: EmbeddedLog, codec: RecordCodec) {
    this.log = log;
    this.codec = codec;
  }

  static async open(): Promise<DeadLetterLog> {
    const log = EmbeddedLog.open(folderForTest(), new SystemClock());
    onTestFinished(() => log.close());
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    return new DeadLetterLog(log, await RecordCodec.open(log.registry));
  }

  get registry() {
    return this.log.registry;
  }

  /** A snapshot that deserves an intent, in wire format under this schema id. */
  snapshot(schemaId?: number, symbol = 'BTCUSDT'): Uint8Array {
    const encoded = new TopicWriter('snapshots', this.codec).encode(SNAPSHOTS, aSnapshot({ r: 9, symbol }), 1);
    const value = Buffer.from(encoded.value);
    if (schemaId !== undefined) value.writeInt32BE(schemaId, 1);
    return value;
  }

  /** Produces the values as a foreign client might, and lets scoring consume them. */
  async deadLetter(...values: readonly (Uint8Array | null)[]): Promise<void> {
    await this.log.append(
      values.map((value) => ({
        topic: SNAPSHOTS.name,
        key: Buffer.from('desk:BTCUSDT'),
        value,
        timestamp: RECEIVED_AT,
        headers: [['trace', Buffer.from('abc')]],
      })),
    );
    await this.score();
  }

  async score(): Promise<void> {
    const policy = BUILT_IN_POLICIES.get('2026-02-07');
    if (policy === undefined) throw new Error('no default policy');
    this.codec = await RecordCodec.open(this.registry);
    const { codec, log } = this;
    const processor = scoringProcessor({ writer: new TopicWriter('scoring', codec), policy });
    const { options, handler } = wireProcessor({
      processor,
      log,
      codec,
      clock: new VirtualClock(0),
      logger: SILENT_LOGGER,
    });
    const consumer = log.consumer(options, handler);
    await consumer.join();
    await consumer.pump();
    await consumer.stop();
  }

  /** Registers a newer, compatible version of the snapshot's schema; the next id in this registry. */
  registerNewer(): Promise<number> {
    const schema = loadSchema(SNAPSHOTS);
    return this.registry.register(subjectOf(SNAPSHOTS), JSON.stringify({ ...schema, doc: 'A newer version.' }));
  }

  async records(topic: string): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    for await (const batch of this.log.read(topic)) found.push(...batch.records);
    return found;
  }

  /** Retries as the command does: with a codec of its own. */
  async retry(selection: LetterSelection, { dryRun = false } = {}) {
    const outcomes: RetryOutcome[] = [];
    const world = { log: this.log, registry: this.registry, codec: await RecordCodec.open(this.registry) };
    const counts = await retryLetters(world, SNAPSHOTS, selection, {
      dryRun,
      onOutcome: (outcome) => {
        outcomes.push(outcome);
        return undefined;
      },
    });
    return { ...counts, outcomes };
  }
}
