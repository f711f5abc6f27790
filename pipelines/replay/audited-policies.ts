import { formatCoordinates } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Policy, BUILT_IN_POLICIES, policyText } from '../scoring/policy.ts';
import { type AppliedPolicy, type PolicyHistory, type ReadHistory, appliedVersion } from '../scoring/policy-history.ts';
import type { Difference } from './audit-intent.ts';

/** What an intent is to be decided by again. */
export interface Basis {
  /** Null where nobody has the policy. */
  readonly policy: Policy | null;
  readonly calibration_version: string | null;
  /** Where the intent names what cannot have decided it. */
  readonly differences: readonly Difference[];
}

/**
 * Finds what decided an intent. Invariants:
 * AD1  Where policy.applied tells what was in force at an intent's snapshot, an intent that names another policy or map differs, and is
 *      decided again by what was in force: naming what nobody has hides nothing.
 * AD2  Around a change a snapshot may have been decided on by both sides (SCO-17): an intent of the earlier one is good, and counted. It comes
 *      before all of the later side: intents are walked in the order of their log, and none may go back to what was overtaken.
 * AD3  Content counts in this order: of a file that was given, since whoever audits trusts it; as it was recorded; as the program has it.
 */
export class AuditedPolicies {
  readonly #history: PolicyHistory;
  readonly #unreadable: number;
  readonly #byId: ReadonlyMap<string, AppliedPolicy>;
  readonly #known: ReadonlyMap<string, Policy>;
  /** AD2. By scope: where the record lies that decided last. */
  readonly #reached = new Map<string, number>();
  #overtaken = 0;
  #firstOvertaken: LogRecord | null = null;

  /** `known`: those that the program has and those that were given, by id. */
  constructor({ history, unreadable }: ReadHistory, known: ReadonlyMap<string, Policy>) {
    this.#history = history;
    this.#unreadable = unreadable;
    this.#byId = history.byId();
    this.#known = known;
  }

  /** Records that cannot be read. */
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
    const decided = this.#history.decidedBy(input, named);
    if (decided !== null && decided.at.offset >= (this.#reached.get(decided.record.scope) ?? 0)) {
      this.#reached.set(decided.record.scope, decided.at.offset);
      if (!sameFor(decided, inForce, named.model_id)) this.#countOvertaken(at);
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

  /** What is no difference of any intent, and still worth a look. */
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
      const other = known === undefined ? undefined : applied.find((one) => !isOf(one, known));
      if (other !== undefined) found.push(`policy ${id} as ${placeText(other.at)} has it is not the ${id} at hand`);
    }
    if (this.#firstOvertaken !== null)
      found.push(
        `intents by what had ceased to be in force before their snapshot: ${this.#overtaken}, the first ` +
          `${placeText(this.#firstOvertaken)}; snapshots that came again around a change leave such`,
      );
    return found;
  }

  /** AD3. */
  #contentOf(id: string, recorded: Policy | null): Policy | null {
    const known = this.#known.get(id);
    const isGiven = known !== undefined && known !== BUILT_IN_POLICIES.get(id);
    return (isGiven ? known : (recorded ?? known)) ?? null;
  }

  /** AD2. */
  #countOvertaken(at: LogRecord): void {
    this.#overtaken += 1;
    this.#firstOvertaken ??= at;
  }
}

function sameFor(one: AppliedPolicy, other: AppliedPolicy, model: string | null): boolean {
  return (
    one.record.policy_digest === other.record.policy_digest &&
    appliedVersion(one.record, model) === appliedVersion(other.record, model)
  );
}

function isOf({ record }: AppliedPolicy, policy: Policy): boolean {
  return record.policy_digest === policyDigestOf(policyText(policy));
}

function placeText({ topic, partition, offset }: LogRecord): string {
  return formatCoordinates({ topic, partition, offset });
}
