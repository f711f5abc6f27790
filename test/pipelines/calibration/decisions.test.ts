import { describe, expect, test } from 'vitest';
import { approval, historyOf, rejection, rollback } from '../../../pipelines/calibration/decisions.ts';
import { CalibrationVersions } from '../../../pipelines/scoring/confidence-map.ts';
import type { ConfidenceCalibration } from '../../../schemas/generated/records.ts';
import { recordChecker } from '../../../schemas/record-rules.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { modelNamed, proposalOf } from '../../fixtures/calibration-record.ts';

const ADA = { by: 'Ada', reason: 'read the report', at: 1_770_010_000_000 };
const MODEL = proposalOf('any').model_id;
const check = recordChecker(TOPICS.confidenceCalibration);

function versionsOf(...records: readonly ConfidenceCalibration[]): CalibrationVersions {
  const versions = new CalibrationVersions();
  for (const record of records) versions.apply(record);
  return versions;
}

/** Makes a decision, checks it against the schema of the topic, and applies it. */
function decide(versions: CalibrationVersions, record: ConfidenceCalibration): ConfidenceCalibration {
  expect(check(record)).toEqual([]);
  versions.apply(record);
  return record;
}

describe('what is in force', () => {
  test('nothing before an approval; the latest approved version after it (SCO-7)', () => {
    const versions = versionsOf(proposalOf('one'), proposalOf('two', { parent: 'one' }));
    expect(versions.inForce(MODEL)).toBeNull();
    decide(versions, approval(versions, 'one', ADA, false));
    expect(versions.inForce(MODEL)?.version).toBe('one');
    decide(versions, approval(versions, 'two', ADA, false));
    expect(versions.inForce(MODEL)?.version).toBe('two');
  });

  test('a rollback brings back what was approved before, and names it (SCO-8)', () => {
    const versions = versionsOf(proposalOf('one'), proposalOf('two', { parent: 'one' }));
    decide(versions, approval(versions, 'one', ADA, false));
    decide(versions, approval(versions, 'two', ADA, false));
    expect(decide(versions, rollback(versions, undefined, ADA))).toMatchObject({ version: 'two', restores: 'one' });
    expect(versions.inForce(MODEL)?.version).toBe('one');
    expect(decide(versions, rollback(versions, 'one', ADA))).toMatchObject({ version: 'one', restores: null });
    expect(versions.inForce(MODEL)).toBeNull();
    // A person may change their mind: it is approved again.
    decide(versions, approval(versions, 'one', ADA, false));
    expect(versions.inForce(MODEL)?.version).toBe('one');
  });

  test('a record that comes twice changes nothing (SCO-9)', () => {
    const approved = { ...proposalOf('one'), status: 'APPROVED' as const };
    const two = { ...proposalOf('two'), status: 'APPROVED' as const };
    const back = { ...two, status: 'ROLLED_BACK' as const };
    expect(versionsOf(approved, two, two, back, back).inForce(MODEL)?.version).toBe('one');
  });

  test('models do not touch each other', () => {
    const other = modelNamed('other');
    const versions = versionsOf(proposalOf('one'), proposalOf('two', { model_id: other }));
    decide(versions, approval(versions, 'two', ADA, false));
    expect(versions.inForce(MODEL)).toBeNull();
    expect(versions.allInForce().map(({ version }) => version)).toEqual(['two']);
  });
});

describe('decisions', () => {
  test('carry name, reason and time, and all of the proposal', () => {
    const versions = versionsOf(proposalOf('one'));
    const proposal = proposalOf('one');
    expect(approval(versions, 'one', ADA, false)).toEqual({
      ...proposal,
      status: 'APPROVED',
      decided_by: 'Ada',
      reason: 'read the report',
      decided_at: ADA.at,
    });
  });

  test('a broken bound needs an override, which is recorded by name', () => {
    const versions = versionsOf(proposalOf('one', { broken_bounds: ['largest_change'] }));
    expect(() => approval(versions, 'one', ADA, false)).toThrow(/largest_change is 0.3, the limit is 0.15/);
    expect(decide(versions, approval(versions, 'one', ADA, true)).overridden).toEqual(['largest_change']);
  });

  test('another version in force than the one it was compared with: refused, both named, and overridden by name', () => {
    const versions = versionsOf(proposalOf('one'), proposalOf('two'), proposalOf('three', { parent: 'one' }));
    decide(versions, approval(versions, 'one', ADA, false));
    expect(() => approval(versions, 'two', ADA, false)).toThrow(
      /two was compared with raw confidence, and one is in force now/,
    );
    expect(decide(versions, approval(versions, 'two', ADA, true)).overridden).toEqual(['parent_in_force']);
    expect(() => approval(versions, 'three', ADA, false)).toThrow(
      /three was compared with one, and two is in force now/,
    );
  });

  test('a factor that could no longer occur is passed by no override', () => {
    const versions = versionsOf(proposalOf('one', { broken_bounds: ['factors_possible'] }));
    for (const override of [false, true])
      expect(() => approval(versions, 'one', ADA, override)).toThrow(/no override passes that/);
  });

  test('an override where all bounds hold overrides nothing', () => {
    expect(approval(versionsOf(proposalOf('one')), 'one', ADA, true).overridden).toEqual([]);
  });

  test('what stands already is refused', () => {
    const versions = versionsOf(proposalOf('one'));
    decide(versions, approval(versions, 'one', ADA, false));
    expect(() => approval(versions, 'one', ADA, false)).toThrow('one is in force already');
    expect(() => rejection(versions, 'one', ADA)).toThrow('one is in force: roll it back instead');
  });

  test('a rejected version is rejected once, and may still be approved', () => {
    const versions = versionsOf(proposalOf('one'));
    decide(versions, rejection(versions, 'one', ADA));
    expect(() => rejection(versions, 'one', ADA)).toThrow('REJECTED already');
    decide(versions, approval(versions, 'one', ADA, false));
    expect(versions.inForce(MODEL)?.version).toBe('one');
  });

  test('only what is in force can be rolled back', () => {
    const versions = versionsOf(proposalOf('one'), proposalOf('two'));
    expect(() => rollback(versions, undefined, ADA)).toThrow('nothing to roll back');
    expect(() => rollback(versions, 'one', ADA)).toThrow('raw confidence is');
    decide(versions, approval(versions, 'two', ADA, false));
    expect(() => rollback(versions, 'one', ADA)).toThrow('two is');
  });

  test('without a name, a rollback of several models asks which', () => {
    const versions = versionsOf(proposalOf('one'), proposalOf('two', { model_id: modelNamed('other') }));
    decide(versions, approval(versions, 'one', ADA, false));
    decide(versions, approval(versions, 'two', ADA, false));
    expect(() => rollback(versions, undefined, ADA)).toThrow(/one \(ensemble-3\), two \(other\)/);
  });

  test('an unknown version is named together with those there are', () => {
    expect(() => historyOf(versionsOf(), 'x')).toThrow('nothing was proposed yet');
    expect(() => historyOf(versionsOf(proposalOf('one')), 'x')).toThrow('there are one');
  });
});
