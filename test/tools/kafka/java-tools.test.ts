import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { findJava, findMaven, javaMajor, mavenVersion, provideJars } from '../../../tools/kafka/java-tools.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

/** A folder with a program that prints that text to standard error and exits with 0. */
function folderWith(name: string, prints: string): string {
  const folder = folderForTest();
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin', name);
  writeFileSync(program, `#!/bin/sh\ncat >&2 <<'END'\n${prints}\nEND\n`);
  chmodSync(program, 0o755);
  return folder;
}

/** A PATH with the folder before the usual ones, which may have a real Java or Maven. */
function pathOf(folder: string): { PATH: string } {
  return { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
}

describe('the version of Java', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
    ['openjdk version "25" 2025-09-16', 25],
    ['java version "1.8.0_402"', 8],
    ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.2" 2024-01-16', 21],
    ['command not found', null],
  ])('of %j is %s', (output, major) => expect(javaMajor(output)).toBe(major));

  it('is looked up at JAVA_HOME first', () => {
    const home = folderWith('java', 'openjdk version "21.0.2" 2024-01-16');
    expect(findJava({ JAVA_HOME: home, PATH: '/usr/bin:/bin' })).toBe(join(home, 'bin', 'java'));
  });

  it('that is too old is named, with what to do', () => {
    const old = folderWith('java', 'java version "1.8.0_402"');
    expect(() => findJava(pathOf(old))).toThrow(
      /^Java is too old: java says java version "1\.8\.0_402"\. Install a JDK 17/,
    );
  });

  it.each([{ PATH: '/nowhere' }, { PATH: '/usr/bin:/bin', JAVA_HOME: '/nowhere' }])(
    'that is missing is reported: %j',
    (env) => {
      expect(() => findJava(env)).toThrow(/^Java is missing: .* Install a JDK 17 or newer .* JAVA_HOME/);
    },
  );
});

describe('the version of Maven', () => {
  it.each([
    ['\u001B[1mApache Maven 3.8.7\u001B[m\nMaven home: /usr/share/maven', [3, 8, 7]],
    ['Apache Maven 4.0.0-rc-4', [4, 0, 0]],
    ['mvn: broken', null],
  ])('of %j is %j', (output, version) => expect(mavenVersion(output)).toEqual(version));

  it.each(['3.6.3', '3.9.0', '4.0.0'])('%s is new enough', (version) => {
    expect(findMaven(pathOf(folderWith('mvn', `Apache Maven ${version}`)))).toBe('mvn');
  });

  it.each(['3.6.2', '3.5.4', '2.9.9'])('%s is too old', (version) => {
    expect(() => findMaven(pathOf(folderWith('mvn', `Apache Maven ${version}`)))).toThrow(
      `Maven is too old: \`mvn -version\` says ${version}. Install Maven 3.6.3`,
    );
  });

  it('that is missing is reported', () => {
    expect(() => findMaven({ PATH: '/nowhere' })).toThrow(/^Maven is missing: .* Install Maven 3\.6\.3/);
  });
});

describe('the jars of Kafka and the registry', () => {
  const POM = new URL('../../../tools/kafka/pom.xml', import.meta.url);

  /** Calls `provideJars` with a Maven that fills the folder it is told to fill, and then ends with that code. */
  function provideBy(exitCode: number, cache: string, said: string[] = []) {
    const tools = folderWith('java', '');
    const maven = join(tools, 'bin', 'mvn');
    writeFileSync(
      maven,
      `#!/bin/sh
case "$*" in *-version*) echo 'Apache Maven 3.9.0'; exit 0;; esac
for word in "$@"; do case "$word" in -Dinto=*) into="\${word#-Dinto=}";; esac; done
mkdir -p "$into/kafka" "$into/registry" && touch "$into/registry/app-runner.jar"
exit ${exitCode}
`,
    );
    chmodSync(maven, 0o755);
    vi.stubEnv('PATH', pathOf(tools).PATH);
    try {
      return provideJars(cache, (line) => void said.push(line));
    } finally {
      vi.unstubAllEnvs();
    }
  }

  it('BRK-1: are complete or absent, and are fetched once', () => {
    const cache = folderForTest();
    expect(() => provideBy(1, cache)).toThrow(expect.objectContaining({ code: 'JARS_NOT_FETCHED' }));
    expect(readdirSync(cache)).toEqual([]);
    const said: string[] = [];
    const { registryJar } = provideBy(0, cache, said);
    expect(registryJar).toContain('app-runner.jar');
    expect(provideBy(1, cache, said)).toMatchObject({ registryJar });
    expect(said).toHaveLength(1);
  });

  it('BRK-2: have a folder for each version of pom.xml', () => {
    const cache = folderForTest();
    provideBy(0, cache);
    const digest = createHash('sha256').update(readFileSync(POM)).digest('hex');
    expect(readdirSync(cache).map((name) => digest.startsWith(name))).toEqual([true]);
  });
});
