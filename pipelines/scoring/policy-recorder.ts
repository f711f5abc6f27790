import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AppliedCalibration, PolicyApplied, PositionSnapshot } from '../../schemas/generated/records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { CalibrationVersions } from './confidence-map.ts';
import type { Replay } from '../runtime/processor.ts';
import { type Policy, policyText } from './policy.ts';

/** The bound of policy.applied's policy_json. In any alphabet it fits a record that a broker takes. Unit: UTF-16 code units. */
const MAX_TEXT = 131_072;

/** What was told of a partition last. */
interface Told {
  /** The first snapshot it applies to. */
  readonly offset: number;
  readonly rests: string;
}

/** A record that belongs before the decisions of some snapshots. */
export interface Due {
  readonly output: EncodedRecord;
  readonly scope: string;
  readonly told: Told;
}

/**
 * Tells on policy.applied what decisions rest on. A HOLD leaves no record, so without it nobody could say later how one came about.
 * Invariants:
 * SCO-18  A record is due before the first decisions of a partition, and before the first ones after the policy or a map in force
 *      has changed; not again while nothing changes, restarts included: what was told is read back from the topic.
 * SCO-19  It names the first of the snapshots that are decided on together with it. It is an output of theirs, so it is on the log before
 *      their intents, and committed with them.
 * SCO-20  It is told only once its snapshots are decided. Where one of them made the batch fail, the next try tells anew.
 * SCO-21  Snapshots that come again, from the told one or from before it, are told of again: the same ones by an equal record.
 */
export class PolicyRecorder {
  readonly #writer: TopicWriter;
  readonly #policy: Pick<PolicyApplied, 'policy' | 'policy_json' | 'policy_digest'>;
  #calibrations: readonly AppliedCalibration[] = [];
  #rests: string;
  /** By scope. Replaced as a whole by an assignment: another member may have told something else since. */
  #told = new Map<string, Told>();

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
    this.#rests = restsOn(this.#policy.policy_digest, []);
  }

  /** SCO-18. */
  async restore(replay: Replay): Promise<void> {
    const told = new Map<string, Told>();
    for await (const { record } of replay(TOPICS.policyApplied.name)) {
      const { scope, input, policy_digest, calibrations } = record;
      told.set(scope, { offset: input.offset, rests: restsOn(policy_digest, calibrations) });
    }
    this.#told = told;
  }

  calibrationsChanged(versions: CalibrationVersions): void {
    this.#calibrations = versions
      .allInForce()
      .map(({ model_id, version }) => ({ model_id, version }))
      .toSorted((one, other) => (one.model_id < other.model_id ? -1 : 1));
    this.#rests = restsOn(this.#policy.policy_digest, this.#calibrations);
  }

  /** The record that is due before a decision on `snapshot`, the first of those that are decided on together; null: it was told. */
  due(snapshot: PositionSnapshot, { topic, partition, offset, timestamp }: LogRecord): Due | null {
    const scope = `${topic}/${partition}`;
    const told = this.#told.get(scope);
    if (told !== undefined && told.rests === this.#rests && told.offset < offset) return null;
    const record: PolicyApplied = {
      scope,
      ...this.#policy,
      calibrations: this.#calibrations,
      input: { topic, partition, offset },
      observed_at: snapshot.observed_at,
    };
    const output = this.#writer.encode(TOPICS.policyApplied, record, timestamp);
    return { output, scope, told: { offset, rests: this.#rests } };
  }

  /** SCO-20. */
  wasTold({ scope, told }: Due): void {
    this.#told.set(scope, told);
  }
}

/** Equal where policy and maps are. */
function restsOn(digest: string, calibrations: readonly AppliedCalibration[]): string {
  return JSON.stringify([digest, ...calibrations.map(({ model_id, version }) => [model_id, version])]);
}
