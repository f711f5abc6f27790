import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { versionLines } from '../../../pipelines/calibration/version-lines.ts';
import { CalibrationVersions } from '../../../pipelines/scoring/confidence-map.ts';
import { proposalOf } from '../../fixtures/calibration-record.ts';

it.each([60, 80, 130])('every version and all that was decided about it fits on %d columns', (width) => {
  const versions = new CalibrationVersions();
  const proposal = proposalOf('cal-0123456789abcdef');
  const reason = '842 outcomes, a gap of 18 points, looked at by two, with the page of the proposal beside it';
  versions.apply(proposal);
  versions.apply({ ...proposal, status: 'APPROVED', decided_by: 'A. Quant', reason });
  const lines = versionLines(versions, width).map(stripVTControlCharacters);
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
  const text = lines.join(' ').replaceAll(/\s+/g, ' ');
  for (const part of [
    'cal-0123456789abcdef',
    proposal.model_id,
    'PROPOSED',
    'APPROVED, in force',
    `A. Quant, ${reason}`,
  ])
    expect(text).toContain(part);
});
