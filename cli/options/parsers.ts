/** Parsers of option values, for commander. Each throws what a person is to write instead. */
import { InvalidArgumentError } from 'commander';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { EVERY_OTHER_ACCOUNT } from '../../pipelines/desk/claims.ts';

/** Leaves room in a position_id, which begins with it. Unit: UTF-16 code units. */
const MAX_ACCOUNT = 128;

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 0 or more.');
  return Number(text);
}

export function positiveNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 1 or more.');
  return Number(text);
}

export function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[1-9]\d{0,8}$/.test(text) && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };
}

export function seconds(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('Give a whole number of seconds, 1 or more.');
  return Number(text);
}

export function days(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number of days above 0.');
  return value;
}

/** In any notation that JavaScript reads, such as 1e6. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number, not negative.');
  return value;
}

/** The same, also below 0. */
export function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

export function amount(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('Give an amount above 0, e.g. 5000.');
  return value;
}

/** One word of an option that takes several values: commas separate them, and the option may be repeated. */
export function listed(text: string, before: readonly string[] | undefined): readonly string[] {
  const values = text.split(',').map((value) => value.trim());
  if (values.some((value) => value === ''))
    throw new InvalidArgumentError('Separate values by commas, and leave none empty.');
  return [...(before ?? []), ...values];
}

export function marketIds(text: string, before: readonly string[] | undefined): readonly string[] {
  const ids = listed(text, before);
  if (ids.some((id) => /\s/.test(id))) throw new InvalidArgumentError('Separate market ids by commas.');
  return ids;
}

/** Keys are account:symbol, so an account with a colon would share the key of another. */
export function accountName(text: string): string {
  const isName = /^[^\p{Cc}\p{Cf}\s:](?:[^\p{Cc}\p{Cf}:]*[^\p{Cc}\p{Cf}\s:])?$/u.test(text);
  if (isName && text.length <= MAX_ACCOUNT && text !== EVERY_OTHER_ACCOUNT) return text;
  throw new InvalidArgumentError(
    `Give 1 to ${MAX_ACCOUNT} characters without a colon, a control character, or a space at either end.`,
  );
}

/** A place in a topic. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** `PARTITION:OFFSET`. Throws USAGE. */
export function place(text: string): Place {
  return placeOf(text, '3:17');
}

/** `PARTITION:OFFSET[,…]` as offsets by partition. Throws USAGE. */
export function offsets(text: string): ReadonlyMap<number, number> {
  const places = text.split(',').map((part) => placeOf(part, '0:1200,3:950'));
  return new Map(places.map(({ partition, offset }) => [partition, offset]));
}

function placeOf(text: string, example: string): Place {
  const [, partition, offset] = /^(\d{1,9}):(\d{1,15})$/.exec(text.trim()) ?? [];
  if (partition === undefined || offset === undefined)
    throw new HarvestlineError('USAGE', `${text} is no PARTITION:OFFSET, for example ${example}`);
  return { partition: Number(partition), offset: Number(offset) };
}
