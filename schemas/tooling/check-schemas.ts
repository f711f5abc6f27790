import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HarvestlineError, formatProblems, messageOf } from '../../errors/harvestline-error.ts';
import type { AvroRecord } from '../avro-schema.ts';
import { type ReleasedSchema, compareForFullTransitive } from './compatibility.ts';
import { type Direction, addedBounds } from './compare-checks.ts';
import { type LintRule, lintSchema } from './lint-schema.ts';
import { parseJsonBytes } from '../strict-json.ts';
import { TOPICS } from '../topics.ts';

/** A finding about one place of one topic's schema. Only problems make the check fail. */
export interface Finding {
  readonly level: 'problem' | 'info';
  readonly topic: string;
  /** A rule of the lint; `release`: what lies in released/; `compatibility`: with a released version. */
  readonly rule: LintRule | 'release' | 'compatibility';
  readonly path: string;
  readonly why: string;
  /** The released version that the finding is about. */
  readonly version?: number;
  readonly direction?: Direction;
}

/** The folder of this program's own schemas. */
const OWN_DIRECTORY = join(import.meta.dirname, '..');

const RELEASED_FILE = /^v([1-9]\d*)\.avsc$/;

/**
 * Lints every topic's schema and compares it with all released versions of it, in the order of the topic table.
 * `directory` holds `<topic>.avsc` and `released/<topic>/v<N>.avsc`. Throws USAGE where there is no such folder.
 */
export function checkSchemas(directory: string = OWN_DIRECTORY): readonly Finding[] {
  if (!existsSync(directory)) throw new HarvestlineError('USAGE', `there is no folder ${directory}`);
  const topics = Object.values(TOPICS).map(({ name }) => name);
  return [...topics.flatMap((topic) => checkTopic(directory, topic)), ...findStrays(directory, topics)];
}

/** The released versions of a topic's schema, oldest first. */
export function releasedSchemas(topic: string, directory: string = OWN_DIRECTORY): readonly ReleasedSchema[] {
  return readReleased(directory, topic).released;
}

function checkTopic(directory: string, topic: string): readonly Finding[] {
  const current = parse(join(directory, `${topic}.avsc`));
  if ('why' in current) return [problem(topic, 'structure', current.why)];
  const lint = lintSchema(topic, current.json).map((found): Finding => ({ level: 'problem', topic, ...found }));
  const { released, findings } = readReleased(directory, topic);
  if (!isComparable(lint)) return [...lint, ...findings];
  const schema = current.json as AvroRecord;
  const incompatible = compareForFullTransitive(schema, released).map((found): Finding => ({
    level: 'problem',
    topic,
    rule: 'compatibility',
    ...found,
  }));
  return [
    ...lint,
    ...findings,
    ...incompatible,
    ...boundsAdded(topic, schema, released),
    ...unreleasedChange(topic, schema, released),
  ];
}

/** Bounds that were added since a release (TOL-3): no truthful record lies beyond them, but a reader should know. */
function boundsAdded(topic: string, current: AvroRecord, released: readonly ReleasedSchema[]): readonly Finding[] {
  return released.flatMap(({ version, schema }): readonly Finding[] => {
    const paths = addedBounds(current, schema);
    if (paths.length === 0) return [];
    const why = `bounds were added since v${version}, beyond which no truthful record lies (market-bounds.ts): ${paths.join(', ')}`;
    return [{ level: 'info', topic, rule: 'compatibility', path: '(root)', why, version }];
  });
}

function readReleased(
  directory: string,
  topic: string,
): { readonly released: readonly ReleasedSchema[]; readonly findings: readonly Finding[] } {
  const folder = join(directory, 'released', topic);
  const findings: Finding[] = [];
  const released: ReleasedSchema[] = [];
  for (const name of list(folder)) {
    const version = RELEASED_FILE.exec(name)?.[1];
    if (version === undefined) {
      findings.push(problem(topic, 'release', `released/${topic}/${name} is not named v<N>.avsc`));
      continue;
    }
    const parsed = parse(join(folder, name));
    if ('why' in parsed) findings.push({ ...problem(topic, 'release', parsed.why), version: Number(version) });
    else if (isComparable(lintSchema(topic, parsed.json)))
      released.push({ version: Number(version), schema: parsed.json as AvroRecord });
    else
      findings.push({ ...problem(topic, 'release', `${name} is no schema of this topic`), version: Number(version) });
  }
  released.sort((one, other) => one.version - other.version);
  if (released.length === 0 && findings.length === 0) {
    findings.push(problem(topic, 'release', `no version is released: release it as released/${topic}/v1.avsc`));
  }
  const missing = released.findIndex(({ version }, index) => version !== index + 1);
  if (missing !== -1 && findings.length === 0) {
    findings.push(
      problem(topic, 'release', `released/${topic}/v${missing + 1}.avsc is missing: versions have no gaps`),
    );
  }
  return { released, findings };
}

/** What is not Avro of a known shape cannot be compared. */
function isComparable(lint: readonly { readonly rule: Finding['rule'] }[]): boolean {
  return !lint.some(({ rule }) => rule === 'structure' || rule === 'union');
}

function unreleasedChange(topic: string, current: AvroRecord, released: readonly ReleasedSchema[]): readonly Finding[] {
  const latest = released.at(-1);
  if (latest === undefined || isDeepStrictEqual(current, latest.schema)) return [];
  const why = `unreleased change since v${latest.version}: to release it, copy ${topic}.avsc to released/${topic}/v${latest.version + 1}.avsc`;
  return [{ level: 'info', topic, rule: 'release', path: '(root)', why, version: latest.version }];
}

/** Schemas of topics that the table does not have: renamed, or never added to it. */
function findStrays(directory: string, topics: readonly string[]): readonly Finding[] {
  const current = list(directory).flatMap((name) => (name.endsWith('.avsc') ? [name.slice(0, -'.avsc'.length)] : []));
  const names = new Set([...current, ...list(join(directory, 'released'))]);
  return [...names]
    .filter((name) => !topics.includes(name))
    .map((name) => problem(name, 'release', 'the topic table has no such topic'));
}

function problem(topic: string, rule: Finding['rule'], why: string): Finding {
  return { level: 'problem', topic, rule, path: '(root)', why };
}

function list(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

function parse(file: string): { readonly json: unknown } | { readonly why: string } {
  if (!existsSync(file)) return { why: `${file} is missing` };
  try {
    const { value, problems } = parseJsonBytes(readFileSync(file));
    return problems.length === 0 ? { json: value } : { why: `${file}: ${formatProblems(problems)}` };
  } catch (cause) {
    return { why: `${file} ${messageOf(cause)}` };
  }
}
