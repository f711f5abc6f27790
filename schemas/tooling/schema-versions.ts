/**
 * How this program's schema of a topic stands to other versions of it: released ones, those in the registry, one in a file. `schemas diff`
 * shows the difference, `schemas register` makes it a version of its subject.
 */
import { HarvestlineError, type Problem, isKind, formatProblems, messageOf } from '../../errors/harvestline-error.ts';
import { checkSchemas, releasedSchemas } from './check-schemas.ts';
import { loadSchema, schemaText, type Topic, subjectOf } from '../topics.ts';
import type { SchemaRegistry } from '../registry.ts';
import type { AvroRecord } from '../avro-schema.ts';
import { type Incompatibility, compareForFullTransitive, type ReleasedSchema } from './compatibility.ts';
import { type Change, type DeployOrder, deployOrderOf, describeChange } from './describe-change.ts';
import { readFileSync } from 'node:fs';
import { parseJsonBytes } from '../strict-json.ts';

/** The result for one subject; `would register` in a dry run. */
type RegistrationState = 'already there' | 'registered' | 'would register' | 'refused';

export interface Registration {
  readonly subject: string;
  readonly state: RegistrationState;
  /** The version and id that hold this program's schema; null while none does. */
  readonly version: number | null;
  readonly id: number | null;
  /** Against the registry's latest version. */
  readonly diff: SchemaDiff;
  /** Why it was refused; empty otherwise. */
  readonly problems: readonly Problem[];
}

interface RegisterOptions {
  readonly dryRun: boolean;
}

/**
 * Registers this program's schema of `topic`, unless a version of its subject is equal to it.
 *
 * TOL-8  What breaks the lint, a released version or any version in the registry is refused here, before the registry is
 *        asked: a registry may check less, or nothing.
 * TOL-9  A dry run changes nothing.
 */
export async function registerSchema(
  registry: SchemaRegistry,
  topic: Topic,
  { dryRun }: RegisterOptions,
): Promise<Registration> {
  const asked = subjectOf(topic);
  const subject = registry.nameOf?.(asked) ?? asked;
  const schema = loadSchema(topic);
  const text = schemaText(topic);
  const diff = diffSchema(topic, schema, await versionsInRegistry(topic, registry));
  const known = await registry.idOf(asked, text);
  if (known !== null) {
    return { subject, state: 'already there', ...(await placeOf(registry, asked, known)), diff, problems: [] };
  }
  const nowhere = { version: null, id: null };
  const problems = [...offlineProblems(topic), ...diff.problems];
  if (problems.length > 0) return { subject, state: 'refused', ...nowhere, diff, problems };
  if (dryRun) return { subject, state: 'would register', ...nowhere, diff, problems };
  try {
    const id = await registry.register(asked, text);
    return { subject, state: 'registered', ...(await placeOf(registry, asked, id)), diff, problems };
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return { subject, state: 'refused', ...nowhere, diff, problems: problemsOf(thrown) };
  }
}

function offlineProblems(topic: Topic): readonly Problem[] {
  return checkSchemas().filter((finding) => finding.topic === topic.name && finding.level === 'problem');
}

async function placeOf(registry: SchemaRegistry, subject: string, id: number) {
  const versions = await registry.versions(subject);
  return { id, version: versions.find((version) => version.id === id)?.version ?? null };
}

function problemsOf(error: HarvestlineError): readonly Problem[] {
  return error.problems.length > 0 ? error.problems : [{ path: '(root)', why: error.message }];
}

/** How a topic's schema differs from the latest of other versions, and what that means for all of them. */
export interface SchemaDiff {
  readonly topic: string;
  readonly against: string;
  /** The latest of the other versions; null where there is none. */
  readonly version: number | null;
  /** The one of them that is this program's schema; null where none is. */
  readonly held_as: number | null;
  /**
   * From the latest version to this program's schema. Where that is an older version of them: from it to the latest, for
   * then the others are the news.
   */
  readonly changes: readonly Change[];
  readonly compatible: boolean;
  readonly deploy_first: DeployOrder;
  /** With every other version, not only with the latest; none for a schema that is one of them. */
  readonly problems: readonly Incompatibility[];
}

/** Compares `schema` with the other versions. Nothing is compared where there are none: then everything is new. */
export function diffSchema(topic: Topic, schema: AvroRecord, { origin, versions }: TopicVersions): SchemaDiff {
  const latest = versions.at(-1);
  const held = versions.findLast((version) => describeChange(schema, version.schema).length === 0);
  const problems = held === undefined ? compareForFullTransitive(schema, versions) : [];
  const changes = latest === undefined ? [] : changesBetween(schema, latest.schema, held !== undefined);
  const compatible = problems.length === 0;
  return {
    topic: topic.name,
    against: origin,
    version: latest?.version ?? null,
    held_as: held?.version ?? null,
    changes,
    compatible,
    deploy_first: deployOrderOf(changes, compatible),
    problems,
  };
}

function changesBetween(own: AvroRecord, latest: AvroRecord, held: boolean): readonly Change[] {
  return held ? describeChange(latest, own) : describeChange(own, latest);
}

/** Older versions of one topic's schema, oldest first, and where they are from. */
interface TopicVersions {
  /** `released`, `the registry` or the name of a file. */
  readonly origin: string;
  readonly versions: readonly ReleasedSchema[];
}

/** The versions of schemas/released/. */
export function versionsReleased(topic: Topic): TopicVersions {
  return { origin: 'released', versions: releasedSchemas(topic.name) };
}

/** The versions that the registry holds. Throws REGISTRY_AWAY. */
export async function versionsInRegistry(topic: Topic, registry: SchemaRegistry): Promise<TopicVersions> {
  const versions = await registry.versions(subjectOf(topic));
  return {
    origin: 'the registry',
    versions: versions.map(({ version, schema }) => ({ version, schema: JSON.parse(schema) as AvroRecord })),
  };
}

/** One version out of a file that holds an Avro schema. Throws USAGE where it does not. */
export function versionInFile(file: string): TopicVersions {
  let schema: unknown;
  try {
    const { value, problems } = parseJsonBytes(readFileSync(file));
    if (problems.length > 0) throw new Error(formatProblems(problems));
    schema = value;
  } catch (cause) {
    throw new HarvestlineError('USAGE', `${file} is no schema: ${messageOf(cause)}`, { at: { file }, cause });
  }
  if (!isRecordSchema(schema)) {
    throw new HarvestlineError('USAGE', `${file} is no schema: it is not an Avro record`, { at: { file } });
  }
  return { origin: file, versions: [{ version: 1, schema }] };
}

function isRecordSchema(schema: unknown): schema is AvroRecord {
  return typeof schema === 'object' && schema !== null && 'fields' in schema && Array.isArray(schema.fields);
}
