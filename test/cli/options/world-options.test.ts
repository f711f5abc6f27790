import { describe, expect, it } from 'vitest';
import { chosenKafka } from '../../../cli/options/world-options.ts';

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
