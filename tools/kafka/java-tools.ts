import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { HarvestlineError } from '../../errors/harvestline-error.ts';

/** Kafka 4 brokers and the registry are compiled for it. */
const OLDEST_JAVA = 17;

/** What the pinned maven-dependency-plugin 3.8.1 asks for. */
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

/** Everything it printed, or null when it cannot be run or fails. */
function outputOf(command: string, args: readonly string[], env: Environment): string | null {
  const { status, stdout, stderr } = spawnSync(command, args, { env: { ...env }, encoding: 'utf8' });
  return status === 0 ? stderr + stdout : null;
}
