import { describe, expect, it } from 'vitest';
import { chosenKafka, logWords } from '../../../cli/options/log-options.ts';

const DATA = { data: 'desk' };
const URL = 'http://registry:8081';

describe('which log a command takes', () => {
  it('the embedded one unless Kafka is named, whatever registry the environment knows', () => {
    expect(chosenKafka(DATA, {})).toBeNull();
    expect(chosenKafka(DATA, { KAFKA_BROKERS: '', SCHEMA_REGISTRY_URL: URL })).toBeNull();
  });

  it('Kafka by environment or option, where the option wins', () => {
    const env = { KAFKA_BROKERS: 'env:9092', SCHEMA_REGISTRY_URL: URL };
    expect(chosenKafka(DATA, env)).toMatchObject({ kafka: { brokers: ['env:9092'] }, registry: { url: URL } });
    expect(chosenKafka({ ...DATA, brokers: 'option:9092', registry: 'http://other' }, env)).toMatchObject({
      kafka: { brokers: ['option:9092'] },
      registry: { url: 'http://other' },
    });
  });

  it('refuses half of the two', () => {
    expect(() => chosenKafka({ ...DATA, registry: URL }, {})).toThrow(/--brokers/);
    expect(() => chosenKafka({ ...DATA, brokers: 'option:9092' }, {})).toThrow(/SCHEMA_REGISTRY_URL/);
  });
});

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
