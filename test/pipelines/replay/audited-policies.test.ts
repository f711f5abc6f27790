import { describe, expect, it } from 'vitest';
import { AuditedPolicies } from '../../../pipelines/replay/audited-policies.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import { PolicyHistory } from '../../../pipelines/scoring/policy-history.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { ModelId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const SNAPSHOTS = TOPICS.positionSnapshot.name;
const MODEL = 'ensemble-7' as ModelId;
const APPLIED = GOOD_RECORDS[TOPICS.policyApplied.name];

function at(topic: string, offset: number): LogRecord {
  return { topic, partition: 3, offset, timestamp: offset, key: null, value: null, headers: [] };
}

/** Records of policy.applied, each from a snapshot on, with the map of the model that was in force. */
function auditOf(...applied: readonly (readonly [from: number, version: string | null])[]): AuditedPolicies {
  const history = new PolicyHistory();
  for (const [offset, [from, version]] of applied.entries()) {
    const input = { topic: SNAPSHOTS, partition: 3, offset: from };
    const calibrations = version === null ? [] : [{ model_id: MODEL, version }];
    history.add({ ...APPLIED, scope: `${SNAPSHOTS}/3`, input, calibrations }, at(TOPICS.policyApplied.name, offset));
  }
  return new AuditedPolicies({ history, unreadable: 0 }, BUILT_IN_POLICIES);
}

describe('policies by which intents are audited', () => {
  it('RPL-5: an intent without a confidence may come before or after a change, and accuses none that follows', () => {
    // Snapshots from 20 on were decided on without a map, came again, and were decided on with one.
    const audit = auditOf([0, null], [20, 'cal-1']);
    const differencesOf = (offset: number, model_id: ModelId | null, calibration_version: string | null) =>
      audit.basisOf(
        {
          ...GOOD_RECORDS[TOPICS.harvestIntent.name],
          policy: APPLIED.policy,
          model_id,
          calibration_version,
          input: { topic: SNAPSHOTS, partition: 3, offset },
        },
        at(TOPICS.harvestIntent.name, offset),
      ).differences;
    expect(differencesOf(21, null, null)).toEqual([]);
    expect(differencesOf(22, MODEL, null)).toEqual([]);
    expect(differencesOf(21, null, null)).toEqual([]);
    expect(differencesOf(22, MODEL, 'cal-1')).toEqual([]);
    expect(differencesOf(23, MODEL, null)).toEqual([
      { path: 'calibration_version', recorded: null, recomputed: 'cal-1' },
    ]);
  });
});
