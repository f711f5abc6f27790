import type { VenueTraits } from './venue-traits.ts';
import { BINANCE } from './binance.ts';
import { BYBIT } from './bybit.ts';
import { OKX } from './okx.ts';

/**
 * An exchange that this program is tested with. Any other futures exchange of ccxt may be configured (venue-settings.ts). docs/exchanges.md is
 * generated from this table.
 */
interface KnownVenue {
  /** ccxt's id. */
  readonly id: string;
  readonly name: string;
  readonly tried: string;
  /** How far back the exchange lists fills. */
  readonly history: string;
  /** How an order is found by its client order id. */
  readonly lookUp: string;
  /** Limits on an order besides the steps and minimums of its market. */
  readonly orderLimits: string;
  /** Account types and modes that are rejected at the start. */
  readonly refused: string;
  readonly traits: VenueTraits;
}

export const KNOWN_VENUES: readonly KnownVenue[] = [
  {
    id: 'binanceusdm',
    name: 'Binance USD-M futures',
    tried: "every release, with ccxt's own client against the local server in packages/fake-binance",
    history: '6 months',
    lookUp: '`origClientOrderId`; an order that never filled is forgotten after 3 days',
    orderLimits: 'MARKET_LOT_SIZE; what is larger than the position is refused',
    refused: 'portfolio margin',
    traits: BINANCE,
  },
  {
    id: 'bybit',
    name: 'Bybit linear contracts, unified account',
    tried: "every release, with ccxt's own client against the local server in packages/fake-bybit",
    history: '2 years',
    lookUp: '`orderLinkId`, among the open orders, then in the history',
    orderLimits: '`maxMktOrderQty`; what is larger than the position is cut to it',
    refused: 'hedge mode, portfolio margin, classic accounts',
    traits: BYBIT,
  },
  {
    id: 'okx',
    name: 'OKX linear swaps and futures',
    tried: "every release, with ccxt's own client against the local server in packages/fake-okx",
    history: '3 months',
    lookUp: '`clOrdId`; an order that never filled is forgotten after 2 hours',
    orderLimits:
      '`maxMktSz`; what is larger than the position is refused; sizes are contracts of `ctVal` there, coins here',
    refused: 'portfolio margin, spot mode',
    traits: OKX,
  },
];

export function knownVenue(id: string): KnownVenue | undefined {
  return KNOWN_VENUES.find((venue) => venue.id === id);
}
