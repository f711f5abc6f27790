import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import { venueClientId } from './venue-order.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarkets } from './venue-markets.ts';
import { ExchangeRejection, NoResponse } from './exchange-rejection.ts';

/** Methods that ccxt must support for the exchange. */
const NEEDED = [
  'fetchPositions',
  'fetchMyTrades',
  'fetchOrder',
  'fetchOpenOrders',
  'createOrder',
  'fetchTime',
  'fetchOHLCV',
] as const;

/** A client order id that no order has. */
const UNUSED_ID = 'hl-00000000000000000000000000000000' as ClientOrderId;

/** The span of the fills that the probe requests. Unit: milliseconds. */
const RECENT_MS = 60_000;

/**
 * Tries at the start everything that orders and snapshots will need of an exchange, so that what is missing is reported before anything
 * runs: ccxt's methods, the type of account, the look-up of an order by its client order id, a page of fills. Throws EXCHANGE_UNSUPPORTED
 * with every reason, EXCHANGE_AWAY where the exchange does not answer, and the rejection where it rejects the keys.
 *
 * EXC-43  Look-up by client order id counts as supported only if an unused id is answered with a definite "no such order". Without it, a
 *         crash between sending an order and reading the reply would leave an order that cannot be found.
 */
export async function probeVenue(client: VenueClient, markets: VenueMarkets): Promise<void> {
  const { api, id, settings } = client;
  const { traits } = settings;
  const lacking = NEEDED.filter((method) => !api.has[method]);
  if (lacking.length > 0) throw unsupported(id, [`ccxt has no ${lacking.join(', ')}`]);
  const reasons: string[] = [];
  const unsupportedAccount = await client.ask('look-up', 'account', (ccxt) => traits.unsupportedAccount(ccxt));
  if (unsupportedAccount !== null) reasons.push(unsupportedAccount);
  const market = await markets.any();
  const name = { clientOrderId: venueClientId(UNUSED_ID, traits.clientOrderIds) };
  const lookUp = await whyNot(client, async () => {
    const found = await traits.findOrder(api, market, name);
    return found === null ? null : `the order ${UNUSED_ID}, which nobody has sent, was found`;
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

/** A key that the exchange refuses at the start stays refused: retries would only look like an unavailable exchange. */
export async function tryingKeys<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (thrown) {
    const cause = thrown instanceof HarvestlineError ? thrown.cause : undefined;
    if (cause instanceof ExchangeRejection && cause.keys) {
      throw new HarvestlineError('KEYS_REFUSED', messageOf(thrown), { cause });
    }
    throw thrown;
  }
}

/** The reason that the exchange or ccxt gives for not supporting a request; null: supported. Throws where there is no answer. */
async function whyNot(client: VenueClient, question: () => Promise<string | null>): Promise<string | null> {
  try {
    return await client.ask('look-up', 'probe', question);
  } catch (thrown) {
    const cause = thrown instanceof HarvestlineError ? thrown.cause : undefined;
    if (cause instanceof ExchangeRejection) {
      if (cause.absent) return null;
      if (cause.final) return messageOf(cause);
    } else if (cause instanceof NoResponse && cause.unsupported) return messageOf(cause);
    throw thrown;
  }
}

function unsupported(id: string, reasons: readonly string[]): HarvestlineError {
  return new HarvestlineError('EXCHANGE_UNSUPPORTED', `${id}: ${reasons.join('; ')}`, {
    problems: reasons.map((why) => ({ path: id, why })),
  });
}
