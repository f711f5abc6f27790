import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AppliedCalibration, PolicyApplied, PositionSnapshot } from '../../schemas/generated/records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { CalibrationVersions } from './confidence-map.ts';
import type { Replay } from '../runtime/processor.ts';
import { type Policy, policyText } from './policy.ts';

/** The bound of policy.applied's policy_json: in any alphabet a record of that size fits into what brokers accept. Unit: UTF-16 code units. */
const MAX_TEXT = 131_072;

/** The latest record of a partition. */
interface LastRecord {
  /** Of the first snapshot that it applies to. */
  readonly offset: number;
  readonly basis: string;
}

/** A record that is to be written before the decisions of a batch. */
export interface Due {
  readonly output: EncodedRecord;
  readonly scope: string;
  readonly last: LastRecord;
}

/**
 * Records on policy.applied which policy and which confidence maps decisions are made with. A HOLD leaves no record of its own, so this is the only
 * trace of how it came about.
 *
 * SCO-18  A record is due before the first decisions of a partition, and before the first ones after the policy or a map in force has
 *         changed; not again while nothing changes, restarts included: the latest records are read back from the topic.
 * SCO-19  It names the first snapshot of its batch. It is an output of that batch, so it is on the log before the intents, and committed
 *         with them.
 * SCO-20  It counts as recorded once its whole batch is decided. Where a snapshot makes the batch fail, the next try records it anew.
 * SCO-21  Redelivered snapshots, from the one that the latest record names or from before it, are recorded again: the same snapshots by an
 *         equal record.
 */
export class PolicyRecorder {
  readonly #writer: TopicWriter;
  readonly #policy: Pick<PolicyApplied, 'policy' | 'policy_json' | 'policy_digest'>;
  #calibrations: readonly AppliedCalibration[] = [];
  /** Of the policy and the maps in force. */
  #basis: string;
  /** By scope. An assignment replaces it as a whole: another member may have recorded something else since. */
  #last = new Map<string, LastRecord>();

  /** Throws POLICY_INVALID where the policy is too long to be recorded. */
  constructor(writer: TopicWriter, policy: Policy) {
    const text = policyText(policy);
    if (text.length > MAX_TEXT)
      throw new HarvestlineError(
        'POLICY_INVALID',
        `policy ${policy.id}: its JSON has ${text.length} characters, at most ${MAX_TEXT} can be recorded`,
      );
    this.#writer = writer;
    this.#policy = { policy: policy.id, policy_json: text, policy_digest: policyDigestOf(text) };
    this.#basis = basisOf(this.#policy.policy_digest, []);
  }

  /** Reads the latest record of every partition back (SCO-18). */
  async restore(replay: Replay): Promise<void> {
    const last = new Map<string, LastRecord>();
    for await (const { record } of replay(TOPICS.policyApplied.name)) {
      const { scope, input, policy_digest, calibrations } = record;
      last.set(scope, { offset: input.offset, basis: basisOf(policy_digest, calibrations) });
    }
    this.#last = last;
  }

  calibrationsChanged(versions: CalibrationVersions): void {
    this.#calibrations = versions
      .allInForce()
      .map(({ model_id, version }) => ({ model_id, version }))
      .toSorted((one, other) => (one.model_id < other.model_id ? -1 : 1));
    this.#basis = basisOf(this.#policy.policy_digest, this.#calibrations);
  }

  /** The record that is due before the decisions of a batch whose first snapshot this is; null: none is. */
  due(snapshot: PositionSnapshot, { topic, partition, offset, timestamp }: LogRecord): Due | null {
    const scope = `${topic}/${partition}`;
    const last = this.#last.get(scope);
    if (last !== undefined && last.basis === this.#basis && last.offset < offset) return null;
    const record: PolicyApplied = {
      scope,
      ...this.#policy,
      calibrations: this.#calibrations,
      input: { topic, partition, offset },
      observed_at: snapshot.observed_at,
    };
    const output = this.#writer.encode(TOPICS.policyApplied, record, timestamp);
    return { output, scope, last: { offset, basis: this.#basis } };
  }

  /** The whole batch of a due record is decided (SCO-20). */
  recorded({ scope, last }: Due): void {
    this.#last.set(scope, last);
  }
}

/** A text that is equal where policy and maps are equal. */
function basisOf(digest: string, calibrations: readonly AppliedCalibration[]): string {
  return JSON.stringify([digest, ...calibrations.map(({ model_id, version }) => [model_id, version])]);
}
