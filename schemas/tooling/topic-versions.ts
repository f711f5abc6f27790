import { readFileSync } from 'node:fs';
import { HarvestlineError, formatProblems, messageOf } from '../../errors/harvestline-error.ts';
import type { AvroRecord } from '../avro-schema.ts';
import { releasedSchemas } from './check-schemas.ts';
import type { ReleasedSchema } from './compatibility.ts';
import type { SchemaRegistry } from '../registry.ts';
import { parseJsonBytes } from '../strict-json.ts';
import { type Topic, subjectOf } from '../topics.ts';

/** Older versions of one topic's schema, oldest first, and where they are from. */
export interface TopicVersions {
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
