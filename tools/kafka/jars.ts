import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { findMaven } from './java-tools.ts';

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));

/** Enough of the hash to tell two pom.xml of one checkout apart. Unit: hexadecimal digits. */
const HASH_DIGITS = 12;

/** Where the fetched programs are kept: one folder a checkout, whatever data folder a broker works in. */
export const JARS_CACHE = fileURLToPath(new URL('../../.harvestline/kafka/', import.meta.url));

/** What Maven brought. */
export interface Jars {
  /** A class path: every jar of the folder. */
  readonly kafkaClassPath: string;
  readonly registryJar: string;
}

/**
 * Kafka and the registry as tools/kafka/pom.xml pins them. Fetches them the first time; from then on this reads one folder
 * and needs neither Maven nor a network.
 *
 * J1  A cache folder is complete or not there: Maven fills a folder of its own, which is then renamed.
 * J2  A change of pom.xml is another cache folder.
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
    mkdirSync(partial, { recursive: true });
    const { status, stdout, stderr } = spawnSync(
      maven,
      ['-B', '-q', '-f', POM, `-Dinto=${partial}`, 'process-resources'],
      { encoding: 'utf8' },
    );
    if (status !== 0) {
      throw new HarvestlineError('JARS_NOT_FETCHED', `\`mvn -f ${POM}\` failed:\n${(stdout + stderr).trim()}`);
    }
    // Somebody else may have been quicker: theirs is as good.
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
