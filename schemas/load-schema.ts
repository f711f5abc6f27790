import { readFileSync } from 'node:fs';
import type { AvroRecord } from './avro-schema.ts';
import type { Topic } from './topics.ts';

/** The text of `schemas/<topic>.avsc`. */
export function schemaText(topic: Topic): string {
  return readFileSync(new URL(`./${topic.name}.avsc`, import.meta.url), 'utf8');
}

/** The schema of a topic's value. Throws when the file is missing or not JSON: that is a broken checkout. */
export function loadSchema(topic: Topic): AvroRecord {
  return JSON.parse(schemaText(topic)) as AvroRecord;
}
