import type { RefusalMeaning } from '../../../ports/exchange.ts';

/** What an exchange's no says of the order, by its code or its HTTP status: Binance USD-M's. */
const BY_CODE: ReadonlyMap<string, RefusalMeaning> = new Map<string, RefusalMeaning>([
  ['-2022', 'nothing-to-reduce'],
  ['-4164', 'notional-too-small'],
  ['-1013', 'quantity-too-small'],
  ['-4003', 'quantity-too-small'],
  ['-4004', 'quantity-too-small'],
  ['-4005', 'quantity-too-large'],
  ['-1111', 'quantity-too-precise'],
  ['-2019', 'margin-too-small'],
  ['-1121', 'no-such-market'],
  // Price: 0, too low or high, off the tick; PERCENT_PRICE above and below; the best price of the other side is beyond it.
  ['-4001', 'price-out-of-bounds'],
  ['-4002', 'price-out-of-bounds'],
  ['-4013', 'price-out-of-bounds'],
  ['-4014', 'price-out-of-bounds'],
  ['-4016', 'price-out-of-bounds'],
  ['-4024', 'price-out-of-bounds'],
  ['-4131', 'price-out-of-bounds'],
  ['-5022', 'would-take'],
  ['-1003', 'busy'],
  ['-1008', 'busy'],
  ['-1015', 'busy'],
  ['429', 'busy'],
  ['418', 'busy'],
  ['-1021', 'clock'],
  ['-5028', 'clock'],
  // Signature, format, permission or address.
  ['-1022', 'keys'],
  ['-2014', 'keys'],
  ['-2015', 'keys'],
]);

/** `keys`: the exchange refuses the keys in words of its own. */
export function refusalMeaning(code: string, keys: boolean): RefusalMeaning {
  return BY_CODE.get(code) ?? (keys ? 'keys' : 'other');
}
