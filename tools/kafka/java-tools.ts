/** What the servers need from outside: Java, Maven, and the jars of Kafka and the registry that Maven fetches. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDataFolder } from '../../connectors/system/data-folder.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';

/** The Java that Kafka 4 and the registry are compiled for. */
const OLDEST_JAVA = 17;

/** Required by the pinned maven-dependency-plugin 3.8.1. */
const OLDEST_MAVEN = [3, 6, 3] as const;

const INSTALL_JAVA =
  'Install a JDK 17 or newer (Debian, Ubuntu: apt-get install openjdk-17-jdk-headless; macOS: brew install openjdk@17), or set JAVA_HOME to one';
const INSTALL_MAVEN =
  'Install Maven 3.6.3 or newer (Debian, Ubuntu: apt-get install maven; macOS: brew install maven); it is needed once, to fetch Kafka';

type Environment = Readonly<Record<string, string | undefined>>;

/** The `java` to run: JAVA_HOME's, or the one on the PATH. Throws TOOL_MISSING when there is none or it is too old. */
export function findJava(env: Environment = process.env): string {
  const home = env['JAVA_HOME'];
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  // It writes its version to standard error.
  const said = outputOf(java, ['-version'], env);
  if (said === null) {
    const where = java === 'java' ? 'there is no `java` on the PATH' : `JAVA_HOME is set, but ${java} does not run`;
    throw new HarvestlineError('TOOL_MISSING', `Java is missing: ${where}. ${INSTALL_JAVA}.`);
  }
  const major = javaMajor(said);
  if (major === null || major < OLDEST_JAVA) {
    const found = said.split('\n')[0]?.trim() ?? '';
    throw new HarvestlineError('TOOL_MISSING', `Java is too old: ${java} says ${found}. ${INSTALL_JAVA}.`);
  }
  return java;
}

/** The `mvn` to run. Throws TOOL_MISSING when there is none or it is too old. */
export function findMaven(env: Environment = process.env): string {
  const said = outputOf('mvn', ['-B', '-version'], env);
  if (said === null) {
    throw new HarvestlineError('TOOL_MISSING', `Maven is missing: \`mvn -version\` does not run. ${INSTALL_MAVEN}.`);
  }
  const version = mavenVersion(said);
  if (version === null || isOlder(version, OLDEST_MAVEN)) {
    const found = version === null ? 'no version' : version.join('.');
    throw new HarvestlineError('TOOL_MISSING', `Maven is too old: \`mvn -version\` says ${found}. ${INSTALL_MAVEN}.`);
  }
  return 'mvn';
}

/** 17 of `openjdk version "17.0.15"`, 8 of the old form `java version "1.8.0_402"`. */
export function javaMajor(output: string): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** [3, 8, 7] of `Apache Maven 3.8.7`. */
export function mavenVersion(output: string): readonly number[] | null {
  const match = /Apache Maven (\d+)\.(\d+)\.(\d+)/.exec(output);
  return match === null ? null : match.slice(1).map(Number);
}

function isOlder(version: readonly number[], oldest: readonly number[]): boolean {
  for (const [index, wanted] of oldest.entries()) {
    const part = version[index] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}

/** Everything that a command printed; null where it cannot be run or fails. */
function outputOf(command: string, args: readonly string[], env: Environment): string | null {
  const { status, stdout, stderr } = spawnSync(command, args, { env: { ...env }, encoding: 'utf8' });
  return status === 0 ? stderr + stdout : null;
}

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));

/** Enough of the hash to distinguish the versions of pom.xml in a checkout. Unit: hexadecimal digits. */
const HASH_DIGITS = 12;

/** The folder of the fetched programs, one for each checkout and all data folders. */
export const JARS_CACHE = fileURLToPath(new URL('../../.harvestline/kafka/', import.meta.url));

/** The fetched programs. */
export interface Jars {
  /** A class path: every jar of the folder. */
  readonly kafkaClassPath: string;
  readonly registryJar: string;
}

/**
 * Kafka and the registry in the versions of tools/kafka/pom.xml. The first call fetches them. Later calls read one folder and need neither
 * Maven nor a network.
 *
 * BRK-1  A cache folder is complete or absent: Maven fills another folder, which is then renamed.
 * BRK-2  Each version of pom.xml has a cache folder of its own.
 *
 * Throws TOOL_MISSING without Maven, JARS_NOT_FETCHED when Maven fails.
 */
export function provideJars(cache: string, say: (line: string) => void): Jars {
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, HASH_DIGITS);
  const folder = join(cache, hash);
  if (!existsSync(folder)) {
    const maven = findMaven();
    say(`fetching Kafka and the registry from Maven Central into ${folder} (about 190 MB, once)`);
    fetchInto(folder, maven);
  }
  return jarsIn(folder);
}

function fetchInto(folder: string, maven: string): void {
  const partial = `${folder}.${process.pid}.partial`;
  try {
    makeDataFolder(partial);
    const { status, stdout, stderr } = spawnSync(
      maven,
      ['-B', '-q', '-f', POM, `-Dinto=${partial}`, 'process-resources'],
      { encoding: 'utf8' },
    );
    if (status !== 0) {
      throw new HarvestlineError('JARS_NOT_FETCHED', `\`mvn -f ${POM}\` failed:\n${(stdout + stderr).trim()}`);
    }
    // Another process may have fetched them meanwhile: its folder is as good.
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function jarsIn(folder: string): Jars {
  const registry = join(folder, 'registry');
  const jar = readdirSync(registry).find((name) => name.endsWith('-runner.jar'));
  if (jar === undefined) {
    throw new HarvestlineError('JARS_NOT_FETCHED', `${registry} holds no *-runner.jar: remove ${folder} and try again`);
  }
  return { kafkaClassPath: join(folder, 'kafka', '*'), registryJar: join(registry, jar) };
}
