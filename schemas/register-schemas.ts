import { schemaText } from './load-schema.ts';
import type { SchemaRegistry } from './registry.ts';
import { TOPICS, subjectOf } from './topics.ts';

/** Makes this program's schemas versions of their subjects: the explicit act that producing relies on. */
export async function registerSchemas(registry: SchemaRegistry): Promise<void> {
  for (const topic of Object.values(TOPICS)) await registry.register(subjectOf(topic), schemaText(topic));
}
