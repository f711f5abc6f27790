import { describe, expect, it } from 'vitest';
import { logWords, onThatLog } from '../../app/alert-commands.ts';

describe('the log in the commands of alerts', () => {
  it.each([
    { flags: { data: '.harvestline' }, env: {}, words: '' },
    { flags: { data: '.rough' }, env: {}, words: ' --data .rough' },
    { flags: { data: 'my data' }, env: {}, words: " --data 'my data'" },
    { flags: { data: '.rough' }, env: { HARVESTLINE_DATA: '.rough' }, words: '' },
    { flags: { data: '.rough' }, env: { KAFKA_BROKERS: 'b:9092' }, words: '' },
    { flags: { data: '.harvestline', desk: 'alpha' }, env: {}, words: ' --desk alpha' },
    { flags: { data: '.harvestline', desk: 'alpha' }, env: { HARVESTLINE_DESK: 'alpha' }, words: '' },
    {
      flags: { data: '.rough', brokers: 'b:9092', registry: 'http://r' },
      env: {},
      words: ' --brokers b:9092 --registry http://r',
    },
  ])('$flags in $env: "$words"', ({ flags, env, words }) => {
    expect(logWords(flags, env)).toBe(words);
  });

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
