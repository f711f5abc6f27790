/** How each kind of number is written, alike on pages and terminals. */
const MINUS = '\u2212';
const NO_BREAK_SPACE = '\u00A0';

/** A Brier score or log loss, or a change of one: the fourth decimal matters. */
export function score(value: number): string {
  return fixed(value, 4);
}

export function signedScore(value: number): string {
  const text = score(value);
  return Number(value.toFixed(4)) > 0 ? `+${text}` : text;
}

export function probability(value: number): string {
  return fixed(value, 3);
}

/** A difference of two probabilities, with its sign. */
export function signedProbability(value: number): string {
  const text = probability(value);
  return Number(value.toFixed(3)) > 0 ? `+${text}` : text;
}

export function percent(share: number): string {
  return `${fixed(100 * share, 1)}${NO_BREAK_SPACE}%`;
}

/** A difference of two probabilities. */
export function points(difference: number): string {
  return `${fixed(100 * difference, 1)}${NO_BREAK_SPACE}points`;
}

export function interval(
  { low, high }: { readonly low: number; readonly high: number },
  figure: (value: number) => string,
): string {
  return `${figure(low)} to ${figure(high)}`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A number of any size, in four significant digits. */
export function plain(value: number): string {
  return Number.isFinite(value) ? significant(value, 4).replace('-', MINUS) : notFinite(value);
}

/** A finite number in so many significant digits, with the minus sign of ASCII: for texts in JSON and in records. */
export function significant(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return notFinite(value);
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', MINUS);
}

function notFinite(value: number): string {
  if (Number.isNaN(value)) return '\u2013';
  return value > 0 ? '\u221E' : `${MINUS}\u221E`;
}
