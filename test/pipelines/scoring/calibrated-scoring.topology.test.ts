import { expect, onTestFinished, test } from 'vitest';
import type { EmbeddedConsumer } from '../../../connectors/embedded/embedded-consumer.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { approval, rollback } from '../../../pipelines/calibration/decisions.ts';
import { CalibrationVersions } from '../../../pipelines/scoring/confidence-map.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ConfidenceCalibration, HarvestIntent, ModelId } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { proposalOf } from '../../fixtures/calibration-record.ts';
import { onCalibrated } from '../../fixtures/policies.ts';

const ADA = { by: 'Ada', reason: 'test', at: 1_770_000_000_000 };
const MODEL = 'ensemble-3' as ModelId;
/** Longer than the second after which a running scorer reads its broadcast input again. Unit: milliseconds. */
const LATER_MS = 1500;

/** A scorer at work on a log, fed one snapshot at a time. Confidence fell from 0.9 to 0.8: not degraded as it stands. */
class Desk {
  readonly versions = new CalibrationVersions();
  readonly #clock = new VirtualClock(0);
  readonly #log: EmbeddedLog;
  readonly #codec: RecordCodec;
  #consumer: EmbeddedConsumer | null = null;
  #observedAt = 1_770_003_600_000;

  private constructor(log: EmbeddedLog, codec: RecordCodec) {
    this.#log = log;
    this.#codec = codec;
  }

  static async open(): Promise<Desk> {
    const log = EmbeddedLog.open(folderForTest(), new SystemClock());
    onTestFinished(() => log.close());
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    return new Desk(log, await RecordCodec.open(log.registry));
  }

  async start(policy = onCalibrated(defaultPolicy())): Promise<void> {
    const processor = scoringProcessor({ writer: new TopicWriter('scoring', this.#codec), policy });
    const { options, handler } = wireProcessor({
      processor,
      log: this.#log,
      codec: this.#codec,
      clock: this.#clock,
      logger: SILENT_LOGGER,
    });
    this.#consumer = this.#log.consumer(options, handler);
    await this.#consumer.join();
  }

  async restart(): Promise<void> {
    await this.#consumer?.stop();
    await this.start();
  }

  wait(): void {
    this.#clock.set(this.#clock.now() + LATER_MS);
  }

  async decide(record: ConfidenceCalibration): Promise<void> {
    this.versions.apply(record);
    await this.#log.append([
      new TopicWriter('calibration', this.#codec).encode(TOPICS.confidenceCalibration, record, record.decided_at),
    ]);
  }

  /** The intent of one more snapshot. */
  async score(model: ModelId | null = MODEL): Promise<HarvestIntent> {
    this.#observedAt += 1000;
    const snapshot = {
      ...aSnapshot({ r: 9 }),
      observed_at: this.#observedAt,
      confidence_at_entry: 0.9,
      confidence: 0.8,
      model_id: model,
    };
    await this.#log.append([
      new TopicWriter('snapshots', this.#codec).encode(TOPICS.positionSnapshot, snapshot, snapshot.observed_at),
    ]);
    await this.#consumer?.pump();
    let last: HarvestIntent | undefined;
    for await (const { records } of this.#log.read(TOPICS.harvestIntent.name))
      for (const at of records) last = this.#codec.decode(TOPICS.harvestIntent.name, at);
    if (last === undefined) throw new Error('the snapshot gave no intent');
    return last;
  }
}

const STEEP = { x: [0.8, 0.9], y: [0.4, 0.7] };
const names = ({ factors }: HarvestIntent): readonly string[] => factors.map(({ name }) => name);

test('a running scorer takes up an approval and a rollback without a restart, and names the version', async () => {
  const desk = await Desk.open();
  await desk.decide(proposalOf('cal-1', { map: STEEP }));
  await desk.start();
  const raw = await desk.score();
  expect(raw.calibration_version).toBeNull();
  expect(names(raw)).toContain('confidence_intact');

  await desk.decide(approval(desk.versions, 'cal-1', ADA, false));
  desk.wait();
  const mapped = await desk.score();
  expect(mapped.calibration_version).toBe('cal-1');
  expect(names(mapped)).toContain('confidence_degraded');
  // The record has the model's confidence; the factor has the mapped one that was compared.
  expect(mapped).toMatchObject({ confidence_at_entry: 0.9, confidence: 0.8 });
  expect(mapped.factors.find(({ name }) => name === 'confidence_degraded')?.value).toBeCloseTo(0.4, 12);

  await desk.decide(rollback(desk.versions, 'cal-1', ADA));
  desk.wait();
  expect((await desk.score()).calibration_version).toBeNull();
});

test('SCO-6: a map changes no decision of a policy that judges raw confidence, and the intent names the version all the same', async () => {
  const desk = await Desk.open();
  await desk.decide(proposalOf('cal-1', { map: STEEP }));
  await desk.decide(approval(desk.versions, 'cal-1', ADA, false));
  await desk.start(defaultPolicy());
  const intent = await desk.score();
  expect(intent.calibration_version).toBe('cal-1');
  expect(intent.factors.find(({ name }) => name === 'confidence_intact')).toMatchObject({
    value: 0.8,
    threshold: 0.75,
  });
});

test('a scorer that starts has read the approvals before its first snapshot', async () => {
  const desk = await Desk.open();
  await desk.decide(proposalOf('cal-1', { map: STEEP }));
  await desk.decide(approval(desk.versions, 'cal-1', ADA, false));
  await desk.start();
  expect((await desk.score()).calibration_version).toBe('cal-1');
  await desk.restart();
  expect((await desk.score()).calibration_version).toBe('cal-1');
});

test("a map is applied to its own model's confidences alone", async () => {
  const desk = await Desk.open();
  await desk.decide(proposalOf('cal-1', { map: STEEP }));
  await desk.decide(approval(desk.versions, 'cal-1', ADA, false));
  await desk.start();
  expect((await desk.score('another' as ModelId)).calibration_version).toBeNull();
  expect((await desk.score(null)).calibration_version).toBeNull();
});

test('a version that is not approved is not applied', async () => {
  const desk = await Desk.open();
  await desk.decide(proposalOf('cal-1', { map: STEEP }));
  await desk.start();
  expect((await desk.score()).calibration_version).toBeNull();
});
