import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { redactor } from '../../../connectors/system/redactor.ts';
import { learnSecrets, readSecretFile } from '../../../connectors/system/settings.ts';
import type { Problem } from '../../../errors/harvestline-error.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

function file(content: string, mode = 0o600): string {
  const path = join(folderForTest(), 'secret');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('learnSecrets', () => {
  it.each([
    [{ HARVESTLINE_API_KEY: 'canary-A1' }, [], 'canary-A1'],
    [{ KAFKA_BROKERS: 'canary-B1@127.0.0.1:9092,b:1' }, [], 'canary-B1'],
    [{ KAFKA_BROKERS: 'a:1,sasl://user:canary-B2@b:1' }, [], 'canary-B2'],
    [{ SCHEMA_REGISTRY_URL: 'http://r/x?token=canary-C1&b=c' }, [], 'canary-C1'],
    [{ SCHEMA_REGISTRY_URL: 'http://u:canary%2DC2@r/x' }, [], 'canary-C2'],
    [{}, ['run', '--registry', 'http://r/?canary-D1'], 'canary-D1'],
    [{}, ['run', '--registry=http://r/#canary-D2'], 'canary-D2'],
    [{}, ['run', '--brokers', 'canary-D3@a:1'], 'canary-D3'],
    [{}, ['run', '--venue-url', 'https://user:canary-D4@h'], 'canary-D4'],
  ])('%j %j: %s is hidden from then on', (env, argv, secret) => {
    learnSecrets(env, argv);
    expect(redactor.redact(`a ${secret} b`)).toBe('a [hidden] b');
  });

  it('reads files that variables name, and leaves what cannot be read to whoever needs it', () => {
    learnSecrets({ KAFKA_SASL_PASSWORD_FILE: file('\uFEFFcanary-E1\n'), HARVESTLINE_API_KEY_FILE: '/nowhere' }, []);
    expect(redactor.redact('canary-E1')).toBe('[hidden]');
  });
});

describe.runIf(process.platform !== 'win32')('a secret file that others may read', () => {
  it('is warned of once, by its name', () => {
    const said: string[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    onTestFinished(() => spy.mockRestore());
    const problems: Problem[] = [];
    const open = file('canary-F1', 0o644);
    expect(readSecretFile(open, 'HARVESTLINE_API_KEY_FILE', problems)).toBe('canary-F1');
    readSecretFile(open, 'HARVESTLINE_API_KEY_FILE', problems);
    readSecretFile(file('canary-F2', 0o600), 'KAFKA_SASL_PASSWORD_FILE', problems);
    expect(said).toEqual([expect.stringContaining(`HARVESTLINE_API_KEY_FILE: ${open} is open to others (mode 0644)`)]);
    expect(problems).toEqual([]);
  });
});
