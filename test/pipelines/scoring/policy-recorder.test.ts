import { beforeAll, describe, expect, it } from 'vitest';
import { approval, rollback } from '../../../pipelines/calibration/decisions.ts';
import { CalibrationVersions } from '../../../pipelines/scoring/confidence-map.ts';
import type { Processor, Replay } from '../../../pipelines/runtime/processor.ts';
import {
  BUILT_IN_POLICIES,
  type Policy,
  defaultPolicy,
  parsePolicy,
  policyText,
} from '../../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../../pipelines/scoring/scoring-processor.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { ConfidenceCalibration, ModelId, PolicyApplied } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { proposalOf } from '../../fixtures/calibration-record.ts';

const SNAPSHOTS = TOPICS.positionSnapshot.name;
const APPLIED = TOPICS.policyApplied.name;
const CALIBRATION = TOPICS.confidenceCalibration.name;
const BY_ADA = { by: 'Ada', reason: 'test', at: 1_770_000_000_000 };
const LEGACY = BUILT_IN_POLICIES.get('legacy') ?? defaultPolicy();

let codec: RecordCodec;
beforeAll(async () => {
  codec = await RecordCodec.open(await MemoryRegistry.withOwnSchemas());
});

function at(topic: string, offset: number, partition = 2): LogRecord {
  return { topic, partition, offset, timestamp: 1000 + offset, key: null, value: null, headers: [] };
}

/** One scoring process, whose outputs are on the log only where a test says so. */
class Scorer {
  readonly #processor: Processor;
  readonly #versions = new CalibrationVersions();

  constructor(policy: Policy = defaultPolicy()) {
    this.#processor = scoringProcessor({ writer: new TopicWriter('scoring', codec), policy });
  }

  /** A batch of good snapshots with these offsets, or one that is poison where an offset is negative. */
  async batch(offsets: readonly number[], partition = 2): Promise<readonly EncodedRecord[]> {
    const records = offsets.map((offset) => {
      const record = offset < 0 ? aSnapshot({ r: 9 }, { initial_stop_price: 100 }) : aSnapshot({ r: 9 });
      return { topic: SNAPSHOTS, record, at: at(SNAPSHOTS, Math.abs(offset), partition) };
    });
    return this.#processor.process(records, () => Promise.resolve());
  }

  decide(record: ConfidenceCalibration): void {
    this.#versions.apply(record);
    this.#processor.onBroadcast?.({ topic: CALIBRATION, record, at: at(CALIBRATION, 0) });
  }

  approve(version: string, model = 'ensemble-7'): void {
    this.decide(proposalOf(version, { model_id: model as ModelId }));
    this.decide(approval(this.#versions, version, BY_ADA, false));
  }

  rollBack(version: string): void {
    this.decide(rollback(this.#versions, version, BY_ADA));
  }

  /** As after an assignment, with this on the log. */
  async restore(log: readonly EncodedRecord[]): Promise<void> {
    const records = appliedIn(log).map((record, offset) => ({ record, at: at(APPLIED, offset) }));
    await this.#processor.restore?.((() => iterated(records)) as Replay);
  }
}

function appliedIn(outputs: readonly EncodedRecord[]): readonly PolicyApplied[] {
  return outputs.filter(({ topic }) => topic === APPLIED).map((one) => codec.decode(APPLIED, one));
}

async function* iterated<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const brief = (outputs: readonly EncodedRecord[]) =>
  appliedIn(outputs).map(({ policy, input, calibrations }) =>
    [policy, input.offset, ...calibrations.map(({ version }) => version)].join(' '),
  );

describe('policy.applied', () => {
  it('SCO-18, SCO-19: comes before the first intents of each partition, names the first snapshot, and does not come again', async () => {
    const scorer = new Scorer();
    const outputs = await scorer.batch([7, 8, 9]);
    expect(outputs.map(({ topic }) => topic)).toEqual([APPLIED, ...Array<string>(3).fill('harvest.intent')]);
    const policy = defaultPolicy();
    expect(appliedIn(outputs)).toMatchObject([
      {
        scope: `${SNAPSHOTS}/2`,
        policy: policy.id,
        policy_json: policyText(policy),
        calibrations: [],
        input: { topic: SNAPSHOTS, partition: 2, offset: 7 },
        observed_at: aSnapshot().observed_at,
      },
    ]);
    expect(outputs[0]?.timestamp).toBe(1007);
    expect(brief(await scorer.batch([10, 11]))).toEqual([]);
    expect(brief(await scorer.batch([3], 4))).toEqual(['2026-02-07 3']);
    expect(brief(await scorer.batch([12]))).toEqual([]);
  });

  it('a policy that holds everything leaves this record and no other', async () => {
    const outputs = await new Scorer({ ...defaultPolicy(), id: 'never-closes', rules: [] }).batch([0, 1, 2]);
    expect(outputs).toHaveLength(1);
    expect(brief(outputs)).toEqual(['never-closes 0']);
  });

  it('SCO-18: records a map that was approved or rolled back, models in order, and no proposal', async () => {
    const scorer = new Scorer();
    await scorer.batch([0]);
    scorer.decide(proposalOf('cal-9'));
    expect(brief(await scorer.batch([1]))).toEqual([]);
    scorer.approve('cal-1');
    scorer.approve('cal-2', 'another');
    expect(brief(await scorer.batch([2]))).toEqual(['2026-02-07 2 cal-2 cal-1']);
    expect(brief(await scorer.batch([3]))).toEqual([]);
    scorer.rollBack('cal-1');
    expect(brief(await scorer.batch([4]))).toEqual(['2026-02-07 4 cal-2']);
  });

  it('SCO-20: where a snapshot makes the batch fail, the first one that is decided is recorded', async () => {
    const scorer = new Scorer();
    await expect(scorer.batch([-5, 6, 7])).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    await expect(scorer.batch([-5])).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    expect(brief(await scorer.batch([6]))).toEqual(['2026-02-07 6']);
    expect(brief(await scorer.batch([7]))).toEqual([]);
  });

  it('SCO-21, SCO-22: a redelivered batch gives equal records, as a whole or from its middle', async () => {
    const scorer = new Scorer();
    const once = await scorer.batch([0, 1]);
    scorer.approve('cal-1');
    const changed = await scorer.batch([2, 3]);
    const [again, other] = [await scorer.batch([2, 3]), new Scorer()];
    expect(again).toEqual(changed);
    other.approve('cal-1');
    expect(await other.batch([2, 3])).toEqual(changed);
    // Back to before the change: the earlier snapshots are decided on with the map, too.
    expect(brief(await scorer.batch([1]))).toEqual(['2026-02-07 1 cal-1']);
    expect(brief(await scorer.batch([2, 3]))).toEqual([]);
    expect(once).toHaveLength(3);
  });

  it('SCO-18: after a start or an assignment the latest record on the log counts, whoever wrote it', async () => {
    const log = [...(await new Scorer().batch([0]))];
    const same = new Scorer();
    await same.restore(log);
    expect(brief(await same.batch([5]))).toEqual([]);
    const legacy = new Scorer(LEGACY);
    await legacy.restore(log);
    log.push(...(await legacy.batch([6])));
    expect(brief(log)).toEqual(['2026-02-07 0', 'legacy 6']);
    // The partition comes back to the first scorer, whose own record is no longer the latest.
    await same.restore(log);
    expect(brief(await same.batch([9]))).toEqual(['2026-02-07 9']);
  });

  it('the canonical text of a policy does not depend on the order of its file, and parses to the same policy', () => {
    const policy = defaultPolicy();
    const reversed = Object.fromEntries(Object.entries(policy).toReversed()) as unknown as Policy;
    expect(policyText(reversed)).toBe(policyText(policy));
    expect(parsePolicy(JSON.parse(policyText(policy)), 'recorded')).toEqual(policy);
    expect(policyText({ ...policy, description: '' })).not.toBe(policyText(policy));
  });

  it('a policy that is too long for the record is refused before it decides anything', () => {
    const any_factor = Array<'old'>(30_000).fill('old');
    const endless: Policy = { ...LEGACY, rules: [{ name: 'all', when: { any_factor }, action: 'CLOSE' }] };
    expect(() => new Scorer(endless)).toThrow(/policy legacy: its JSON has \d+ characters, at most 131072/);
  });
});
