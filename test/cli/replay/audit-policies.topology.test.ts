import { describe, expect, it } from 'vitest';
import { policiesById } from '../../../cli/replay.ts';
import { auditIntents } from '../../../pipelines/replay/audit-intents.ts';
import { auditLines } from '../../../pipelines/replay/audit-lines.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import type { Policy } from '../../../pipelines/scoring/policy.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { ScoringDesk } from '../../fixtures/scoring-desk.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { CURRENT_POLICY } from '../../fixtures/policies.ts';

const INTENTS = TOPICS.harvestIntent.name;
/** Nobody has their files but the scorer. */
const EAGER: Policy = { ...CURRENT_POLICY, id: 'eager', rules: [{ name: 'all', when: {}, action: 'CLOSE' }] };
const LATER: Policy = { ...EAGER, id: 'later', rules: [{ name: 'everything', when: {}, action: 'CLOSE' }] };

function audit(desk: ScoringDesk, given: readonly Policy[] = []) {
  const policies = new Map([...policiesById([]), ...given.map((policy): [string, Policy] => [policy.id, policy])]);
  return auditIntents(desk, { window: { from: null, to: null }, policies });
}

/** One snapshot scored by EAGER, then one by LATER. */
async function aChange(): Promise<ScoringDesk> {
  const desk = await ScoringDesk.open();
  for (const policy of [EAGER, LATER]) {
    await desk.observe(1);
    await desk.score(policy);
  }
  return desk;
}

/** The intent as it would be by another policy: nothing in it contradicts another thing in it. */
function forged(policy: Policy, policyId = policy.id): Partial<HarvestIntent> {
  const { reason, hold_score, exit_score, factors } = evaluate(aSnapshot({ r: 9 }), policy);
  return { reason, hold_score, exit_score, factors, policy: policyId };
}

function withPoints([first, ...others]: HarvestIntent['factors'], points: number): HarvestIntent['factors'] {
  return first === undefined ? [] : [{ ...first, points }, ...others];
}

describe('replay --audit, by what policy.applied tells', () => {
  it('proves intents of policies whose file nobody has', async () => {
    const result = await audit(await aChange());
    expect(result).toMatchObject({ audited: 2, differing: 0, unverifiable: { total: 0 }, warnings: [] });
  });

  it.each<[string, Partial<HarvestIntent>, readonly (readonly unknown[])[]]>([
    ['a policy that nobody knows', { policy: 'nobody-knows' }, [['policy', 'nobody-knows', 'eager']]],
    [
      'a built-in policy that was not in force, with all that follows from it',
      forged(CURRENT_POLICY),
      [
        ['policy', '2026-02-07', 'eager'],
        ['reason', 'emergency_profit', 'all'],
      ],
    ],
    [
      'a policy that came later',
      forged(LATER),
      [
        ['policy', 'later', 'eager'],
        ['reason', 'everything', 'all'],
      ],
    ],
    ['a map that was not in force', { calibration_version: 'cal-lost' }, [['calibration_version', 'cal-lost', null]]],
  ])('RPL-4: finds an intent that was altered to name %s', async (_, patch, expected) => {
    const desk = await aChange();
    await desk.alter(INTENTS, 0, patch);
    const { audited, differing, differences, unverifiable } = await audit(desk);
    expect({ audited, differing, unverifiable: unverifiable.total }).toEqual({
      audited: 2,
      differing: 1,
      unverifiable: 0,
    });
    expect(differences.map(({ path, recorded, recomputed }) => [path, recorded, recomputed])).toEqual(expected);
  });

  it.each<[string, (intent: HarvestIntent) => Partial<HarvestIntent>, readonly string[]]>([
    ['the points of a factor alone', ({ factors }) => ({ factors: withPoints(factors, 7) }), ['factors[0].points']],
    ['a score alone', ({ hold_score }) => ({ hold_score: hold_score + 1 }), ['hold_score']],
    ['the fraction of a CLOSE', () => ({ fraction: 0.5 }), ['fraction']],
  ])('lists the place where a record breaks a rule because it was altered: %s', async (_, patch, paths) => {
    const desk = await aChange();
    await desk.forge(INTENTS, 0, patch);
    const { audited, differing, differences, unverifiable } = await audit(desk);
    expect({ audited, differing, unverifiable: unverifiable.total }).toEqual({
      audited: 2,
      differing: 1,
      unverifiable: 0,
    });
    expect(differences.map(({ path }) => path)).toEqual(paths);
  });

  it('RPL-5: a snapshot that came again around a change may have an intent of either side; what is overtaken is said', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(2);
    await desk.scoreAndDie(EAGER);
    await desk.score(LATER);
    expect(desk.counts(INTENTS)).toBe(4);
    const result = await audit(desk);
    expect(result).toMatchObject({ audited: 4, differing: 0, unverifiable: { total: 0 } });
    expect(result.warnings).toEqual([
      expect.stringMatching(
        /^intents by what had ceased to be in force before their snapshot: 2, the first harvest\.intent\[\d\]@0/,
      ),
    ]);
    expect(auditLines(result, 500).join('\n')).toContain('warning: intents by what had ceased');
  });

  it('RPL-5: long after a change, no intent is by what the change overtook', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(1);
    await desk.score(EAGER);
    await desk.observe(20);
    await desk.score(LATER);
    expect(await audit(desk)).toMatchObject({ audited: 21, differing: 0 });
    await desk.alter(INTENTS, 20, forged(EAGER));
    const { differing, differences } = await audit(desk);
    expect(differing).toBe(1);
    expect(differences[0]).toMatchObject({ path: 'policy', recorded: 'eager', recomputed: 'later' });
  });

  it('RPL-6: what was recorded counts before a built-in policy of that id, and the two differing is said', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(1);
    await desk.score({ ...EAGER, id: CURRENT_POLICY.id });
    const { audited, differing, warnings } = await audit(desk);
    expect({ audited, differing }).toEqual({ audited: 1, differing: 0 });
    expect(warnings).toEqual([
      expect.stringMatching(/^policy 2026-02-07 as policy\.applied\[\d\]@0 has it is not the 2026-02-07 at hand$/),
    ]);
  });

  it('RPL-6: a file that was given counts before what was recorded', async () => {
    const desk = await aChange();
    const { differing, differences, warnings } = await audit(desk, [{ ...LATER, id: 'eager' }]);
    expect(differing).toBe(1);
    expect(differences).toMatchObject([{ path: 'reason', recorded: 'all', recomputed: 'everything' }]);
    expect(warnings).toHaveLength(1);
  });

  it('an id that stood for two policies is said', async () => {
    const desk = await ScoringDesk.open();
    for (const policy of [EAGER, { ...LATER, id: 'eager' }]) {
      await desk.observe(1);
      await desk.score(policy);
    }
    const { differing, warnings } = await audit(desk);
    expect({ differing, warnings }).toEqual({
      differing: 0,
      warnings: ['policy eager was in force with 2 different contents'],
    });
  });

  it('records of policy.applied that cannot be read are said', async () => {
    const desk = await aChange();
    desk.tamper("UPDATE records SET value = x'00' WHERE topic = ? AND offset = 1", TOPICS.policyApplied.name);
    const { differences, warnings, policies_unreadable } = await audit(desk);
    expect(policies_unreadable).toBe(1);
    expect(warnings).toEqual(['records of policy.applied that cannot be read: 1; what they told is missing']);
    expect(differences[0]).toMatchObject({ path: 'policy', recorded: 'later', recomputed: 'eager' });
  });

  it('where nothing was recorded yet, intents are held against the policy of that id, as before', async () => {
    const desk = await aChange();
    desk.tamper('DELETE FROM records WHERE topic = ? AND offset = 0', TOPICS.policyApplied.name);
    expect(await audit(desk)).toMatchObject({ audited: 1, unverifiable: { reasons: { unknown_policy: 1 } } });
    expect(await audit(desk, [EAGER])).toMatchObject({ audited: 2, differing: 0, unverifiable: { total: 0 } });
  });
});
