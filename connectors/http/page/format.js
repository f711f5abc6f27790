/** How numbers, times and names are written on the page. What is unknown is a dash, never a stand-in value. */

export const UNKNOWN = '–';
const MINUS = '\u2212';
const NO_BREAK = '\u00A0';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Below these a smaller unit reads better. */
const SECONDS_BELOW_MS = 2 * MINUTE_MS;
const MINUTES_BELOW_MS = 2 * HOUR_MS;
const HOURS_BELOW_MS = 3 * DAY_MS;

/** Prices are written with that many significant digits, but always with a decimal. */
const PRICE_DIGITS = 5;
const MOST_DECIMALS = 9;

/** @param {number | null} value @param {(value: number) => string} write */
function known(value, write) {
  return value === null || !Number.isFinite(value) ? UNKNOWN : write(value);
}

/** One for each number of decimals: to make one takes longer than to write a thousand numbers. @type {Intl.NumberFormat[]} */
const FORMATS = Array.from(
  { length: MOST_DECIMALS + 1 },
  (_, decimals) => new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
);

/** @param {number} value @param {number} decimals */
function fixed(value, decimals) {
  const text = FORMATS[decimals]?.format(value) ?? String(value);
  return /[1-9]/.test(text) ? text.replace('-', MINUS) : text.replace('-', '');
}

/** With its sign, so that a loss shows without colour. @param {number | null} value */
export function signedR(value) {
  return known(value, (r) => signed(r, 2));
}

/** @param {number} value @param {number} decimals */
function signed(value, decimals) {
  const text = fixed(value, decimals);
  return /[1-9]/.test(text) && value > 0 ? `+${text}` : text;
}

/** A whole number, with separators. @param {number | null} value */
export function count(value) {
  return known(value, (whole) => fixed(Math.round(whole), 0));
}

/** @param {number} value @param {string} one @param {string} [many] */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)}${NO_BREAK}${value === 1 ? one : many}`;
}

/** A rate or a score: as many decimals as its size needs. @param {number | null} value */
export function rate(value) {
  return known(value, (number) => fixed(number, number >= 100 || Number.isInteger(number) ? 0 : 1));
}

/** @param {number | null} value */
export function price(value) {
  return known(value, (number) => {
    const size = number === 0 ? 0 : Math.floor(Math.log10(Math.abs(number)));
    return fixed(number, Math.min(MOST_DECIMALS, Math.max(1, PRICE_DIGITS - 1 - size)));
  });
}

/** Of what an input or a factor is measured in: a few significant digits. @param {number | null} value @param {number} [digits] */
export function measured(value, digits = 4) {
  return known(value, (number) => {
    const rounded = Number(number.toPrecision(digits));
    return rounded.toLocaleString('en-US', { maximumFractionDigits: MOST_DECIMALS }).replace('-', MINUS);
  });
}

/** @param {number | null} value @param {number} [decimals] */
export function percent(value, decimals = 0) {
  return known(value, (share) => `${fixed(100 * share, decimals)}${NO_BREAK}%`);
}

/** Basis points with their sign. @param {number | null} value */
export function basisPoints(value) {
  return known(value, (bps) => `${signed(bps, 2)}${NO_BREAK}bps`);
}

/** 7 s, 12 min, 3.4 h, 5.2 days. @param {number | null} value in milliseconds @returns {string} */
export function duration(value) {
  return known(value, (ms) => {
    if (ms < 0) return `${MINUS}${duration(-ms)}`;
    if (ms === 0) return `0${NO_BREAK}s`;
    if (ms < SECOND_MS) return `${fixed(ms, 0)}${NO_BREAK}ms`;
    if (ms < SECONDS_BELOW_MS) return `${fixed(ms / SECOND_MS, 0)}${NO_BREAK}s`;
    if (ms < MINUTES_BELOW_MS) return `${fixed(ms / MINUTE_MS, 0)}${NO_BREAK}min`;
    if (ms < HOURS_BELOW_MS) return `${fixed(ms / HOUR_MS, 1)}${NO_BREAK}h`;
    return `${fixed(ms / DAY_MS, 1)}${NO_BREAK}days`;
  });
}

/** @param {number | null} at */
function isoOf(at) {
  const date = at === null ? null : new Date(at);
  return date === null || Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** HH:MM:SS in UTC. @param {number | null} at */
export function timeOf(at) {
  return isoOf(at)?.slice(11, 19) ?? UNKNOWN;
}

/** @param {number | null} at */
export function dateOf(at) {
  return isoOf(at)?.slice(0, 10) ?? UNKNOWN;
}

/** To the minute, in UTC. @param {number | null} at */
export function minuteOf(at) {
  return isoOf(at)?.slice(0, 16).replace('T', ' ') ?? UNKNOWN;
}

/** For the attribute of a time element. @param {number | null} at */
export function machineTime(at) {
  return isoOf(at) ?? '';
}

/** A decision in words. @param {string} action @param {number} fraction */
export function decisionText(action, fraction) {
  if (action === 'HOLD') return 'Hold';
  if (action === 'CLOSE') return 'Close';
  if (action === 'PARTIAL_CLOSE') return `Close ${percent(fraction)}`;
  return action;
}

/** An argument of a command, quoted where a shell would take it apart. @param {string} text */
export function argument(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
