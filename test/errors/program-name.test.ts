import { afterEach, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { asCalled, setProgramName } from '../../errors/program-name.ts';

afterEach(() => setProgramName('harvestline'));

describe('commands in texts', () => {
  it('begin with the word that the user typed (CALL-1)', () => {
    setProgramName('npx harvestline');
    expect(new HarvestlineError('VERSION_UNKNOWN', 'no such version').remedy).toContain(
      '`npx harvestline calibrate list`',
    );
    const help = [
      'Usage: harvestline status',
      '  $ harvestline topics apply && harvestline run',
      'x | harvestline score',
    ];
    expect(help.map(asCalled)).toEqual([
      'Usage: npx harvestline status',
      '  $ npx harvestline topics apply && npx harvestline run',
      'x | npx harvestline score',
    ]);
  });

  it('are all of it: prose and paths stay', () => {
    setProgramName('npx harvestline');
    for (const text of [
      'the folder holds what harvestline wrote',
      '.harvestline/log',
      'harvestline.yaml',
      'npx harvestline run',
    ])
      expect(asCalled(text)).toBe(text);
  });
});
