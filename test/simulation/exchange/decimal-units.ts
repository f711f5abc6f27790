import { Exact } from '../../../ports/exact-decimal.ts';
import type { DecimalText } from '../../../ports/exchange.ts';

/** Whole units of 10^-decimals as decimal text, without zeros at the end: 1500 at 3 decimals is `1.5`. */
export function textOf(units: number | bigint, decimals: number): DecimalText {
  const sign = units < 0 ? '-' : '';
  const digits = String(units < 0 ? -units : units).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The text in units of 10^-decimals; null where it is no whole number of them. */
export function unitsOf(text: DecimalText, decimals: number): number | null {
  const units = new Exact(text).mul(10 ** decimals);
  return units.isInteger() ? units.toNumber() : null;
}
