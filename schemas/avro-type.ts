/* oxlint-disable no-underscore-dangle -- `_read` and `_skip` are avsc's names */
import avsc from 'avsc';

/** avsc's cursor over the bytes of one record, as far as it is used here. */
interface Tap {
  readonly buf: Uint8Array;
  pos: number;
  readLong(): number;
  skipLong(): void;
  skipString(): void;
}

interface Items {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
}

/**
 * An array that is read only as far as there are bytes. avsc itself believes the count that the bytes claim: five corrupt
 * bytes make it reserve and fill a list of 2^30 items, and the process dies of one poison record. No item of our schemas
 * is encoded in less than a byte, so a count above the bytes left is corrupt.
 */
class GuardedArrayType extends avsc.types.ArrayType {
  /** Called by avsc; as a resolver's method, too, so `this.itemsType` is what reads the writer's items. */
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Items;
    const values: unknown[] = [];
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      for (let index = 0; index < count; index++) values.push(items._read(tap));
    }
    return values;
  }

  /** Called by avsc for a field that the reader does not have. */
  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Items;
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      for (let index = 0; index < count; index++) items._skip(tap);
    }
  }
}

/** The same for a map of the writer's that our schemas do not have: it is skipped, entry by entry. */
class GuardedMapType extends avsc.types.MapType {
  _skip(tap: Tap): void {
    const values = this.valuesType as unknown as Items;
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      for (let index = 0; index < count; index++) {
        tap.skipString();
        values._skip(tap);
      }
    }
  }
}

/** The number of items in the next block; 0 after the last. A negative count is followed by the block's size in bytes. */
function readCount(tap: Tap): number {
  const claimed = tap.readLong();
  if (claimed < 0) tap.skipLong();
  const count = Math.abs(claimed);
  const left = tap.buf.length - tap.pos;
  if (count > left) throw new Error(`a block claims ${count} items, and ${Math.max(0, left)} bytes are left`);
  return count;
}

/** The avsc type of a schema. Throws where it is not Avro. */
export function avroTypeOf(schema: unknown): avsc.Type {
  return avsc.Type.forSchema(schema as avsc.Schema, {
    typeHook: (inner, options) => {
      if (typeof inner !== 'object' || !('type' in inner)) return undefined;
      if (inner.type === 'array') return new GuardedArrayType(inner, options);
      return inner.type === 'map' ? new GuardedMapType(inner, options) : undefined;
    },
  });
}
