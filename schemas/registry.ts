import type { SchemaId } from './wire-format.ts';

/** One version of a subject. */
export interface SubjectVersion {
  /** 1, 2, 3 …; a deleted version leaves a gap. */
  readonly version: number;
  /** The registry's id of the schema text. */
  readonly id: number;
  /** The schema as the registry words it: equal in meaning to what was registered, not always in text. */
  readonly schema: string;
}

/**
 * A schema registry as the codec needs it. Ids are Confluent's: one id a schema text, unique in the registry.
 * Every method throws REGISTRY_AWAY (transient) when there is no answer; `null` is a definite no.
 */
export interface SchemaRegistry {
  /** What messages call the subject, where the registry that desks share has it under another name. */
  nameOf?(subject: string): string;
  /** The id under which exactly this schema is a version of `subject`. */
  idOf(subject: string, schema: string): Promise<number | null>;
  /** The text of the schema with that id; null for every GUID, too, where the registry has none. */
  schemaOf(id: SchemaId): Promise<string | null>;
  /** Every version of the subject, oldest first; none for a subject the registry does not know. */
  versions(subject: string): Promise<readonly SubjectVersion[]>;
  /** Makes the schema a version of the subject; an explicit act, never part of producing. Returns its id. */
  register(subject: string, schema: string): Promise<number>;
}
