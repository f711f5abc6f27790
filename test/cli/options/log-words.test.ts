import { describe, expect, it } from 'vitest';
import { logWords } from '../../../cli/options/log-words.ts';

describe('the options that name the log', () => {
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
});
