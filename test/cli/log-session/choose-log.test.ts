import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseLog, rememberKafka } from '../../../cli/log-session/choose-log.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { thrownBy } from '../../fixtures/thrown-by.ts';

const DEFAULT = { data: '.harvestline' };
const REGISTRY = 'http://127.0.0.1:8081/apis';

function folderWith(...logs: readonly string[]): string {
  const folder = folderForTest();
  for (const name of logs) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'log.sqlite'), '');
  }
  return folder;
}

describe('which log a halt is for', () => {
  it('is the one that is named', () => {
    const folder = folderWith('.harvestline', 'other');
    const env = { KAFKA_BROKERS: 'user:secret@k1:9092,k2:9092', SCHEMA_REGISTRY_URL: REGISTRY };
    expect(chooseLog({ data: 'other' }, true, folder, {})).toMatchObject({ kind: 'embedded' });
    expect(chooseLog({ ...DEFAULT, brokers: 'k:1', registry: REGISTRY }, false, folder, {})).toMatchObject({
      kind: 'kafka',
      name: 'k:1',
    });
    expect(() => chooseLog(DEFAULT, true, folder, { ...env, KAFKA_BROKERS: 'k1:9092/x' })).toThrow('KAFKA_BROKERS');
  });

  it('is the only one that can be meant', () => {
    expect(chooseLog(DEFAULT, false, folderForTest(), {})).toMatchObject({ kind: 'embedded', options: DEFAULT });
    const folder = folderWith('mine');
    expect(chooseLog(DEFAULT, false, folder, {})).toMatchObject({ name: join(folder, 'mine') });
  });

  it('is asked for where a desk of this folder runs on Kafka, and a dry run lies beside it', () => {
    const folder = folderWith('.harvestline');
    const kafka = { brokers: ['k1:9092', 'k2:9092'] };
    rememberKafka(join(folder, '.harvestline'), { kafka, registry: { url: `${REGISTRY}?token=secret` } }, 'alpha');
    const thrown = thrownBy(() => chooseLog(DEFAULT, false, folder, {}));
    expect(thrown).toMatchObject({ code: 'USAGE' });
    const { message } = thrown;
    expect(message).toContain(`--brokers k1:9092,k2:9092 --registry ${REGISTRY} --desk alpha`);
    expect(message).toContain('--data .harvestline');
    expect(message).not.toContain('secret');
    expect(statSync(join(folder, '.harvestline', 'kafka.json')).mode & 0o077).toBe(0);
  });

  it("takes no other program's file for a Kafka", () => {
    const folder = folderWith('.harvestline');
    writeFileSync(join(folder, '.harvestline', 'kafka.json'), '{"brokers": 1}');
    expect(chooseLog(DEFAULT, false, folder, {})).toMatchObject({ kind: 'embedded' });
  });
});
