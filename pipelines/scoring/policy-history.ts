/** Which policies were in force when, as policy.applied records it. */
import { isKind, formatCoordinates } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { InputCoordinates, PolicyApplied } from '../../schemas/generated/records.ts';
import { type Policy, parsePolicy, defaultPolicy } from './policy.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { printable } from '../../render/terminal.ts';

/** A record of policy.applied, and the policy in it. */
export interface AppliedPolicy {
  readonly record: PolicyApplied;
  readonly at: LogRecord;
  /** Null where a newer program wrote it in a form that this one does not know. */
  readonly content: Policy | null;
}

type Snapshot = Pick<InputCoordinates, 'topic' | 'partition' | 'offset'>;

/** The policy and the confidence map that a decision names. */
interface DecidedWith {
  readonly policy: string;
  readonly model_id: string | null;
  readonly calibration_version: string | null;
}

/**
 * The records of policy.applied, by the snapshots that they apply to.
 *
 * SCO-15  To a snapshot applies the last record of its partition, in the order of the log, that begins at the snapshot or before it. A record that
 *         begins earlier than the one before it belongs to redelivered snapshots, which were decided on anew.
 * SCO-16  A record that comes twice changes nothing.
 * SCO-17  Around a change a snapshot may therefore have been decided on twice, once by either policy, and its intent may come from either. A
 *         policy that began after a snapshot never decided on it.
 */
export class PolicyHistory {
  /** By scope, in the order of the log. */
  readonly #applied = new Map<string, AppliedPolicy[]>();
  /** By digest: most records repeat a policy. */
  readonly #contents = new Map<string, Policy | null>();

  /** Records of a scope come in the order of the log. */
  add(record: PolicyApplied, at: LogRecord): void {
    const { scope, policy_digest: digest } = record;
    let content = this.#contents.get(digest);
    // Null counts as read.
    if (content === undefined) this.#contents.set(digest, (content = contentOf(record)));
    const known = this.#applied.get(scope);
    if (known === undefined) this.#applied.set(scope, [{ record, at, content }]);
    else known.push({ record, at, content });
  }

  /** The record that applies to a snapshot (SCO-15); null where there is none yet. */
  inForceAt(snapshot: Snapshot): AppliedPolicy | null {
    return this.#findLast(snapshot, () => true);
  }

  /** The last record of the policy and map that a decision on this snapshot names (SCO-17); null where none can have made it. */
  decidedBy(snapshot: Snapshot, decision: DecidedWith): AppliedPolicy | null {
    return this.#findLast(snapshot, (applied) => isNamedBy(decision, applied));
  }

  /** The first such record at or after an offset of policy.applied. */
  firstDecidedBy({ topic, partition, offset }: Snapshot, decision: DecidedWith, from: number): AppliedPolicy | null {
    const applied = this.#applied.get(`${topic}/${partition}`) ?? [];
    return (
      applied.find((one) => one.at.offset >= from && one.record.input.offset <= offset && isNamedBy(decision, one)) ??
      null
    );
  }

  /** The latest policy of that id that began at the snapshot or before it. */
  policyAt(snapshot: Snapshot, policy: string): AppliedPolicy | null {
    return this.#findLast(snapshot, ({ record }) => record.policy === policy);
  }

  /** Every policy that was ever in force, by id; where one id had several contents, the latest. */
  byId(): ReadonlyMap<string, AppliedPolicy> {
    return new Map(this.all().map((applied) => [applied.record.policy, applied]));
  }

  /** The policy that came into force last, by the time of its first snapshot; null where there is none yet. */
  latest(): AppliedPolicy | null {
    const lastOfEach = [...this.#applied.values()].flatMap((applied) => applied.slice(-1));
    return lastOfEach.toSorted((one, other) => one.at.timestamp - other.at.timestamp).at(-1) ?? null;
  }

  /** In the order of time. */
  all(): readonly AppliedPolicy[] {
    return [...this.#applied.values()].flat().toSorted((one, other) => one.at.timestamp - other.at.timestamp);
  }

  #findLast(
    { topic, partition, offset }: Snapshot,
    matches: (applied: AppliedPolicy) => boolean,
  ): AppliedPolicy | null {
    const applied = this.#applied.get(`${topic}/${partition}`) ?? [];
    return applied.findLast((one) => one.record.input.offset <= offset && matches(one)) ?? null;
  }
}

function isNamedBy({ policy, model_id, calibration_version }: DecidedWith, { record }: AppliedPolicy): boolean {
  return record.policy === policy && appliedVersion(record, model_id) === calibration_version;
}

export interface ReadHistory {
  readonly history: PolicyHistory;
  /** Records that do not decode, or whose policy does not have their digest; the history lacks them. */
  readonly unreadable: number;
}

/** The version of the map that was in force for a model; null: raw confidence. */
export function appliedVersion({ calibrations }: PolicyApplied, model: string | null): string | null {
  return calibrations.find(({ model_id }) => model_id === model)?.version ?? null;
}

function contentOf({ policy_json, policy }: PolicyApplied): Policy | null {
  try {
    return parsePolicy(JSON.parse(policy_json), policy);
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return null;
  }
}

/** Reads all of policy.applied. */
export async function readPolicyHistory(topics: ReadableTopics): Promise<ReadHistory> {
  const history = new PolicyHistory();
  const unreadable = await forEachRecord(topics, TOPICS.policyApplied.name, {}, (record, at) =>
    history.add(record, at),
  );
  return { history, unreadable };
}

/** The policy that came into force last on a log. */
interface PolicyInForce {
  readonly policy: Policy;
  /** `default`: the log names none, or one that this program cannot read. */
  readonly source: 'policy.applied' | 'default';
  /** For a person: where the policy comes from. */
  readonly lines: readonly string[];
}

/** The policy that policy.applied names last; the default policy where it names none. */
export async function policyInForce(topics: ReadableTopics): Promise<PolicyInForce> {
  const { history, unreadable } = await readPolicyHistory(topics);
  const { name } = TOPICS.policyApplied;
  const gap =
    unreadable === 0
      ? []
      : [`records of ${name} that cannot be read: ${unreadable}; another policy may have been in force last`];
  const latest = history.latest();
  const assumed = (why: string): PolicyInForce => {
    const policy = defaultPolicy();
    return { policy, source: 'default', lines: [`${policy.id}, the default: ${why}`, ...gap] };
  };
  if (latest === null) return assumed(`${name} tells of none in force`);
  const { record, at, content } = latest;
  const { topic, partition, offset } = at;
  const place = formatCoordinates({ topic, partition, offset });
  if (content === null)
    return assumed(`this program cannot read ${printable(record.policy)}, in force last (${place})`);
  return {
    policy: content,
    source: 'policy.applied',
    lines: [`${printable(record.policy)}, in force last (${place})`, ...gap],
  };
}
