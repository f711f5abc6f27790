import { expect, it } from 'vitest';
import { LEGACY_POLICY as LEGACY } from '../../fixtures/policies.ts';
import { policyInForce } from '../../../pipelines/scoring/policy-history.ts';
import { type Policy, policyText } from '../../../pipelines/scoring/policy.ts';
import { policyDigestOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { ScoringDesk } from '../../fixtures/scoring-desk.ts';

const OURS: Policy = { ...LEGACY, id: 'ours' };

it('is the policy that was recorded last, with the coordinates of its record', async () => {
  const desk = await ScoringDesk.open();
  for (const policy of [LEGACY, OURS]) {
    await desk.observe(1);
    await desk.score(policy);
  }
  const { policy, source, lines } = await policyInForce(desk);
  expect({ policy, source }).toEqual({ policy: OURS, source: 'policy.applied' });
  expect(lines).toEqual([expect.stringMatching(/^ours, in force last \(policy\.applied\[\d\]@1\)$/)]);
});

it('is the default where none is recorded, and says so', async () => {
  const desk = await ScoringDesk.open();
  const { policy, source, lines } = await policyInForce(desk);
  expect({ id: policy.id, source }).toEqual({ id: '2026-02-07', source: 'default' });
  expect(lines).toEqual(['2026-02-07, the default: policy.applied tells of none in force']);
});

it('names a policy in a form that this program does not know', async () => {
  const desk = await ScoringDesk.open();
  await desk.observe(1);
  await desk.score(OURS);
  const policy_json = JSON.stringify({ ...JSON.parse(policyText(OURS)), horizon: 4 });
  await desk.alter(TOPICS.policyApplied.name, 0, { policy_json, policy_digest: policyDigestOf(policy_json) });
  const { policy, source, lines } = await policyInForce(desk);
  expect({ id: policy.id, source }).toEqual({ id: '2026-02-07', source: 'default' });
  expect(lines[0]).toContain('this program cannot read ours, in force last');
});

it('says that an unreadable record may hide a later policy', async () => {
  const desk = await ScoringDesk.open();
  for (const applied of [LEGACY, OURS]) {
    await desk.observe(1);
    await desk.score(applied);
  }
  desk.tamper(
    'UPDATE records SET value = ? WHERE topic = ? AND offset = 1',
    Buffer.from('?'),
    TOPICS.policyApplied.name,
  );
  const { policy, lines } = await policyInForce(desk);
  expect(policy.id).toBe('legacy');
  expect(lines).toContainEqual(
    expect.stringContaining('cannot be read: 1; another policy may have been in force last'),
  );
});
