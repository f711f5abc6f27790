import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { didYouMean } from '../../../errors/nearest.ts';
import type { VenueSettings } from './venue-settings.ts';
import type { VenueTraits } from './venues/venue-traits.ts';

/** No exchange takes longer unless something is wrong; then waiting does not mend it. Unit: milliseconds. */
const TIMEOUT_MS = 5000;

/**
 * A signed request that is older is refused by the exchange, so that one which was slow on its way does not become an order
 * after we have stopped looking for it (execution looks an order up for twice as long). Unit: milliseconds.
 */
const RECV_WINDOW_MS = 5000;

/** ccxt's client of one exchange. Loads ccxt, which is large. Throws USAGE for an id that it does not know. */
export async function openCcxt(settings: VenueSettings): Promise<CcxtExchange> {
  const { default: ccxt } = await import('ccxt');
  const classes: Readonly<Record<string, unknown>> = { ...ccxt };
  const constructor = ccxt.exchanges.includes(settings.id) ? classes[settings.id] : undefined;
  if (!isConstructor(constructor)) {
    const named = didYouMean(settings.id, ccxt.exchanges);
    const flag = settings.stake === 'data' ? '--data-venue' : '--venue';
    throw new HarvestlineError(
      'USAGE',
      `${flag}: ccxt knows no exchange ${named}; docs/exchanges.md says which were tried`,
    );
  }
  const api = new constructor(configOf(settings));
  // Wallets are nobody's concern here, and futures keys may not ask about them.
  api.has['fetchCurrencies'] = false;
  // It would print requests whole.
  api.verbose = false;
  if (settings.stake === 'demo') toPractice(api, settings.traits.practice);
  if (settings.url !== null) redirect(api, settings.url);
  // ccxt loads these with its first request otherwise, which would have less time to be answered.
  await api.loadProxyModules();
  await api.loadFetchImplementation();
  return api;
}

function isConstructor(given: unknown): given is new (config: object) => CcxtExchange {
  return typeof given === 'function';
}

function configOf({ credentials, traits, ccxt }: VenueSettings): object {
  const options = typeof ccxt['options'] === 'object' && ccxt['options'] !== null ? ccxt['options'] : {};
  return {
    timeout: TIMEOUT_MS,
    ...ccxt,
    // Each request asks for its turn (request-queue.ts).
    enableRateLimit: true,
    // Decimal texts instead of doubles: no digit is lost on the way.
    number: String,
    options: {
      recvWindow: RECV_WINDOW_MS,
      warnOnFetchOpenOrdersWithoutSymbol: false,
      ...traits.ccxtOptions,
      ...options,
    },
    ...(credentials === null
      ? {}
      : {
          apiKey: credentials.key,
          secret: credentials.secret,
          ...(credentials.passphrase === null ? {} : { password: credentials.passphrase }),
        }),
  };
}

/** Points ccxt at the exchange's practice accounts. Throws EXCHANGE_UNSUPPORTED where ccxt knows no way to them. */
function toPractice(api: CcxtExchange, practice: VenueTraits['practice']): void {
  const { urls } = api;
  const hasDemo = urls['demo'] !== undefined || urls['demotrading'] !== undefined;
  if (practice === 'demo-trading' || (practice === 'any' && hasDemo)) {
    api.enableDemoTrading(true);
    return;
  }
  if (practice === 'sandbox' || (practice === 'any' && urls['test'] !== undefined)) {
    api.setSandboxMode(true);
    return;
  }
  const message = `--demo: ccxt knows no address of practice accounts of ${api.id}`;
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', message);
}

/** Puts another scheme, host and port into every address, and leaves the paths. */
function redirect(api: CcxtExchange, url: string): void {
  const { origin } = new URL(url);
  const moved = (address: unknown): unknown => {
    if (typeof address === 'string') return address.replace(/^https?:\/\/[^/]+/, origin);
    if (typeof address !== 'object' || address === null) return address;
    return Object.fromEntries(Object.entries(address).map(([name, one]) => [name, moved(one)]));
  };
  Object.assign(api.urls, { api: moved(api.urls['api']) });
}
