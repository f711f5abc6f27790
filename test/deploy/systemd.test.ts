import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { KAFKA_SETTINGS, REGISTRY_SETTINGS } from '../../connectors/system/settings.ts';
import { refusalOf } from '../architecture/printed-commands.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/systemd/', import.meta.url));
const read = (name: string): string => readFileSync(FOLDER + name, 'utf8');
const UNIT = read('harvestline@.service');

/** A process drains for 25 seconds at most (cli/compose/run.ts). */
const DRAIN_S = 25;

const valueOf = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT)?.[1];

describe('the systemd unit', () => {
  it('runs a processor by a command that the program takes, and waits for its drain', async () => {
    const [program, ...words] = (valueOf('ExecStart') ?? '').split(' ');
    expect(program).toMatch(/\/harvestline$/);
    for (const processor of ['scoring', 'execution', 'clm', 'snapshots']) {
      const args = words.map((word) => (word === '%i' ? processor : word)).filter((word) => !word.startsWith('$'));
      expect(await refusalOf([...args, '--http-port', '9464']), processor).toBeNull();
    }
    expect(Number(valueOf('TimeoutStopSec'))).toBeGreaterThan(DRAIN_S);
    // Wrong usage does not mend itself.
    expect(valueOf('RestartPreventExitStatus')).toBe('2');
  });

  it('comes with examples of settings that exist', () => {
    const known = new Set([...KAFKA_SETTINGS, ...REGISTRY_SETTINGS].flatMap(({ name }) => [name, `${name}_FILE`]));
    const given = Array.from(
      (read('harvestline.env.example') + read('secrets.conf.example')).matchAll(/^(?:Environment=)?([A-Z_]+)=/gm),
      ([, name = '']) => name,
    );
    expect(given.length).toBeGreaterThan(4);
    expect(given.filter((name) => !known.has(name))).toEqual([]);
  });

  it.runIf(spawnSync('systemd-analyze', ['--version']).status === 0)(
    'is valid for systemd, and exposes little by its own measure',
    () => {
      const folder = folderForTest();
      const unit = join(folder, 'harvestline@scoring.service');
      // A program that is here: whether it is installed is not the unit's.
      writeFileSync(unit, UNIT.replace('/usr/local/bin/harvestline', process.execPath));
      const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
      expect({ status: verified.status, stderr: verified.stderr }).toEqual({ status: 0, stderr: '' });
      // Of 10; in tenths here. A unit without hardening has 9.6.
      const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], {
        encoding: 'utf8',
      });
      expect(security.status, security.stdout.slice(-200)).toBe(0);
    },
  );
});
