import type { Allowance } from './request-queue.ts';

/**
 * Exchanges that this program is known to work with. Any other futures exchange of ccxt may be configured (venue-settings.ts);
 * one that has been tried gets a line here. docs/exchanges.md is generated from this table.
 */
export interface KnownVenue {
  /** ccxt's id. */
  readonly id: string;
  readonly name: string;
  /** What it was tried with. */
  readonly tried: string;
  /** Whether ccxt can send orders to the exchange's own practice accounts. */
  readonly demo: boolean;
  /** The form that the exchange asks of client order ids: as they are, or letters and digits only, at most 32. */
  readonly clientOrderIds: 'verbatim' | 'alphanumeric-32';
  /** The longest stretch of fills that one question may span; null: any. Unit: milliseconds. */
  readonly fillsWindowMs: number | null;
  /** The parameter that asks for the fills from an id on, without a time; null: there is none, or nobody has tried it. */
  readonly fillsFromId: string | null;
  readonly allowance: Allowance;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

export const KNOWN_VENUES = [
  {
    id: 'binanceusdm',
    name: 'Binance USD-M futures',
    tried: "every release, with ccxt's own client against the local server in packages/fake-binance",
    demo: true,
    clientOrderIds: 'verbatim',
    fillsWindowMs: WEEK_MS,
    fillsFromId: 'fromId',
    allowance: { perMinute: 2400, burst: 600, usedHeader: 'x-mbx-used-weight-1m' },
  },
] as const satisfies readonly KnownVenue[];

/** What is taken of an exchange that nobody has tried: the narrowest of each. */
export const UNTRIED = {
  demo: true,
  clientOrderIds: 'alphanumeric-32',
  fillsWindowMs: WEEK_MS,
  fillsFromId: null,
} as const satisfies Partial<KnownVenue>;

export function knownVenue(id: string): KnownVenue | undefined {
  return KNOWN_VENUES.find((venue) => venue.id === id);
}
