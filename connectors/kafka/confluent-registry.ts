import { z } from 'zod';
import { HarvestlineError, formatProblems, messageOf, type Problem } from '../../errors/harvestline-error.ts';
import type { SchemaRegistry, SubjectVersion } from '../../schemas/registry.ts';
import { LARGEST_SCHEMA_ID, type SchemaId } from '../../schemas/wire-format.ts';

/** The address of a registry. `url` includes the path of its Confluent-compatible API. */
export interface RegistryConnection {
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

/** A schema has a few kilobytes and its callers wait for it, so a slower answer counts as none. Unit: milliseconds. */
const TIMEOUT_MS = 10_000;

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** The compatibility level of every subject: readers and writers may be deployed in any order. */
const LEVEL = { compatibility: 'FULL_TRANSITIVE' };

/** Confluent's codes for no such subject, version or schema. Any other 404 comes from a wrong address or a proxy. */
const NOT_FOUND: ReadonlySet<number | undefined> = new Set([40401, 40402, 40403]);

const ErrorBody = z.object({ error_code: z.number().optional(), message: z.string().optional() });
const Id = z.int().min(0).max(LARGEST_SCHEMA_ID);
const IdBody = z.object({ id: Id });
const SchemaBody = z.object({ schema: z.string() });
const VersionNumbers = z.array(z.number());
const FoundBody = z.object({ id: Id, schema: z.string() });
const VersionBody = z.object({ id: Id, schema: z.string(), version: z.number() });

/** The first id beyond Java's `int`. Many registries cannot be asked for it. */
const FIRST_LARGE_ID = 2 ** 31;

/** HTTP statuses for a path that a server does not have or cannot parse. */
const NO_SUCH_PATH: ReadonlySet<number> = new Set([400, 404, 405]);

/** HTTP statuses of refused credentials. */
const UNAUTHORISED: ReadonlySet<number> = new Set([401, 403]);

interface Question {
  readonly body?: object;
  /** The registry may have no such path (KFK-19). */
  readonly mayBeMissing?: boolean;
  /** Records wait for the answer (KFK-20). */
  readonly recordsWait?: boolean;
}

/** The answer to a request. `no such path` occurs only where `mayBeMissing` was given. */
type Answer = { readonly kind: 'found'; readonly body: unknown } | { readonly kind: 'absent' | 'no such path' };

/**
 * A schema registry with Confluent's REST API (Confluent, Apicurio's /apis/ccompat/v7, Karapace). It uses plain HTTP, because
 * @kafkajs/confluent-schema-registry lacks what is needed here: the text of a schema with its docs, the compatibility level of a subject
 * before its first version, the versions of a subject, and a way to tell a refused connection from the registry's own 400.
 *
 * KFK-17  What does not exist is null; no answer is REGISTRY_AWAY; any other answer is REGISTRY_REFUSED.
 * KFK-18  An id is returned only where the registry's schema equals ours in everything but its wording.
 * KFK-19  A registry without support for GUIDs, or for ids beyond an `int`, does not know them. Whether the answer came from a registry at
 *         all is proved by asking for an id that it has returned before.
 * KFK-20  Where records wait for a schema, refused credentials are REGISTRY_AWAY too: they worked at the start, and say nothing about the id.
 */
export class ConfluentRegistry implements SchemaRegistry {
  readonly #url: string;
  readonly #authorization: string | null;
  /** An id that the registry has returned; undefined before the first. */
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
    // Some registries look up schemas by a form without docs and bounds, others by the exact text.
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
      // Deleted meanwhile.
      if (found.kind !== 'found') continue;
      const { version, id, schema } = shaped(VersionBody, found.body);
      this.#known = id;
      versions.push({ version, id, schema });
    }
    return versions;
  }

  async register(subject: string, schema: string): Promise<number> {
    const name = encodeURIComponent(subject);
    // Before the first version: in some registries a new subject has no level.
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
    // Too many requests, a server that is overloaded or starting, or an answer that is not a registry's.
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

/** The body in that shape. Any other body is no answer of a registry (KFK-17), but of a proxy or another server. */
function shaped<T>(shape: z.ZodType<T>, body: unknown): T {
  const { data, error } = shape.safeParse(body);
  if (error === undefined) return data;
  throw new HarvestlineError('REGISTRY_AWAY', `the answer is not a schema registry's: ${z.prettifyError(error)}`);
}

/** The JSON value of a text; undefined where it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The reason of a failed fetch, whose own message is only "fetch failed". */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? messageOf(thrown) : `${messageOf(thrown)}: ${messageOf(cause)}`;
}

/**
 * Compares two texts of a schema (KFK-18). Registries reword schemas: they reorder attributes, write `"string"` for `{"type": "string"}`,
 * and leave out a namespace that follows from the enclosing type. Everything else must be equal, including docs and bounds, which
 * readers of the registry rely on.
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

/** The schema with full names and without redundant attributes. */
function normalised(schema: Json, enclosing: string): Json {
  if (typeof schema === 'string') return PRIMITIVES.has(schema) ? schema : fullName(schema, enclosing);
  if (isList(schema)) return schema.map((branch) => normalised(branch, enclosing));
  if (schema === null || typeof schema !== 'object') return schema;
  const { namespace: declared, ...attributes } = schema;
  const { type, name } = attributes;
  // A wrapper such as {"type": {"type": "array", …}} adds nothing to its content.
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

/** A field with a normalised type. Its name belongs to no namespace. */
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
  // The order of fields matters, since Avro writes them in that order. The order of attributes does not.
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

/** Members of an object or list; those of a list by their names where they have one, so that an inserted field is the only difference. */
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
