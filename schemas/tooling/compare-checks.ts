import type { Problem } from '../../errors/harvestline-error.ts';
import { type AvroEnum, type AvroSchema, type Bounds, boundsOf, isUnion, nullableOf } from '../avro-schema.ts';
import { isMarketBound, unitOf } from '../market-bounds.ts';

export type Direction = 'new reader, old data' | 'old reader, new data';

interface DirectedProblem extends Problem {
  readonly direction: Direction;
}

/**
 * Finds where the strict check of records, which runs at produce and at consume, would separate old from new although Avro resolves
 * one as the other:
 *
 * TOL-1  A bound that is tightened makes new readers refuse old records; one that is widened makes old readers refuse new
 *        records. So a bound never changes, whether the field is nullable or not.
 * TOL-2  A symbol that is removed makes new readers refuse old records: it is read as the enum's default, which nobody may
 *        act on. A symbol that is added is allowed: older readers set such records aside until they are upgraded.
 * TOL-3  The one exception of TOL-1: an end that was released without a bound, or with no more than "above 0", may be given that of its
 *        unit in MARKET_BOUNDS. No truthful record lies beyond it, so none is refused; what an older writer wrote beyond it is
 *        damage, and ends as a dead letter rather than in an order. It is reported as an addition, and once released it is as fixed as any.
 *
 * Only what both schemas have is compared; the rest is Avro's to judge.
 */
export function compareChecks(current: AvroSchema, released: AvroSchema): readonly DirectedProblem[] {
  return compare(current, released, { path: '', unit: null });
}

/** The paths whose bounds were added since `released`, as TOL-3 allows. */
export function addedBounds(current: AvroSchema, released: AvroSchema): readonly string[] {
  const added: string[] = [];
  compare(current, released, { path: '', unit: null, added });
  return added;
}

/** Whether the bounds of two versions differ only by ends that TOL-3 lets add. */
export function isBoundAdded(now: Bounds, before: Bounds, unit: string | null): boolean {
  const changes = changedEnds(now, before);
  return changes.length > 0 && changes.every((change) => isAddition(change, now, unit));
}

/** Where a comparison stands, and what the number there is measured in. */
interface Place {
  readonly path: string;
  readonly unit: string | null;
  /** Collects the paths of TOL-3. */
  readonly added?: string[];
}

function compare(current: AvroSchema, released: AvroSchema, place: Place): readonly DirectedProblem[] {
  const now = nullableOf(current) ?? current;
  const before = nullableOf(released) ?? released;
  if (isUnion(now) || isUnion(before)) return [];
  const bounds = compareBounds(boundsOf(now), boundsOf(before), place);
  if (typeof now === 'string' || typeof before === 'string') return bounds;
  if (now.type === 'enum' && before.type === 'enum') return compareSymbols(now, before, place.path);
  if (now.type === 'array' && before.type === 'array') {
    return [...bounds, ...compare(now.items, before.items, { ...place, path: `${place.path}[]` })];
  }
  if (now.type === 'record' && before.type === 'record') {
    return now.fields.flatMap((field) => {
      const old = before.fields.find(({ name }) => name === field.name || field.aliases?.includes(name));
      const path = place.path === '' ? field.name : `${place.path}.${field.name}`;
      return old === undefined ? [] : compare(field.type, old.type, { ...place, path, unit: unitOf(field.doc) });
    });
  }
  return bounds;
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

interface ChangedEnd {
  readonly now: End;
  readonly before: End;
  readonly tightened: boolean;
}

function changedEnds(now: Bounds, before: Bounds): readonly ChangedEnd[] {
  const ends = [
    { now: lowerEnd(now), before: lowerEnd(before), inwards: 1 },
    { now: upperEnd(now), before: upperEnd(before), inwards: -1 },
  ];
  return ends.flatMap(({ inwards, ...change }) => {
    const { value, open } = change.before;
    if (change.now.value === value && change.now.open === open) return [];
    const tightened = change.now.value === value ? change.now.open : change.now.value * inwards > value * inwards;
    return [{ ...change, tightened }];
  });
}

/** TOL-3. */
function isAddition({ before, tightened }: ChangedEnd, now: Bounds, unit: string | null): boolean {
  const saidNothing = !Number.isFinite(before.value) || (before.value === 0 && before.open);
  return tightened && saidNothing && isMarketBound(now, unit);
}

function compareBounds(now: Bounds, before: Bounds, { path, unit, added }: Place): readonly DirectedProblem[] {
  const changes = changedEnds(now, before);
  if (changes.some((change) => isAddition(change, now, unit))) added?.push(path);
  return changes.flatMap((change) => {
    if (isAddition(change, now, unit)) return [];
    const texts = `from ${change.before.text} to ${change.now.text}`;
    return change.tightened
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
