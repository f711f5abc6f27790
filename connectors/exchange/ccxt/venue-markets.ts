import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import { didYouMean } from '../../../errors/nearest.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText, MarketRules } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import { UnifiedMarket, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { Info, UnlistedMarket } from './venues/venue-traits.ts';

/** Exchanges change a filter now and then, and announce it. Unit: milliseconds. */
const RELOAD_MS = 60 * 60 * 1000;

/** A market that was listed since is looked for this often at most. Unit: milliseconds. */
const RELOAD_FOR_UNKNOWN_MS = 30_000;

/** What the fills, orders and payments of a futures market are read by; it may be on no list any more. */
export interface PastMarket {
  /** The exchange's own id, which is the symbol of our records. */
  readonly id: string;
  /** ccxt's. */
  readonly symbol: string;
  readonly quote: string;
  /** Size of one of the exchange's contracts. Ours are of 1: amounts are multiplied on the way in. Unit: base currency. */
  readonly contractSize: DecimalText;
}

/** One futures market: linear, settled in its quote currency. */
export interface VenueMarket extends PastMarket {
  /** Orders are taken; false where the exchange says that they are not. */
  readonly active: boolean;
  /** When its contract is delivered or taken off; null: no end is announced. */
  readonly settlesAt: EpochMillis | null;
  /** Prices are whole multiples of it. Unit: quote currency per contract. */
  readonly tick: DecimalText;
  /** In our contracts. */
  readonly rules: MarketRules;
}

/**
 * The markets of an exchange by both of their names. Loaded when first asked for, and again when they are an hour old or do not
 * have what is asked for; what they do not have then is said.
 *
 * EXC-37  The exchange's id decides: where ccxt has one name for two of them, each gets a name of its own.
 * EXC-38  A market that was listed is remembered when it is taken off: what is open there is open still.
 * EXC-39  Where the list cannot be read again the one of before holds, for ccxt's own questions too: every order and position would wait for
 *      it else.
 * EXC-40  One that was taken off before this process started is what its id says (the exchange's trait), for questions about what became of
 *      positions there: its rules are unknown, so no order is made and nothing is observed.
 * EXC-41  Only a market that is not on the list, and an order in one that refused it for the rules or takes none, wait until the list is read again.
 * EXC-42  A market that cannot be read costs only itself.
 */
export class VenueMarkets {
  readonly #client: VenueClient;
  #byId = new Map<string, VenueMarket>();
  #bySymbol = new Map<string, VenueMarket>();
  #loadedAt: EpochMillis | null = null;
  #loading: Promise<void> | null = null;
  readonly #unknown = new Set<string>();
  /** Ids whose rules are others by now. */
  readonly #outdated = new Set<string>();
  /** EXC-40, by id, as ccxt takes them. */
  readonly #unlisted = new Map<string, CcxtMarket>();

  constructor(client: VenueClient) {
    this.#client = client;
    const { api } = client;
    const original = api.fetchMarkets.bind(api);
    const listed = new Map<string, CcxtMarket>();
    const fetchMarkets: CcxtExchange['fetchMarkets'] = async (params) => {
      for (const market of await original(params)) {
        const id = market?.id;
        if (market !== undefined && id !== undefined) listed.set(id, market);
      }
      for (const id of listed.keys()) this.#unlisted.delete(id);
      return [...distinctlyNamed([...listed.values()]), ...this.#unlisted.values()];
    };
    // EXC-39. ccxt asks for them with every question: it would wait for a list that is being read, and keep a failure of that for ever.
    const load = api.loadMarkets.bind(api);
    const loadMarkets: CcxtExchange['loadMarkets'] = async (reload, params) =>
      reload === true || api.markets === undefined ? load(true, params) : api.markets;
    Object.assign(api, { fetchMarkets, loadMarkets });
  }

  /** Loads the markets where they are not yet. Throws EXCHANGE_AWAY. */
  async ready(): Promise<void> {
    await this.#refresh();
  }

  /** Null: there is no such market, or none that is linear. Throws EXCHANGE_AWAY. */
  async byId(id: string): Promise<VenueMarket | null> {
    return this.#find(id, () => this.#byId.get(id));
  }

  /** As they are now: read again after a refusal for them, or where no orders were taken. Null as above. Throws EXCHANGE_AWAY. */
  async rules(id: string): Promise<MarketRules | null> {
    const market = await this.byId(id);
    const isOutdated = this.#outdated.has(id) || (market?.active === false && this.#isOlder(RELOAD_FOR_UNKNOWN_MS));
    if (!isOutdated) return market?.rules ?? null;
    await this.#reload();
    return this.#byId.get(id)?.rules ?? null;
  }

  /** By an id that records have; also one that is on no list any more (EXC-40). Null: its id says too little. Throws EXCHANGE_AWAY. */
  async byRecordedId(id: string): Promise<PastMarket | null> {
    const market = await this.byId(id);
    if (market !== null) return market;
    const { api, settings } = this.#client;
    const told = settings.traits.unlisted(id, new Set([...this.#byId.values()].map(({ quote }) => quote)));
    if (told === null || this.isListed(id)) return null;
    if (!this.#unlisted.has(id)) {
      const named = unlistedMarket(api, id, told);
      this.#unlisted.set(id, named);
      // Until the list is loaded again.
      api.markets = { ...api.markets, [id]: named };
      api.markets_by_id = { ...api.markets_by_id, [id]: [named] };
    }
    return { id, symbol: id, quote: told.quote, contractSize: told.contractSize };
  }

  /** By ccxt's name; for a market that ccxt does not know yet that is the exchange's. */
  async bySymbol(symbol: string): Promise<VenueMarket | null> {
    return this.#find(symbol, () => this.#bySymbol.get(symbol) ?? this.#byId.get(symbol));
  }

  /** Those that are on no list now. Throws EXCHANGE_AWAY, also where the exchange lists no market at all. */
  async unlisted(ids: Iterable<string>): Promise<readonly string[]> {
    await this.any();
    return [...new Set(ids)].filter((id) => !this.#byId.has(id));
  }

  /**
   * Throws USAGE with every id that is no linear market here, and the nearest that are; EXCHANGE_AWAY, also where the exchange lists
   * no market at all.
   */
  async demand(ids: Iterable<string>): Promise<void> {
    const unknown = await this.unlisted(ids);
    if (unknown.length === 0) return;
    const hints = unknown.map((id) => {
      const same = this.#bySymbol.get(id);
      return same === undefined ? didYouMean(id, this.#byId.keys()) : `${id} (its id there is ${same.id})`;
    });
    throw new HarvestlineError('USAGE', `--symbols: ${this.#client.id} has no linear market ${hints.join(', ')}`, {
      problems: unknown.map((path) => ({ path, why: 'is no market' })),
    });
  }

  /** One that orders are taken in, or any. Throws EXCHANGE_AWAY, also where the exchange lists no market at all. */
  async any(): Promise<VenueMarket> {
    await this.#refresh();
    const all = [...this.#byId.values()];
    const one = all.find(({ active }) => active) ?? all[0];
    if (one !== undefined) return one;
    throw new HarvestlineError('EXCHANGE_AWAY', `${this.#client.id}: markets: none is listed`);
  }

  /** By either name, and whatever kind of market it is. */
  isListed(name: string): boolean {
    if (this.#unlisted.has(name)) return false;
    const { markets, markets_by_id: byId } = this.#client.api;
    return markets?.[name] !== undefined || byId?.[name] !== undefined;
  }

  /** What was loaded of a market does not hold any more: the exchange refused what it allows. */
  forget(id: string): void {
    this.#outdated.add(id);
  }

  async #find(name: string, known: () => VenueMarket | undefined): Promise<VenueMarket | null> {
    await this.#refresh();
    if (known() === undefined && this.#isOlder(RELOAD_FOR_UNKNOWN_MS)) await this.#reload();
    const market = known() ?? null;
    if (market === null && !this.#unknown.has(name)) {
      this.#unknown.add(name);
      this.#client.logger.warn(
        { venue: this.#client.id, market: name },
        'no linear market of that name: it is left alone',
      );
    }
    return market;
  }

  /** EXC-41: nobody waits for a list that is only old. */
  async #refresh(): Promise<void> {
    if (!this.#isOlder(RELOAD_MS)) return;
    const reloaded = this.#reload();
    if (this.#loadedAt === null) await reloaded;
  }

  #isOlder(ageMs: number): boolean {
    return this.#loadedAt === null || this.#client.clock.now() - this.#loadedAt >= ageMs;
  }

  #reload(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** EXC-39. */
  async #load(): Promise<void> {
    // What is outdated from now on may be missing from the answer.
    const outdated = [...this.#outdated];
    try {
      await this.#loadAnew();
    } catch (thrown) {
      if (this.#loadedAt === null) throw thrown;
      this.#loadedAt = this.#client.clock.now() - RELOAD_MS + RELOAD_FOR_UNKNOWN_MS;
      this.#client.logger.warn({ venue: this.#client.id }, `${messageOf(thrown)}; the markets of before are used`);
    } finally {
      for (const id of outdated) this.#outdated.delete(id);
    }
  }

  async #loadAnew(): Promise<void> {
    const markets = await this.#client.ask('look-up', 'markets', (api) => api.loadMarkets(true));
    const read = Object.values(markets).flatMap((market) => this.#read(market));
    this.#byId = new Map(read.map((market) => [market.id, market]));
    this.#bySymbol = new Map(read.map((market) => [market.symbol, market]));
    this.#loadedAt = this.#client.clock.now();
  }

  /** EXC-42. */
  #read(given: unknown): readonly VenueMarket[] {
    try {
      return marketOf(given, this.#client);
    } catch (thrown) {
      const { id = null } = (given ?? {}) as { readonly id?: unknown };
      this.#client.logger.warn({ venue: this.#client.id, market: id }, `a market cannot be read: ${messageOf(thrown)}`);
      return [];
    }
  }
}

/** EXC-40. It has no name but its id, as ccxt calls markets that it does not know. */
function unlistedMarket(
  api: CcxtExchange,
  id: string,
  { base, quote, contractSize, perpetual }: UnlistedMarket,
): CcxtMarket {
  const known = {
    id,
    symbol: id,
    base,
    quote,
    settle: quote,
    type: perpetual ? 'swap' : 'future',
    swap: perpetual,
    future: !perpetual,
    contract: true,
    linear: true,
    inverse: false,
    active: false,
    contractSize: Number(contractSize),
  } satisfies Partial<CcxtMarket>;
  return { ...(api.safeMarketStructure() as CcxtMarket), ...known };
}

type CcxtMarket = NonNullable<Awaited<ReturnType<CcxtExchange['fetchMarkets']>>[number]>;

/** EXC-37. The name stays with the market whose id is made of its currencies, as a settled twin's is not. */
function distinctlyNamed(markets: readonly CcxtMarket[]): CcxtMarket[] {
  return [...Map.groupBy(markets, ({ symbol }) => symbol).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined || same.length === 1) return same;
    const named = same.find(({ id, base, quote }) => id === `${base}${quote}`) ?? first;
    return same.map((market) => (market === named ? market : { ...market, symbol: `${market.symbol}#${market.id}` }));
  });
}

/** None for a market that is not as this program takes them. */
function marketOf(given: unknown, { api, settings }: VenueClient): readonly VenueMarket[] {
  const { id, symbol, quote, linear, active, expiry, contractSize, precision, limits, info } = unified(
    UnifiedMarket,
    given,
  );
  if (linear !== true || precision.amount === null || precision.price === null) return [];
  const size = new Exact(contractSize ?? 1);
  const settlesAt = settlementIn(info, expiry);
  // ccxt counts either in steps or in decimal places.
  const inSteps = (text: DecimalText): Exact =>
    api.precisionMode === TICK_SIZE ? new Exact(text) : new Exact(10).pow(new Exact(text).neg());
  const ours = (contracts: DecimalText): DecimalText => toText(new Exact(contracts).mul(size));
  const marketMaximum = settings.traits.marketMaximum(info);
  const largest = [limits.amount?.max, limits.market?.max, marketMaximum].filter((one) => isPositive(one));
  const smallest = [limits.amount?.min, limits.market?.min].filter((one) => isPositive(one));
  const lotStep = toText(inSteps(precision.amount).mul(size));
  return [
    {
      id,
      symbol,
      quote,
      active: active !== false,
      settlesAt,
      contractSize: toText(size),
      tick: toText(inSteps(precision.price)),
      rules: {
        lotStep,
        minQuantity: smallest.length === 0 ? lotStep : ours(toText(Exact.max(...smallest))),
        maxQuantity: largest.length === 0 ? null : ours(toText(Exact.min(...largest))),
        minNotional: limits.cost?.min ?? '0',
        ...(settlesAt === null && active !== false
          ? {}
          : { ending: { settlesAt, takesOrders: active !== false, status: statusIn(info) } }),
      },
    },
  ];
}

/** What exchanges call the time at which a contract is delivered, or a perpetual taken off; ccxt leaves out the latter. */
const SETTLEMENT_FIELDS = ['deliveryDate', 'deliveryTime', 'expTime'];

/** Perpetuals have a time in 2100 at some exchanges, and 0 or nothing at others. Unit: milliseconds since 1970. */
const NEVER = Date.UTC(2099);

function settlementIn(info: Info, expiry: number | null): EpochMillis | null {
  const named = SETTLEMENT_FIELDS.map((field) => Number(info[field] ?? 0)).find((time) => time > 0);
  const time = named ?? expiry ?? 0;
  return Number.isSafeInteger(time) && time > 0 && time < NEVER ? time : null;
}

/** What exchanges call the state of a market, in their own words. */
function statusIn(info: Info): string | null {
  const status = [info['status'], info['contractStatus'], info['state']].find((one) => typeof one === 'string');
  return typeof status === 'string' ? status : null;
}

/** ccxt's name for counting precision in steps. */
const TICK_SIZE = 4;

function isPositive(text: DecimalText | null | undefined): text is DecimalText {
  return text !== null && text !== undefined && new Exact(text).gt(0);
}
