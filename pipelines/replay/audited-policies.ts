import { formatCoordinates } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Policy, BUILT_IN_POLICIES, policyText } from '../scoring/policy.ts';
import { type AppliedPolicy, type PolicyHistory, type ReadHistory, appliedVersion } from '../scoring/policy-history.ts';
import type { Difference } from './audit-intent.ts';

/** The policy and the calibration version that an intent is recomputed by. */
interface Basis {
  /** Null: neither policy.applied nor a given file nor the program has it. */
  readonly policy: Policy | null;
  readonly calibration_version: string | null;
  /** The policy or version that the intent names, where another was in force. */
  readonly differences: readonly Difference[];
}

/**
 * Finds the policy and the calibration version that decided an intent.
 *
 * RPL-4  What policy.applied says was in force counts before what the intent names: an intent that names something else differs, and is
 *        recomputed by what was in force. So an intent cannot hide behind a policy that nobody has.
 * RPL-5  Around a change of policy a redelivered snapshot may have an intent by the earlier policy (SCO-17): it verifies, and is counted.
 *        All such intents come before those by the later policy, so one by the earlier policy that comes after them differs.
 * RPL-6  The content of a policy id is that of a given file, since the auditor trusts it; else as it was recorded; else the program's.
 */
export class AuditedPolicies {
  readonly #history: PolicyHistory;
  readonly #unreadable: number;
  readonly #byId: ReadonlyMap<string, AppliedPolicy>;
  readonly #known: ReadonlyMap<string, Policy>;
  /**
   * Scope -> offset of the record of policy.applied that the latest intent was decided by (RPL-5): the first that it can have been, since one
   * without a confidence names no map, and fits those before a change as well as those after it.
   */
  readonly #latestApplied = new Map<string, number>();
  #superseded = 0;
  #firstSuperseded: LogRecord | null = null;

  /** `known`: built-in and given policies, by id. */
  constructor({ history, unreadable }: ReadHistory, known: ReadonlyMap<string, Policy>) {
    this.#history = history;
    this.#unreadable = unreadable;
    this.#byId = history.byId();
    this.#known = known;
  }

  /** Records of policy.applied that cannot be read. */
  get unreadable(): number {
    return this.#unreadable;
  }

  basisOf(intent: HarvestIntent, at: LogRecord): Basis {
    const { input, policy } = intent;
    const named = {
      policy,
      model_id: intent.model_id ?? null,
      calibration_version: intent.calibration_version ?? null,
    };
    const inForce = this.#history.inForceAt(input);
    if (inForce === null) {
      const recorded = this.#byId.get(policy)?.content ?? null;
      return {
        policy: this.#contentOf(policy, recorded),
        calibration_version: named.calibration_version,
        differences: [],
      };
    }
    const { scope } = inForce.record;
    const decided = this.#history.decidedBy(input, named);
    const first = this.#history.firstDecidedBy(input, named, this.#latestApplied.get(scope) ?? 0);
    if (decided !== null && first !== null) {
      this.#latestApplied.set(scope, first.at.offset);
      if (!decidesAlike(decided, inForce, named.model_id)) this.#countSuperseded(at);
      return {
        policy: this.#contentOf(policy, decided.content),
        calibration_version: named.calibration_version,
        differences: [],
      };
    }
    const { record, content } = inForce;
    const recomputed = { policy: record.policy, calibration_version: appliedVersion(record, named.model_id) };
    const differences = (['policy', 'calibration_version'] as const)
      .map((path) => ({ path, recorded: named[path], recomputed: recomputed[path] }))
      .filter((one) => one.recorded !== one.recomputed);
    return {
      policy: this.#contentOf(record.policy, content),
      calibration_version: recomputed.calibration_version,
      differences,
    };
  }

  /** Findings that are no difference of a single intent. */
  warnings(): readonly string[] {
    const found: string[] = [];
    if (this.#unreadable > 0)
      found.push(
        `records of ${TOPICS.policyApplied.name} that cannot be read: ${this.#unreadable}; what they told is missing`,
      );
    for (const [id, applied] of Map.groupBy(this.#history.all(), ({ record }) => record.policy)) {
      const digests = new Set(applied.map(({ record }) => record.policy_digest));
      if (digests.size > 1) found.push(`policy ${id} was in force with ${digests.size} different contents`);
      const known = this.#known.get(id);
      const other = known === undefined ? undefined : applied.find((one) => !hasContentOf(one, known));
      if (other !== undefined) found.push(`policy ${id} as ${placeText(other.at)} has it is not the ${id} at hand`);
    }
    if (this.#firstSuperseded !== null)
      found.push(
        `intents by what had ceased to be in force before their snapshot: ${this.#superseded}, the first ` +
          `${placeText(this.#firstSuperseded)}; snapshots that came again around a change leave such`,
      );
    return found;
  }

  /** By RPL-6. Null: nobody has it. */
  #contentOf(id: string, recorded: Policy | null): Policy | null {
    const known = this.#known.get(id);
    const isGiven = known !== undefined && known !== BUILT_IN_POLICIES.get(id);
    return (isGiven ? known : (recorded ?? known)) ?? null;
  }

  #countSuperseded(at: LogRecord): void {
    this.#superseded += 1;
    this.#firstSuperseded ??= at;
  }
}

function decidesAlike(one: AppliedPolicy, other: AppliedPolicy, model: string | null): boolean {
  return (
    one.record.policy_digest === other.record.policy_digest &&
    appliedVersion(one.record, model) === appliedVersion(other.record, model)
  );
}

function hasContentOf({ record }: AppliedPolicy, policy: Policy): boolean {
  return record.policy_digest === policyDigestOf(policyText(policy));
}

function placeText({ topic, partition, offset }: LogRecord): string {
  return formatCoordinates({ topic, partition, offset });
}
