import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import type { VenueTraits } from './venues/venue-traits.ts';

const LONGEST_ALPHANUMERIC = 32;

/** Our client order id in the form that an exchange takes. What is cut off is the end of a hash: the rest is as good as unique. */
export function venueClientId(id: ClientOrderId, form: VenueTraits['clientOrderIds']): string {
  return form === 'verbatim' ? id : id.replace(/[^0-9a-z]/gi, '').slice(0, LONGEST_ALPHANUMERIC);
}
