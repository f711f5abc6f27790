import { z } from 'zod';
import { HarvestlineError, formatProblems, messageOf, type Problem } from '../../errors/harvestline-error.ts';
import type { SchemaRegistry, SubjectVersion } from '../../schemas/registry.ts';
import { LARGEST_SCHEMA_ID, type SchemaId } from '../../schemas/wire-format.ts';

/** How to reach a registry. `url` includes the path of its Confluent-compatible API. */
export interface RegistryConnection {
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

/** A schema is some kilobytes, and the callers wait for it: longer is no answer. Unit: milliseconds. */
const TIMEOUT_MS = 10_000;

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** Every subject's level: old and new, readers and writers, in any order of deployment. */
const LEVEL = { compatibility: 'FULL_TRANSITIVE' };

/** Confluent's codes for a definite no: no such subject, version, schema. Another 404 is a wrong address or a proxy. */
const NOT_FOUND: ReadonlySet<number | undefined> = new Set([40401, 40402, 40403]);

const ErrorBody = z.object({ error_code: z.number().optional(), message: z.string().optional() });
const Id = z.int().min(0).max(LARGEST_SCHEMA_ID);
const IdBody = z.object({ id: Id });
const SchemaBody = z.object({ schema: z.string() });
const VersionNumbers = z.array(z.number());
const FoundBody = z.object({ id: Id, schema: z.string() });
const VersionBody = z.object({ id: Id, schema: z.string(), version: z.number() });

/** Ids of Java's `int` end below it: many registries cannot be asked for one that does not. */
const FIRST_LARGE_ID = 2 ** 31;

/** What a server says of a path that it does not have, or that it cannot read. */
const NO_SUCH_PATH: ReadonlySet<number> = new Set([400, 404, 405]);

/** Refused credentials: a definite no to a person who starts something. */
const UNAUTHORISED: ReadonlySet<number> = new Set([401, 403]);

interface Question {
  readonly body?: object;
  /** KFK-19. */
  readonly mayBeMissing?: boolean;
  /** KFK-20. */
  readonly recordsWait?: boolean;
}

/** The answer to one request; `no such path`: asked only where a registry may not have it. */
type Answer = { readonly kind: 'found'; readonly body: unknown } | { readonly kind: 'absent' | 'no such path' };

/**
 * A schema registry with Confluent's REST API (Confluent, Apicurio's /apis/ccompat/v7, Karapace). By plain HTTP rather
 * than by @kafkajs/confluent-schema-registry, which reads and writes the same bytes (see its interoperability test) but
 * lacks what is needed here: the text of a schema (it gives an avsc type, without docs), the level of a subject before its
 * first version, the versions of a subject, and a connection refused that does not look like the registry's own 400.
 *
 * KFK-17  A definite no is null; no answer is REGISTRY_AWAY; any other answer is REGISTRY_REFUSED.
 * KFK-18  The id of a schema is given only where the registry's text equals it in all that matters.
 * KFK-19  GUIDs, and ids above those of an `int`, are unknown to a registry that has no place for them. That it is a registry which says so is
 *      seen by its answer for an id that it has.
 * KFK-20  Where records wait for a schema, refused credentials are REGISTRY_AWAY, too: they worked at the start, and say nothing of the id.
 */
export class ConfluentRegistry implements SchemaRegistry {
  readonly #url: string;
  readonly #authorization: string | null;
  /** An id that it has answered with; undefined until it has. */
  #known: number | undefined;

  constructor({ url, auth }: RegistryConnection) {
    this.#url = url.replace(/\/+$/, '');
    this.#authorization =
      auth === undefined ? null : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  }

  async idOf(subject: string, schema: string): Promise<number | null> {
    const answer = await this.#ask('POST', `/subjects/${encodeURIComponent(subject)}`, { body: { schema } });
    if (answer.kind === 'found') {
      const { id, schema: theirs } = shaped(FoundBody, answer.body);
      this.#known = id;
      if (differences(schema, theirs).length === 0) return id;
    }
    // A registry may look schemas up by a form that leaves docs and bounds out, or by the very text.
    const versions = await this.versions(subject);
    return versions.find((version) => differences(schema, version.schema).length === 0)?.id ?? null;
  }

  async schemaOf(id: SchemaId): Promise<string | null> {
    if (typeof id === 'string') return this.#textAt(`/schemas/guids/${encodeURIComponent(id)}`, { mayBeMissing: true });
    return this.#textAt(`/schemas/ids/${id}`, { mayBeMissing: id >= FIRST_LARGE_ID });
  }

  async #textAt(path: string, { mayBeMissing }: { readonly mayBeMissing: boolean }): Promise<string | null> {
    const answer = await this.#ask('GET', path, { mayBeMissing, recordsWait: true });
    if (answer.kind === 'found') return shaped(SchemaBody, answer.body).schema;
    if (answer.kind === 'absent') return null;
    // KFK-19.
    const proof =
      this.#known === undefined
        ? { kind: 'absent' }
        : await this.#ask('GET', `/schemas/ids/${this.#known}`, { recordsWait: true });
    if (proof.kind === 'found') return null;
    throw new HarvestlineError('REGISTRY_AWAY', `GET ${this.#url}${path}: the answer is not a schema registry's`);
  }

  async versions(subject: string): Promise<readonly SubjectVersion[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.#ask('GET', path);
    if (answer.kind !== 'found') return [];
    const versions: SubjectVersion[] = [];
    for (const number of shaped(VersionNumbers, answer.body).toSorted((one, other) => one - other)) {
      const found = await this.#ask('GET', `${path}/${number}`);
      // Deleted in between.
      if (found.kind !== 'found') continue;
      const { version, id, schema } = shaped(VersionBody, found.body);
      this.#known = id;
      versions.push({ version, id, schema });
    }
    return versions;
  }

  async register(subject: string, schema: string): Promise<number> {
    const name = encodeURIComponent(subject);
    // Before the first version: some registries start with no level at all.
    await this.#ask('PUT', `/config/${name}`, { body: LEVEL });
    const answer = await this.#ask('POST', `/subjects/${name}/versions`, { body: { schema } });
    if (answer.kind !== 'found') throw refused(`registering ${subject}: the registry finds no such subject`);
    const { id } = shaped(IdBody, answer.body);
    const problems = differences(schema, (await this.schemaOf(id)) ?? '{}');
    if (problems.length > 0) {
      throw new HarvestlineError(
        'REGISTRY_REFUSED',
        `${subject}: the registry takes the schema for id ${id}, which differs: ${formatProblems(problems)}`,
        { problems },
      );
    }
    return id;
  }

  async #ask(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { body, mayBeMissing = false, recordsWait = false }: Question = {},
  ): Promise<Answer> {
    const what = `${method} ${this.#url}${path}`;
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        headers: {
          Accept: CONTENT_TYPE,
          ...(body === undefined ? {} : { 'Content-Type': CONTENT_TYPE }),
          ...(this.#authorization === null ? {} : { Authorization: this.#authorization }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw new HarvestlineError('REGISTRY_AWAY', `${what}: ${reasonOf(cause)}`, { cause });
    }
    const answer = parsed(text);
    if (status >= 200 && status < 300 && answer !== undefined) return { kind: 'found', body: answer };
    const { error_code: code, message = text.slice(0, 200) } = ErrorBody.safeParse(answer).data ?? {};
    if (status === 404 && NOT_FOUND.has(code)) return { kind: 'absent' };
    if (mayBeMissing && NO_SUCH_PATH.has(status)) return { kind: 'no such path' };
    if (status === 409) throw new HarvestlineError('SCHEMAS_INCOMPATIBLE', `${what}: ${message}`);
    // Too many requests, an overloaded or starting server, or an answer that is not the registry's.
    const isOdd = status === 404 || status === 408 || status === 429 || status >= 500 || answer === undefined;
    if (isOdd || (recordsWait && UNAUTHORISED.has(status))) {
      throw new HarvestlineError('REGISTRY_AWAY', `${what}: answered ${status}: ${message}`);
    }
    throw refused(`${what}: answered ${status}: ${message}`);
  }
}

function refused(message: string): HarvestlineError {
  return new HarvestlineError('REGISTRY_REFUSED', message);
}

/** KFK-17: what does not look like the registry's answer is none: a proxy, or another server at that address. */
function shaped<T>(shape: z.ZodType<T>, body: unknown): T {
  const { data, error } = shape.safeParse(body);
  if (error === undefined) return data;
  throw new HarvestlineError('REGISTRY_AWAY', `the answer is not a schema registry's: ${z.prettifyError(error)}`);
}

/** Undefined for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says "fetch failed" and keeps the reason in its cause. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? messageOf(thrown) : `${messageOf(thrown)}: ${messageOf(cause)}`;
}

/**
 * Registries give a schema back in words of their own: attributes in another order, `{"type": "string"}` as `"string"`, a
 * namespace left out that follows from the enclosing type. Everything else must be equal, docs and bounds included, for
 * they are what a reader of the registry goes by.
 */
export function differences(ours: string, theirs: string): readonly Problem[] {
  const problems: Problem[] = [];
  compare(normalised(JSON.parse(ours), ''), normalised(JSON.parse(theirs), ''), '', problems);
  return problems;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);
const COMPLEX: ReadonlySet<unknown> = new Set(['record', 'error', 'enum', 'array', 'map', 'fixed']);

/** The schema with full names, and with nothing said that follows from the rest. */
function normalised(schema: Json, enclosing: string): Json {
  if (typeof schema === 'string') return PRIMITIVES.has(schema) ? schema : fullName(schema, enclosing);
  if (isList(schema)) return schema.map((branch) => normalised(branch, enclosing));
  if (schema === null || typeof schema !== 'object') return schema;
  const { namespace: declared, ...attributes } = schema;
  const { type, name } = attributes;
  // A wrapper such as {"type": {"type": "array", …}} says nothing that its content does not.
  const isWrapper = Object.keys(attributes).length === 1 && type !== undefined && !COMPLEX.has(type);
  if (isWrapper) return normalised(type, enclosing);
  const namespace = typeof declared === 'string' ? declared : enclosing;
  const own = typeof name === 'string' ? fullName(name, namespace) : '';
  const inner = own.includes('.') ? own.slice(0, own.lastIndexOf('.')) : enclosing;
  return Object.fromEntries(
    Object.entries(attributes).map(([attribute, value]): [string, Json] => {
      if (attribute === 'name' && own !== '') return [attribute, own];
      if (attribute === 'fields' && isList(value))
        return [attribute, value.map((field) => normalisedField(field, inner))];
      if (attribute === 'items' || attribute === 'values') return [attribute, normalised(value, inner)];
      if (attribute === 'type' && !COMPLEX.has(value)) return [attribute, normalised(value, inner)];
      return [attribute, value];
    }),
  );
}

/** A field's name is in no namespace. */
function normalisedField(field: Json, enclosing: string): Json {
  if (field === null || typeof field !== 'object' || isList(field)) return field;
  return { ...field, type: normalised(field['type'] ?? null, enclosing) };
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function compare(ours: Json, theirs: Json, path: string, problems: Problem[]): void {
  if (ours === theirs) return;
  if (typeof ours !== 'object' || typeof theirs !== 'object' || ours === null || theirs === null) {
    problems.push({
      path: path === '' ? '(root)' : path,
      why: `${shown(ours)} here, ${shown(theirs)} in the registry`,
    });
    return;
  }
  const [left, right] = [entries(ours), entries(theirs)];
  // Avro writes fields in the schema's order, so it is part of the meaning; that of attributes is not.
  if (isList(ours) && left.size === right.size && [...left.keys()].join() !== [...right.keys()].join()) {
    problems.push({
      path: path === '' ? '(root)' : path,
      why: `in another order in the registry: ${[...right.keys()].join(', ')}`,
    });
  }
  for (const [name, value] of left) compareAt(value, right.get(name), name, path, problems);
  for (const [name, value] of right) if (!left.has(name)) compareAt(undefined, value, name, path, problems);
}

function compareAt(
  ours: Json | undefined,
  theirs: Json | undefined,
  name: string,
  path: string,
  problems: Problem[],
): void {
  const inner = path === '' ? name : `${path}.${name}`;
  if (ours === undefined) problems.push({ path: inner, why: 'only in the registry' });
  else if (theirs === undefined) problems.push({ path: inner, why: 'not in the registry' });
  else compare(ours, theirs, inner, problems);
}

/** Fields and other named members under their names, so that one that is inserted does not make the others differ. */
function entries(value: readonly Json[] | { readonly [name: string]: Json }): ReadonlyMap<string, Json> {
  if (!isList(value)) return new Map(Object.entries(value));
  return new Map(value.map((one, index) => [nameOf(one) ?? String(index), one]));
}

function nameOf(value: Json): string | undefined {
  if (value === null || typeof value !== 'object' || isList(value)) return undefined;
  return typeof value['name'] === 'string' ? value['name'] : undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function shown(value: Json): string {
  return JSON.stringify(value);
}
