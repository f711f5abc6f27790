import { describe, expect, it } from 'vitest';
import { onThatLog } from '../../../pipelines/alerts/alert-commands.ts';

describe('the log in the commands of alerts', () => {
  it.each([
    [
      'x harvestline tail. Look closer: harvestline tail t --from 5 --json',
      'x harvestline tail. Look closer: harvestline tail --data d t --from 5 --json',
    ],
    ['Look closer: harvestline explain a:b', 'Look closer: harvestline explain --data d a:b'],
    ['Look closer: harvestline dlq list', 'Look closer: harvestline dlq list --data d'],
    ['End it: harvestline desk retire main', 'End it: harvestline desk retire --data d main'],
    [
      'Lift it: harvestline resume --scope a && harvestline resume --scope b',
      'Lift it: harvestline resume --data d --scope a && harvestline resume --data d --scope b',
    ],
    [
      'Think of a rollback: harvestline calibrate rollback v --by NAME',
      'Think of a rollback: harvestline calibrate rollback --data d v --by NAME',
    ],
  ])('%s', (evidence, named) => {
    expect(onThatLog({ evidence }, ' --data d')).toEqual({ evidence: named });
    expect(onThatLog({ evidence }, '')).toEqual({ evidence });
  });
});
