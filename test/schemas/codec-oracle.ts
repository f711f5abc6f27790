import type avsc from 'avsc';
import { HarvestlineError, type Problem, messageOf } from '../../errors/harvestline-error.ts';

/** What became of bytes or of a record, in a form that can be compared. */
export type Outcome =
  | { readonly kind: 'record'; readonly record: unknown; readonly problems: readonly Problem[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly problems: readonly Problem[] };

/** The oracle: avsc, and the check that explains, with nothing compiled. */
export function readByAvsc(
  type: avsc.Type,
  resolver: ReturnType<avsc.Type['createResolver']> | undefined,
  check: (value: unknown) => readonly Problem[],
  bytes: Buffer,
): Outcome {
  let record: unknown;
  try {
    record = type.fromBuffer(bytes, resolver);
  } catch (cause) {
    return { kind: 'error', code: 'AVRO_CORRUPT', message: messageOf(cause), problems: [] };
  }
  return { kind: 'record', record, problems: check(record) };
}

/** The same, of a record that is written. */
export function writeByAvsc(type: avsc.Type, check: (value: unknown) => readonly Problem[], record: unknown): Outcome {
  const problems = check(record);
  if (problems.length > 0) return { kind: 'error', code: 'RECORD_INVALID', message: '', problems };
  return { kind: 'bytes', bytes: type.toBuffer(record) };
}

/** What the codec makes of it. An AVRO_CORRUPT says avsc's words, which are its cause. */
export function outcomeOf(act: () => Outcome): Outcome {
  try {
    return act();
  } catch (thrown) {
    if (!(thrown instanceof HarvestlineError)) throw thrown;
    const { code, cause, problems } = thrown;
    return { kind: 'error', code, message: cause === undefined ? '' : messageOf(cause), problems };
  }
}

/** Equal in every byte, number (-0 is not 0), name and order of names; not in the class of objects, which avsc makes itself. */
export function same(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  const others = Object.keys(other);
  return (
    names.length === others.length &&
    names.every(
      (name, index) =>
        name === others[index] &&
        same((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
    )
  );
}
