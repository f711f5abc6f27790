/** The settings of policies as rows of a table, from their JSON Schema. */

/** One setting of a policy, as the guide shows it. */
export interface PolicyRow {
  /** `rules[].when.r_above` for a field inside a list. */
  readonly path: string;
  readonly type: string;
  readonly doc: string;
}

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Every setting of the JSON Schema of policies, in order. What several shapes of a rule share comes once; a shape that says what it is
 * comes as a row of its own, named by its `kind`.
 */
export function policyRows(schema: JsonSchema, path = ''): readonly PolicyRow[] {
  const below = path === '' ? '' : `${path}.`;
  const rows = [
    ...shapesOf(schema).flatMap((shape) => [...shapeRow(shape, path), ...policyRows(shape, path)]),
    ...Object.entries(objectOf(schema['properties'])).flatMap(([name, value]) => {
      const inner = objectOf(value);
      const own = `${below}${name}`;
      // `kind` is said by the row of its shape.
      if (name === 'kind') return [];
      return [{ path: own, type: typeText(inner), doc: docOf(inner) }, ...policyRows(inner, own)];
    }),
    ...(schema['items'] === undefined ? [] : policyRows(objectOf(schema['items']), `${path}[]`)),
  ];
  return mergedByPath(rows);
}

/** The row of `{ "kind": "graded", … }`: what it computes. */
function shapeRow(shape: JsonSchema, path: string): readonly PolicyRow[] {
  const kind = objectOf(objectOf(shape['properties'])['kind'])['const'];
  return typeof kind === 'string' ? [{ path: `${path}.kind`, type: `"${kind}"`, doc: `\`${docOf(shape)}\`` }] : [];
}

/** Shapes of a rule share most settings; what differs (`action`) is joined. */
function mergedByPath(rows: readonly PolicyRow[]): readonly PolicyRow[] {
  const merged = new Map<string, PolicyRow>();
  for (const row of rows) {
    const key = row.path.endsWith('.kind') ? `${row.path} ${row.type}` : row.path;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, row);
    else if (known.type !== row.type)
      merged.set(key, { ...row, type: `${known.type} or ${row.type}`, doc: `${known.doc} ${row.doc}` });
  }
  return [...merged.values()];
}

function typeText(schema: JsonSchema): string {
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  const shapes = shapesOf(schema);
  if (shapes.length > 0) return [...new Set(shapes.map(typeText))].join(' or ');
  const bounds = [
    boundText('at least', schema['minimum']),
    boundText('above', schema['exclusiveMinimum']),
    boundText('at most', schema['maximum']),
    boundText('at least', schema['minLength'], ' character'),
    boundText('at most', schema['maxLength'], ' characters'),
    boundText('at least', schema['minItems'], ' item'),
    boundText('at most', schema['maxItems'], ' items'),
    schema['pattern'] === undefined ? null : 'letters, digits, dot, dash and underscore, at most 64',
  ].filter((text) => text !== null);
  return [schema['type'] === 'array' ? 'list' : String(schema['type']), ...bounds].join(', ');
}

function boundText(word: string, bound: unknown, unit = ''): string | null {
  return typeof bound === 'number' ? `${word} ${bound}${unit}` : null;
}

function shapesOf(schema: JsonSchema): readonly JsonSchema[] {
  const shapes = schema['oneOf'] ?? schema['anyOf'];
  return Array.isArray(shapes) ? shapes.map(objectOf) : [];
}

function objectOf(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? (value as JsonSchema) : {};
}

function docOf(schema: JsonSchema): string {
  const doc = schema['description'];
  return typeof doc === 'string' ? doc : '';
}
