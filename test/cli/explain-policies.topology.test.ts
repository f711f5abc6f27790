import { describe, expect, it } from 'vitest';
import { explainedLines } from '../../cli/explain.ts';
import type { Explanation } from '../../pipelines/explain/explanation.ts';
import { approval } from '../../pipelines/calibration/decisions.ts';
import { CalibrationVersions } from '../../pipelines/scoring/confidence-map.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { modelNamed, proposalOf } from '../fixtures/calibration-record.ts';
import { ScoringDesk } from '../fixtures/scoring-desk.ts';
import { CURRENT_POLICY, LEGACY_POLICY, onCalibrated } from '../fixtures/policies.ts';

/** Nobody has its file but the scorer. */
const NEVER_CLOSES: Policy = { ...CURRENT_POLICY, id: 'never-closes', rules: [] };
const EAGER: Policy = { ...CURRENT_POLICY, id: 'eager', rules: [{ name: 'all', when: {}, action: 'CLOSE' }] };

async function explained(desk: ScoringDesk, given: Policy | null = null): Promise<Explanation> {
  const lines = await explainedLines(desk, desk.positionId, given, true);
  return JSON.parse(lines[0] ?? '') as Explanation;
}

async function explainedText(desk: ScoringDesk, given: Policy | null = null): Promise<string> {
  const lines = await explainedLines(desk, desk.positionId, given, false, { columns: 200 });
  return lines.join('\n');
}

const brief = ({ runs }: Explanation) =>
  runs.map(({ action, count, policy, calibration_version: version, assumed, intents }) =>
    [action, count, policy, version ?? 'raw', assumed ? 'assumed' : 'certain', intents ? 'intents' : 'none'].join(' '),
  );

describe('explain, by what policy.applied tells', () => {
  it('EXP-4: the founding incident: a policy that holds everything, zero intents, and each HOLD is its own', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(5);
    await desk.score(NEVER_CLOSES);
    expect(desk.counts(TOPICS.harvestIntent.name)).toBe(0);
    const explanation = await explained(desk);
    expect(brief(explanation)).toEqual(['HOLD 5 never-closes raw certain none']);
    expect(explanation).toMatchObject({ policy: 'never-closes', decision: { action: 'HOLD', policy: 'never-closes' } });
    const text = await explainedText(desk);
    expect(text).toContain('policy never-closes, raw confidence');
    expect(text).not.toMatch(/CLOSE|assumed/);
  });

  it('a policy that came later does not explain the past', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(3);
    await desk.score(LEGACY_POLICY);
    await desk.observe(2);
    await desk.score(CURRENT_POLICY);
    expect(brief(await explained(desk))).toEqual([
      'HOLD 3 legacy raw certain none',
      'CLOSE 2 2026-02-07 raw certain intents',
    ]);
    expect(await explainedText(desk)).not.toContain('no intent');
  });

  it('a map that was approved while nothing but HOLD was decided', async () => {
    const desk = await ScoringDesk.open();
    const [version, versions, model] = ['cal-1', new CalibrationVersions(), modelNamed('ensemble-7')];
    const proposal = proposalOf(version, { model_id: model, map: { x: [0.6, 0.7], y: [0.1, 0.5] } });
    await desk.observe(2, { confidence: 0.65 });
    const mapped = onCalibrated(NEVER_CLOSES);
    await desk.score(mapped);
    versions.apply(proposal);
    await desk.write(TOPICS.confidenceCalibration, proposal, 1);
    const approved = approval(versions, version, { by: 'Ada', reason: 'test', at: 1 }, false);
    await desk.write(TOPICS.confidenceCalibration, approved, 1);
    await desk.observe(2, { confidence: 0.65 });
    await desk.score(mapped);
    const explanation = await explained(desk);
    expect(brief(explanation)).toEqual([
      'HOLD 2 never-closes raw certain none',
      'HOLD 2 never-closes cal-1 certain none',
    ]);
    // As the scorer saw it: a fall from 0.5 to 0.3, not from 0.7 to 0.65.
    expect(explanation.decision?.factors.find(({ name }) => name === 'confidence_degraded')?.value).toBeCloseTo(0.3);
    // Without the map nobody can say what was decided.
    desk.tamper('DELETE FROM records WHERE topic = ?', TOPICS.confidenceCalibration.name);
    expect(brief(await explained(desk))[1]).toBe('HOLD 2 never-closes cal-1 assumed none');
  });

  it('a decision to act that left no intent is a fault where it is certain, and only there', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(2);
    await desk.score(CURRENT_POLICY);
    desk.tamper('DELETE FROM records WHERE topic = ?', TOPICS.harvestIntent.name);
    expect(await explainedText(desk)).toMatch(/2 × CLOSE .*, no intent/);
    // Scoring has not got to this one.
    await desk.observe(1);
    expect(brief(await explained(desk))).toEqual([
      'CLOSE 2 2026-02-07 raw certain none',
      'CLOSE 1 2026-02-07 raw assumed none',
    ]);
    desk.tamper('DELETE FROM records WHERE topic = ?', TOPICS.policyApplied.name);
    const text = await explainedText(desk);
    expect(text).not.toContain(', no intent');
    expect(text).toContain('would CLOSE');
    expect(text).toMatch(/3 × would CLOSE .*, assumed/);
    expect(text).toContain('policy 2026-02-07 (assumed), raw confidence');
    expect(text).toContain('assumed: no record tells for certain which policy decided');
  });

  it('EXP-4: a log of before: the policy of the nearest intents is assumed, those before a snapshot first', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(1);
    await desk.score(LEGACY_POLICY);
    await desk.observe(1, { regime: 'another' });
    await desk.score(LEGACY_POLICY);
    await desk.observe(1);
    await desk.score(LEGACY_POLICY);
    await desk.observe(1);
    await desk.score(CURRENT_POLICY);
    desk.tamper('DELETE FROM records WHERE topic = ?', TOPICS.policyApplied.name);
    expect(brief(await explained(desk))).toEqual([
      'HOLD 1 legacy raw assumed none',
      'PARTIAL_CLOSE 1 legacy raw certain intents',
      'HOLD 1 legacy raw assumed none',
      'CLOSE 1 2026-02-07 raw certain intents',
    ]);
  });

  it('a log of before whose policies nobody has: the default stands in, and nothing is claimed of it', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(1);
    await desk.score(EAGER);
    await desk.observe(1);
    await desk.score(NEVER_CLOSES);
    desk.tamper('DELETE FROM records WHERE topic = ?', TOPICS.policyApplied.name);
    expect(brief(await explained(desk))[1]).toBe('CLOSE 1 2026-02-07 raw assumed none');
    expect(brief(await explained(desk, EAGER))[1]).toBe('CLOSE 1 eager raw assumed none');
  });

  it('an intent whose policy nobody has: as recorded, and nothing is said of changes', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(1);
    await desk.score(EAGER);
    expect(await explainedText(desk)).toContain('no change of one input would have changed it');
    desk.tamper('DELETE FROM records WHERE topic = ?', TOPICS.policyApplied.name);
    const { decision } = await explained(desk);
    expect(decision).toMatchObject({ action: 'CLOSE', policy: 'eager', policy_available: false, changes: null });
    const text = await explainedText(desk);
    expect(text).toContain('nothing here has eager');
    expect(text).not.toContain('no change');
    expect((await explained(desk, EAGER)).decision).toMatchObject({ policy_available: true });
  });

  it('--policy sets another, and says that it is assumed, unless it is the one that was in force', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(2);
    await desk.score(NEVER_CLOSES);
    expect(brief(await explained(desk, CURRENT_POLICY))).toEqual(['CLOSE 2 2026-02-07 raw assumed none']);
    expect(brief(await explained(desk, NEVER_CLOSES))).toEqual(['HOLD 2 never-closes raw certain none']);
  });

  it('EXP-6: the content that was recorded counts, not that of a file or of the program with the same id', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(2);
    await desk.score({ ...NEVER_CLOSES, id: CURRENT_POLICY.id });
    expect(brief(await explained(desk))).toEqual(['HOLD 2 2026-02-07 raw certain none']);
  });

  it('EXP-5: a record of policy.applied that was altered makes all assumed: the one before it may not be the last word', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(1);
    await desk.score(NEVER_CLOSES);
    await desk.observe(1);
    await desk.score({ ...NEVER_CLOSES, id: 'never-closes-2' });
    for await (const { records } of desk.log.read(TOPICS.policyApplied.name)) {
      const [, { value, offset } = { value: null, offset: -1 }] = records;
      // Another policy under the digest of the one that was in force.
      const altered = Buffer.from(value ?? [])
        .toString('latin1')
        .replace('"points":6', '"points":7');
      const parameters = [Buffer.from(altered, 'latin1'), TOPICS.policyApplied.name, offset] as const;
      desk.tamper('UPDATE records SET value = ? WHERE topic = ? AND offset = ?', ...parameters);
    }
    expect(brief(await explained(desk))).toEqual(['HOLD 2 never-closes raw assumed none']);
  });
});

describe('policy.applied on a log', () => {
  it('after a death before the commit an equal record comes again, and readers see one', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(3);
    await desk.scoreAndDie(NEVER_CLOSES);
    await desk.score(NEVER_CLOSES);
    const [first, second, ...more] = await desk.records(TOPICS.policyApplied.name);
    expect(first).toBeDefined();
    expect(second).toEqual(first);
    expect(more).toEqual([]);
    expect(brief(await explained(desk))).toEqual(['HOLD 3 never-closes raw certain none']);
  });

  it('a start on which nothing has changed tells nothing anew', async () => {
    const desk = await ScoringDesk.open();
    for (let start = 0; start < 3; start++) {
      await desk.observe(1);
      await desk.score(NEVER_CLOSES);
    }
    expect(desk.counts(TOPICS.policyApplied.name)).toBe(1);
  });

  it('what comes again after a death with another policy was decided on by that one in the end', async () => {
    const desk = await ScoringDesk.open();
    await desk.observe(2);
    await desk.score(LEGACY_POLICY);
    await desk.observe(2);
    await desk.scoreAndDie(LEGACY_POLICY);
    await desk.score(NEVER_CLOSES);
    expect(brief(await explained(desk)).at(-1)).toBe('HOLD 2 never-closes raw certain none');
  });
});
