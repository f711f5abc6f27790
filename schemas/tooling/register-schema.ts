import { type HarvestlineError, type Problem, isKind } from '../../errors/harvestline-error.ts';
import { checkSchemas } from './check-schemas.ts';
import { loadSchema, schemaText } from '../load-schema.ts';
import type { SchemaRegistry } from '../registry.ts';
import { type Topic, subjectOf } from '../topics.ts';
import { type SchemaDiff, diffSchema } from './diff-schema.ts';
import { versionsInRegistry } from './topic-versions.ts';

/** What became of one subject. `would register` is a dry run's word for registered. */
export type RegistrationState = 'already there' | 'registered' | 'would register' | 'refused';

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

export interface RegisterOptions {
  readonly dryRun: boolean;
}

/**
 * Makes this program's schema of `topic` a version of its subject, unless some version is it already.
 *
 * G1  What breaks the lint, a released version or any version in the registry is refused here, before the registry is
 *     asked: a registry may check less, or nothing.
 * G2  A dry run changes nothing.
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
