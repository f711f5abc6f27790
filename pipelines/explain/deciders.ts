import { type AppliedPolicy, type ReadHistory, appliedVersion } from '../scoring/policy-history.ts';
import { type Policy, BUILT_IN_POLICIES, defaultPolicy, policyText } from '../scoring/policy.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';
import { type ReadIntents, policyAt, versionAt } from './read-intents.ts';

/** What a decision rests on. */
export interface Decider {
  /** Its id. */
  readonly policy: string;
  /** Null where neither the log nor the program has the policy of that id. */
  readonly content: Policy | null;
  readonly calibration_version: string | null;
  /** True where no record tells for certain: nothing was told of the snapshot, or scoring has not got to it, or --policy says otherwise. */
  readonly assumed: boolean;
}

export interface DecidersOptions extends ReadHistory {
  /** By partition: the first snapshot that scoring had not committed before the intents were read. */
  readonly scoredTo: ReadonlyMap<number, number>;
  readonly intents: ReadIntents;
  /** Decides wherever no intent tells. */
  readonly given: Policy | null;
}

/**
 * Who decided, to look it up for one snapshot after the other. Invariants:
 * DE1  An intent names who decided; else policy.applied tells; else the nearest intents are gone by, and that is assumed.
 * DE2  What scoring has not committed, and all where policy.applied cannot be read whole, is assumed: a record may be missing.
 * DE3  The content of an id is what was recorded, before what a file or the program says of that id.
 */
export class Deciders {
  readonly #options: DecidersOptions;
  readonly #byId: ReadonlyMap<string, AppliedPolicy>;
  readonly #givenDigest: string | null;

  constructor(options: DecidersOptions) {
    const { history, given } = options;
    this.#options = options;
    this.#byId = history.byId();
    this.#givenDigest = given === null ? null : policyDigestOf(policyText(given));
  }

  of(snapshot: PositionSnapshot, at: LogRecord, intent: HarvestIntent | undefined): Decider {
    if (intent !== undefined) {
      const { policy, calibration_version } = intent;
      return { policy, content: this.#contentOf(policy, at), calibration_version, assumed: false };
    }
    const { history, unreadable, scoredTo, intents, given } = this.#options;
    const applied = history.inForceAt(at);
    const version =
      applied === null
        ? versionAt(intents.versions, snapshot.model_id, at.timestamp)
        : appliedVersion(applied.record, snapshot.model_id);
    const recorded = applied?.content ?? null;
    const certain = recorded !== null && unreadable === 0 && at.offset < (scoredTo.get(at.partition) ?? 0);
    if (given === null) return decider(recorded ?? this.#nearest(at), version, !certain);
    return decider(given, version, !certain || applied?.record.policy_digest !== this.#givenDigest);
  }

  /** That of the nearest intents, else the default. */
  #nearest(at: LogRecord): Policy {
    const named = policyAt(this.#options.intents.policies, at.timestamp);
    return (named === null ? null : this.#contentOf(named, at)) ?? defaultPolicy();
  }

  /** DE3. */
  #contentOf(id: string, at: LogRecord): Policy | null {
    const { history, given } = this.#options;
    const recorded = (history.policyAt(at, id) ?? this.#byId.get(id))?.content;
    return recorded ?? (given?.id === id ? given : (BUILT_IN_POLICIES.get(id) ?? null));
  }
}

function decider(content: Policy, calibration_version: string | null, assumed: boolean): Decider {
  return { policy: content.id, content, calibration_version, assumed };
}
