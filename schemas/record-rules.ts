/**
 * What a schema cannot say: the rules over several fields of one record, by topic. They are checked whenever a record is written or read.
 * Those of decisions and of trades are in files of their own.
 */
import type { Problem } from '../errors/harvestline-error.ts';
import { type RecordRule, compileCheck, isGiven, withRules } from './check-record.ts';
import { INTENT_RULES, POLICY_RULES, SHADOW_RULES, SNAPSHOT_RULES } from './decision-rules.ts';
import type { ConfidenceCalibration, DeskClaim, LetterDiscarded, RecordByTopic } from './generated/records.ts';
import { letterIdOf } from './ids.ts';
import { type Topic, type TopicName, TOPICS, loadSchema } from './topics.ts';
import { OUTCOME_RULES, RECONCILED_RULES, REPORT_RULES, TRADE_RULES } from './trade-rules.ts';

type RulesByTopic = { readonly [N in TopicName]: readonly RecordRule<RecordByTopic[N]>[] };

const CALIBRATION_RULES: readonly RecordRule<ConfidenceCalibration>[] = [
  {
    id: 'K1',
    path: 'map',
    needs: ['map'],
    violation: ({ map: { x, y } }) => {
      if (x.length === 0 || x.length !== y.length)
        return `must have as many y as x and at least one, found ${x.length} x and ${y.length} y`;
      const at = x.findIndex((value, index) => index > 0 && value <= (x[index - 1] ?? -Infinity));
      return at === -1 ? null : `x must ascend strictly, found x[${at}] ${x[at]} after ${x[at - 1]}`;
    },
  },
  {
    id: 'K2',
    path: 'decided_by',
    needs: ['status', 'decided_by', 'reason'],
    violation: ({ status, decided_by, reason }) =>
      status === 'PROPOSED' || (isGiven(decided_by) && isGiven(reason))
        ? null
        : `must be given for ${status}, with a reason`,
  },
  {
    id: 'K3',
    path: 'overridden',
    needs: ['status', 'overridden', 'broken_bounds'],
    violation: ({ status, overridden, broken_bounds }) => {
      const missing = broken_bounds.filter((name) => !overridden.includes(name));
      return status === 'APPROVED' && missing.length > 0
        ? `must name every bound that does not hold, ${missing.join(', ')} is missing`
        : null;
    },
  },
  {
    id: 'K4',
    path: 'restores',
    needs: ['status', 'restores'],
    violation: ({ status, restores }) =>
      status !== 'ROLLED_BACK' && isGiven(restores) ? `must be null for ${status}` : null,
  },
];

const CLAIM_RULES: readonly RecordRule<DeskClaim>[] = [
  {
    id: 'DC1',
    path: 'reason',
    needs: ['state', 'reason'],
    violation: ({ state, reason }) => (state === 'RETIRED' && !isGiven(reason) ? 'must be given for RETIRED' : null),
  },
  {
    id: 'DC2',
    path: 'standing',
    needs: ['standing', 'by_default'],
    violation: ({ standing, by_default }) => (standing && by_default ? 'must be false where by_default is true' : null),
  },
];

const DISCARDED_RULES: readonly RecordRule<LetterDiscarded>[] = [
  {
    id: 'LD1',
    path: 'letter_id',
    needs: ['letter_id', 'topic', 'partition', 'offset'],
    violation: ({ letter_id, topic, partition, offset }) => {
      const id = letterIdOf({ topic, partition, offset });
      return letter_id === id ? null : `must be ${id}, found ${letter_id}`;
    },
  },
];

export const RECORD_RULES: RulesByTopic = {
  [TOPICS.modelSignal.name]: [],
  [TOPICS.positionSnapshot.name]: SNAPSHOT_RULES,
  [TOPICS.harvestIntent.name]: INTENT_RULES,
  [TOPICS.executionReport.name]: REPORT_RULES,
  [TOPICS.tradeClosed.name]: TRADE_RULES,
  [TOPICS.clmOutcome.name]: OUTCOME_RULES,
  [TOPICS.confidenceCalibration.name]: CALIBRATION_RULES,
  [TOPICS.positionReconciled.name]: RECONCILED_RULES,
  [TOPICS.deskControl.name]: [],
  [TOPICS.deskClaim.name]: CLAIM_RULES,
  [TOPICS.deskProcess.name]: [],
  [TOPICS.shadowDecision.name]: SHADOW_RULES,
  [TOPICS.policyApplied.name]: POLICY_RULES,
  [TOPICS.letterDiscarded.name]: DISCARDED_RULES,
  [TOPICS.deskAlert.name]: [],
  [TOPICS.notifyDelivered.name]: [],
};

/**
 * The same check without a registry or bytes, for records that arrive as JSON. `topic`'s schema is read once; the
 * returned function gives every problem of a value, none for a good one.
 */
export function recordChecker<N extends TopicName>(
  topic: Topic & { readonly name: N },
): (value: unknown) => readonly Problem[] {
  const check = compileCheck(loadSchema(topic));
  const rules = RECORD_RULES[topic.name] as readonly RecordRule<never>[];
  return (value) => withRules(check(value), rules, value);
}
