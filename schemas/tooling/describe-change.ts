import { isDeepStrictEqual } from 'node:util';
import {
  type AvroEnum,
  type AvroField,
  type AvroRecord,
  type AvroSchema,
  boundsOf,
  isUnion,
  nullableOf,
  boundsTextOf,
  typeTextOf,
} from '../avro-schema.ts';
import { isBoundAdded } from './compare-checks.ts';
import { unitOf } from '../market-bounds.ts';

type ChangeKind =
  | 'field-added'
  | 'field-removed'
  | 'field-renamed'
  | 'order-changed'
  | 'name-changed'
  | 'type-changed'
  | 'null-changed'
  | 'bound-added'
  | 'bound-changed'
  | 'symbol-added'
  | 'symbol-removed'
  | 'default-changed'
  | 'alias-changed'
  | 'doc-changed'
  | 'other-changed';

/** One difference between two versions of a schema, in words. */
export interface Change {
  readonly kind: ChangeKind;
  /** As in the lint and the compatibility check: `factors[].points`, `(root)` for the record itself. */
  readonly path: string;
  readonly text: string;
}

/**
 * Which side of a topic is deployed first.
 * - `either`           old and new read each other's records in full
 * - `consumers first`  older consumers set records with a new enum symbol aside as dead letters until they are upgraded
 * - `neither`          the change is incompatible: it must not be deployed at all
 */
export type DeployOrder = 'either' | 'consumers first' | 'neither';

export function deployOrderOf(changes: readonly Change[], compatible: boolean): DeployOrder {
  if (!compatible) return 'neither';
  return changes.some(({ kind }) => kind === 'symbol-added') ? 'consumers first' : 'either';
}

/**
 * Every difference of `now` from `before`, in the order of `now`'s fields. Says what changed, not whether it may: that is
 * compatibility.ts.
 *
 * TOL-7  It is empty for equal schemas, whatever the layout and the order of attributes in their JSON, and only for those: an
 *        attribute that has no words here is still a change.
 */
export function describeChange(now: AvroRecord, before: AvroRecord): readonly Change[] {
  const changes = compareTypes(now, before, '');
  if (changes.length > 0 || isDeepStrictEqual(now, before)) return changes;
  return [change('other-changed', '', 'attributes changed that change neither types, bounds nor docs')];
}

type Aliases = readonly string[] | undefined;

/** `unit` is what the doc of the field names for its numbers. */
function compareTypes(
  now: AvroSchema,
  before: AvroSchema,
  path: string,
  unit: string | null = null,
): readonly Change[] {
  if (isDeepStrictEqual(now, before)) return [];
  const changes: Change[] = [];
  const [nullNow, nullBefore] = [nullableOf(now) !== undefined, nullableOf(before) !== undefined];
  if (nullNow !== nullBefore) {
    changes.push(change('null-changed', path, nullNow ? 'may be null now' : 'may be null no more'));
  }
  return [...changes, ...compareInner(nullableOf(now) ?? now, nullableOf(before) ?? before, path, unit)];
}

function compareInner(now: AvroSchema, before: AvroSchema, path: string, unit: string | null): readonly Change[] {
  if (typeof now !== 'string' && typeof before !== 'string' && !isUnion(now) && !isUnion(before)) {
    if (now.type === 'record' && before.type === 'record') return compareRecords(now, before, path);
    if (now.type === 'enum' && before.type === 'enum') return compareEnums(now, before, path);
    if (now.type === 'array' && before.type === 'array') {
      return [...compareBounds(now, before, path, unit), ...compareTypes(now.items, before.items, `${path}[]`, unit)];
    }
  }
  const [typeNow, typeBefore] = [typeTextOf(now), typeTextOf(before)];
  return [
    ...(typeNow === typeBefore ? [] : [change('type-changed', path, `type changed from ${typeBefore} to ${typeNow}`)]),
    ...compareBounds(now, before, path, unit),
  ];
}

function compareBounds(now: AvroSchema, before: AvroSchema, path: string, unit: string | null): readonly Change[] {
  const [textNow, textBefore] = [boundsTextOf(now) || 'none', boundsTextOf(before) || 'none'];
  if (textNow === textBefore) return [];
  if (isBoundAdded(boundsOf(now), boundsOf(before), unit)) {
    const text = `bounds added: from ${textBefore} to ${textNow}, beyond which no truthful record lies`;
    return [change('bound-added', path, text)];
  }
  return [change('bound-changed', path, `bounds changed from ${textBefore} to ${textNow}`)];
}

function compareRecords(now: AvroRecord, before: AvroRecord, path: string): readonly Change[] {
  const changes: Change[] = [
    ...compareNames(now, before, path),
    ...compareAliases(now.aliases, before.aliases, path),
    ...compareDocs(now.doc, before.doc, path),
  ];
  const kept = new Set<string>();
  for (const field of now.fields) {
    const at = join(path, field.name);
    const old =
      before.fields.find(({ name }) => name === field.name) ??
      before.fields.find(({ name }) => field.aliases?.includes(name));
    if (old === undefined) {
      changes.push(change('field-added', at, `added: ${fieldText(field)}`));
      continue;
    }
    kept.add(old.name);
    if (old.name !== field.name) changes.push(change('field-renamed', at, `renamed from ${old.name}`));
    changes.push(...compareFields(field, old, at));
  }
  for (const field of before.fields) {
    if (!kept.has(field.name))
      changes.push(change('field-removed', join(path, field.name), `removed: ${fieldText(field)}`));
  }
  if (
    !sameOrder(
      now.fields.map(({ name }) => name),
      before.fields.map(({ name }) => name),
    )
  ) {
    changes.push(change('order-changed', path, 'the order of the fields changed'));
  }
  return changes;
}

function compareFields(now: AvroField, before: AvroField, path: string): readonly Change[] {
  const changes: Change[] = [...compareTypes(now.type, before.type, path, unitOf(now.doc))];
  if (!isDeepStrictEqual(now.default, before.default)) {
    changes.push(change('default-changed', path, `default changed from ${defaultText(before)} to ${defaultText(now)}`));
  }
  return [...changes, ...compareAliases(now.aliases, before.aliases, path), ...compareDocs(now.doc, before.doc, path)];
}

function compareEnums(now: AvroEnum, before: AvroEnum, path: string): readonly Change[] {
  const changes: Change[] = [...compareNames(now, before, path)];
  for (const symbol of now.symbols) {
    if (!before.symbols.includes(symbol))
      changes.push(change('symbol-added', path, `${symbol} was added to ${now.name}`));
  }
  for (const symbol of before.symbols) {
    if (!now.symbols.includes(symbol))
      changes.push(change('symbol-removed', path, `${symbol} was removed from ${now.name}`));
  }
  if (!sameOrder(now.symbols, before.symbols)) {
    changes.push(change('order-changed', path, `the order of ${now.name}'s symbols changed`));
  }
  if (now.default !== before.default) {
    changes.push(
      change(
        'default-changed',
        path,
        `${now.name}'s default changed from ${before.default ?? 'none'} to ${now.default ?? 'none'}`,
      ),
    );
  }
  return [...changes, ...compareDocs(now.doc, before.doc, path, `${now.name}'s doc`)];
}

function compareNames(now: AvroRecord | AvroEnum, before: AvroRecord | AvroEnum, path: string): readonly Change[] {
  const [nameNow, nameBefore] = [nameText(now), nameText(before)];
  if (nameNow === nameBefore) return [];
  return [change('name-changed', path, `the ${now.type} changed its name from ${nameBefore} to ${nameNow}`)];
}

function compareAliases(now: Aliases, before: Aliases, path: string): readonly Change[] {
  if (isDeepStrictEqual(now ?? [], before ?? [])) return [];
  return [change('alias-changed', path, `aliases changed from ${listText(before)} to ${listText(now)}`)];
}

function compareDocs(
  now: string | undefined,
  before: string | undefined,
  path: string,
  what = 'doc',
): readonly Change[] {
  if (now === before) return [];
  return [
    change('doc-changed', path, `${what} changed from ${JSON.stringify(before ?? '')} to ${JSON.stringify(now ?? '')}`),
  ];
}

/** Whether what both have stands in the same order; what only one has does not matter. */
function sameOrder(now: readonly string[], before: readonly string[]): boolean {
  return isDeepStrictEqual(
    now.filter((name) => before.includes(name)),
    before.filter((name) => now.includes(name)),
  );
}

/** `double or null, at least 0, default null`. */
function fieldText(field: AvroField): string {
  const nullable = nullableOf(field.type) === undefined ? '' : ' or null';
  const bounds = boundsTextOf(field.type);
  return [
    typeTextOf(field.type) + nullable,
    bounds,
    field.default === undefined ? 'no default' : `default ${defaultText(field)}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function defaultText(field: AvroField): string {
  return field.default === undefined ? 'none' : JSON.stringify(field.default);
}

function listText(names: Aliases): string {
  return names === undefined || names.length === 0 ? 'none' : names.join(', ');
}

function nameText(schema: AvroRecord | AvroEnum): string {
  return schema.type === 'record' && schema.namespace !== undefined
    ? `${schema.namespace}.${schema.name}`
    : schema.name;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function change(kind: ChangeKind, path: string, text: string): Change {
  return { kind, path: path === '' ? '(root)' : path, text };
}
