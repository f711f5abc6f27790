import { describe, expect, it } from 'vitest';
import { BUILT_IN_POLICIES, type Policy, defaultPolicy, policyText } from '../../../pipelines/scoring/policy.ts';
import { PolicyHistory, appliedVersion } from '../../../pipelines/scoring/policy-history.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { ModelId } from '../../../schemas/generated/records.ts';
import { policyDigestOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const TOPIC = TOPICS.positionSnapshot.name;
const RAW = null;

function named(id: string): Policy {
  return { ...defaultPolicy(), id };
}

/** Records of policy.applied as [policy, first offset, version, partition], in the order of the log. */
function historyOf(
  ...records: readonly (readonly [id: string, offset: number, version?: string | null, partition?: number])[]
) {
  const history = new PolicyHistory();
  records.forEach(([id, offset, version = RAW, partition = 3], index) => {
    const text = policyText(named(id));
    const record = {
      ...GOOD_RECORDS[TOPICS.policyApplied.name],
      scope: `${TOPIC}/${partition}`,
      policy: id,
      policy_json: text,
      policy_digest: policyDigestOf(text),
      calibrations: version === null ? [] : [{ model_id: 'ensemble-7' as ModelId, version }],
      input: { topic: TOPIC, partition, offset },
    };
    history.add(record, place(index));
  });
  return history;
}

function place(index: number): LogRecord {
  const at = { topic: TOPICS.policyApplied.name, partition: 0, offset: index, timestamp: 1000 + index };
  return { ...at, key: null, value: null, headers: [] };
}

const at = (offset: number, partition = 3) => ({ topic: TOPIC, partition, offset });
const names = (policy: string, calibration_version: string | null = RAW) => ({
  policy,
  model_id: 'ensemble-7',
  calibration_version,
});

describe('PolicyHistory', () => {
  it('SCO-15: from its first snapshot on a policy applies to a partition, until the next one does', () => {
    const history = historyOf(['a', 10], ['b', 20], ['c', 0, RAW, 4]);
    const inForce = (offset: number, partition?: number) =>
      history.inForceAt(at(offset, partition))?.record.policy ?? null;
    expect([0, 9, 10, 19, 20, 999].map((offset) => inForce(offset))).toEqual([null, null, 'a', 'a', 'b', 'b']);
    expect([inForce(5, 4), inForce(5, 5)]).toEqual(['c', null]);
  });

  it('SCO-15: redelivered snapshots were decided on anew, and so were those after them', () => {
    const history = historyOf(['a', 0], ['b', 100], ['a', 90]);
    expect([80, 95, 100, 500].map((offset) => history.inForceAt(at(offset))?.at.offset)).toEqual([0, 2, 2, 2]);
  });

  it('SCO-16: a record that comes twice changes nothing', () => {
    const history = historyOf(['a', 10], ['a', 10], ['b', 20]);
    expect(history.inForceAt(at(15))?.record).toEqual(historyOf(['a', 10], ['b', 20]).inForceAt(at(15))?.record);
    expect(history.inForceAt(at(9))).toBeNull();
  });

  it('SCO-17: finds what a decision that names policy and map rests on, and nothing that began after it', () => {
    const history = historyOf(['a', 0], ['a', 10, 'cal-1'], ['b', 20, 'cal-1'], ['a', 30]);
    const decided = (offset: number, ...name: Parameters<typeof names>) =>
      history.decidedBy(at(offset), names(...name))?.at.offset ?? null;
    expect(decided(25, 'b', 'cal-1')).toBe(2);
    // Still possible, though a later record has begun: 25 may have been redelivered.
    expect([decided(25, 'a', 'cal-1'), decided(25, 'a')]).toEqual([1, 0]);
    expect([decided(19, 'b', 'cal-1'), decided(25, 'b'), decided(25, 'c', 'cal-1')]).toEqual([null, null, null]);
    expect(history.policyAt(at(25), 'a')?.at.offset).toBe(1);
  });

  it('the policy in force last is the latest by time over all partitions', () => {
    const history = historyOf(['a', 500], ['b', 3, RAW, 4], ['c', 7, RAW, 5], ['c', 600]);
    expect(history.latest()?.record).toMatchObject({ policy: 'c', scope: `${TOPIC}/3` });
    expect([...history.byId().keys()].toSorted()).toEqual(['a', 'b', 'c']);
    expect(new PolicyHistory().latest()).toBeNull();
  });

  it('gives the policy itself, or null where a newer program wrote it', () => {
    const history = historyOf(['a', 0]);
    expect(history.latest()?.content).toEqual(named('a'));
    const text = JSON.stringify({ ...BUILT_IN_POLICIES.get('legacy'), id: 'new', horizon: 4 });
    const record = { ...GOOD_RECORDS[TOPICS.policyApplied.name], policy: 'new', policy_json: text };
    history.add({ ...record, policy_digest: policyDigestOf(text) }, place(9));
    expect(history.latest()).toMatchObject({ record: { policy: 'new' }, content: null });
  });

  it('a model without a map has no version', () => {
    const { record } = historyOf(['a', 0, 'cal-1']).latest() ?? {};
    if (record === undefined) throw new Error('no record');
    expect([
      appliedVersion(record, 'ensemble-7'),
      appliedVersion(record, 'other'),
      appliedVersion(record, null),
    ]).toEqual(['cal-1', null, null]);
  });
});
