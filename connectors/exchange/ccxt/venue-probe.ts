import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import { venueClientId } from './venue-order.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarkets } from './venue-markets.ts';
import { ExchangeRejection, NoResponse } from './exchange-rejection.ts';

/** What ccxt must be able to do with an exchange. */
const NEEDED = [
  'fetchPositions',
  'fetchMyTrades',
  'fetchOrder',
  'fetchOpenOrders',
  'createOrder',
  'fetchTime',
  'fetchOHLCV',
] as const;

/** A client order id that nobody has used. */
const NOBODYS = 'hl-00000000000000000000000000000000' as ClientOrderId;

/** How far back the fills of the probe begin. Unit: milliseconds. */
const RECENT_MS = 60_000;

/**
 * Asks an exchange at the start for everything that orders and snapshots will need of it, so that what is missing is said before anything
 * runs: what ccxt has, the kind of account, the look-up of an order by its client id, a page of fills. Throws EXCHANGE_UNSUPPORTED with
 * every reason at once, EXCHANGE_AWAY where the exchange gives no answer, and what it threw where it refuses the keys.
 *
 * EXC-43  A look-up by client id is there only where one of an id that nobody has used is answered with a definite "no such order": a crash
 *      between sending and reading the reply would otherwise leave an order that nobody can find.
 */
export async function probeVenue(client: VenueClient, markets: VenueMarkets): Promise<void> {
  const { api, id, settings } = client;
  const { traits } = settings;
  const lacking = NEEDED.filter((method) => !api.has[method]);
  if (lacking.length > 0) throw unsupported(id, [`ccxt has no ${lacking.join(', ')}`]);
  const reasons: string[] = [];
  const unfit = await client.ask('look-up', 'account', (ccxt) => traits.unfit(ccxt));
  if (unfit !== null) reasons.push(unfit);
  const market = await markets.any();
  const name = { clientOrderId: venueClientId(NOBODYS, traits.clientOrderIds) };
  const lookUp = await whyNot(client, async () => {
    const found = await traits.findOrder(api, market, name);
    return found === null ? null : `the order ${NOBODYS}, which nobody has sent, was found`;
  });
  // EXC-43.
  if (lookUp !== null) reasons.push(`no look-up by client order id: ${lookUp}`);
  const { page, parameters } = traits.fills;
  const fills = await whyNot(client, async () => {
    await api.fetchMyTrades(market.symbol, client.clock.now() - RECENT_MS, page, parameters);
    return null;
  });
  if (fills !== null) reasons.push(`no page of ${page} fills: ${fills}`);
  if (reasons.length > 0) throw unsupported(id, reasons);
}

/** Null: it is there. What the exchange or ccxt says where it is not; an exchange that does not answer says nothing of it. */
async function whyNot(client: VenueClient, question: () => Promise<string | null>): Promise<string | null> {
  try {
    return await client.ask('look-up', 'probe', question);
  } catch (thrown) {
    const cause = thrown instanceof HarvestlineError ? thrown.cause : undefined;
    if (cause instanceof ExchangeRejection) {
      if (cause.absent) return null;
      if (cause.rule.meaning === 'refused' && !cause.keys) return messageOf(cause);
    } else if (cause instanceof NoResponse && cause.unsupported) return messageOf(cause);
    throw thrown;
  }
}

function unsupported(id: string, reasons: readonly string[]): HarvestlineError {
  return new HarvestlineError('EXCHANGE_UNSUPPORTED', `${id}: ${reasons.join('; ')}`, {
    problems: reasons.map((why) => ({ path: id, why })),
  });
}
