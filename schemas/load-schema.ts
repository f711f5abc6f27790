import { readFileSync } from 'node:fs';
import type { AvroRecord } from './avro-schema.ts';
import type { Topic } from './topics.ts';

/** The schema of a topic's value, `schemas/<topic>.avsc`. Throws when the file is missing or not JSON: that is a broken checkout. */
export function loadSchema(topic: Topic): AvroRecord {
  return JSON.parse(readFileSync(new URL(`./${topic.name}.avsc`, import.meta.url), 'utf8')) as AvroRecord;
}

/** Its text, as registries are given it and asked for it: some compare texts. */
export function schemaText(topic: Topic): string {
  return JSON.stringify(loadSchema(topic));
}
