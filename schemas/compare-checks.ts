import type { Problem } from '../errors/harvestline-error.ts';
import {
  type AvroEnum,
  type AvroSchema,
  type Bounds,
  BOUNDS_LOGICAL_TYPE,
  isUnion,
  nullableOf,
} from './avro-schema.ts';

export type Direction = 'new reader, old data' | 'old reader, new data';

export interface DirectedProblem extends Problem {
  readonly direction: Direction;
}

/**
 * Where the strict check of records, which runs at produce and at consume, would part old from new although Avro resolves
 * one as the other:
 *
 * B1  A bound that is tightened makes new readers refuse old records; one that is widened makes old readers refuse new
 *     records. So a bound never changes, whether the field is nullable or not.
 * B2  A symbol that is removed makes new readers refuse old records: it is read as the enum's default, which nobody may
 *     act on. A symbol that is added is allowed: older readers set such records aside until they are upgraded.
 *
 * Only what both schemas have is compared; the rest is Avro's to judge.
 */
export function compareChecks(current: AvroSchema, released: AvroSchema): readonly DirectedProblem[] {
  return compare(current, released, '');
}

function compare(current: AvroSchema, released: AvroSchema, path: string): readonly DirectedProblem[] {
  const now = nullableOf(current) ?? current;
  const before = nullableOf(released) ?? released;
  if (isUnion(now) || isUnion(before)) return [];
  const bounds = compareBounds(boundsOf(now), boundsOf(before), path);
  if (typeof now === 'string' || typeof before === 'string') return bounds;
  if (now.type === 'enum' && before.type === 'enum') return compareSymbols(now, before, path);
  if (now.type === 'array' && before.type === 'array') {
    return [...bounds, ...compare(now.items, before.items, `${path}[]`)];
  }
  if (now.type === 'record' && before.type === 'record') {
    return now.fields.flatMap((field) => {
      const old = before.fields.find(({ name }) => name === field.name || field.aliases?.includes(name));
      return old === undefined ? [] : compare(field.type, old.type, path === '' ? field.name : `${path}.${field.name}`);
    });
  }
  return bounds;
}

function boundsOf(schema: Exclude<AvroSchema, readonly AvroSchema[]>): Bounds {
  if (typeof schema === 'string' || schema.type === 'record' || schema.type === 'enum') return {};
  return schema.logicalType === BOUNDS_LOGICAL_TYPE ? schema : {};
}

/** One end of what is allowed, with the words for it. `open`: the value itself is not allowed. */
interface End {
  readonly value: number;
  readonly open: boolean;
  readonly text: string;
}

function lowerEnd(bounds: Bounds): End {
  if (bounds.exclusiveMinimum !== undefined) return end(bounds.exclusiveMinimum, true, 'above');
  if (bounds.minimum !== undefined) return end(bounds.minimum, false, 'at least');
  // A length of at least 0 says nothing.
  const length = bounds.minLength ?? bounds.minItems ?? 0;
  return length === 0 ? { value: -Infinity, open: false, text: 'no lower bound' } : end(length, false, 'at least');
}

function upperEnd(bounds: Bounds): End {
  if (bounds.exclusiveMaximum !== undefined) return end(bounds.exclusiveMaximum, true, 'below');
  const value = bounds.maximum ?? bounds.maxLength ?? bounds.maxItems;
  return value === undefined ? { value: Infinity, open: false, text: 'no upper bound' } : end(value, false, 'at most');
}

function end(value: number, open: boolean, word: string): End {
  return { value, open, text: `${word} ${value}` };
}

function compareBounds(now: Bounds, before: Bounds, path: string): readonly DirectedProblem[] {
  const changes = [
    { now: lowerEnd(now), before: lowerEnd(before), inwards: 1 },
    { now: upperEnd(now), before: upperEnd(before), inwards: -1 },
  ];
  return changes.flatMap((change) => {
    const { value, open } = change.before;
    if (change.now.value === value && change.now.open === open) return [];
    const tightened =
      change.now.value === value ? change.now.open : change.now.value * change.inwards > value * change.inwards;
    const texts = `from ${change.before.text} to ${change.now.text}`;
    return tightened
      ? [directed('new reader, old data', path, `the bound was tightened ${texts}: new readers refuse old records`)]
      : [directed('old reader, new data', path, `the bound was widened ${texts}: old readers refuse new records`)];
  });
}

function compareSymbols(now: AvroEnum, before: AvroEnum, path: string): readonly DirectedProblem[] {
  const removed = before.symbols.filter((symbol) => !now.symbols.includes(symbol));
  if (removed.length === 0) return [];
  return [
    directed(
      'new reader, old data',
      path,
      `${removed.join(', ')} was removed from ${now.name}: new readers refuse old records that hold it`,
    ),
  ];
}

function directed(direction: Direction, path: string, why: string): DirectedProblem {
  return { direction, path: path === '' ? '(root)' : path, why };
}
