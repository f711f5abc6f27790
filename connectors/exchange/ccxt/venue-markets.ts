import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import { didYouMean } from '../../../errors/nearest.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText, MarketRules } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import { UnifiedMarket, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { Info, UnlistedMarket } from './venues/venue-traits.ts';

/** Exchanges rarely change a market's rules. Unit: milliseconds. */
const RELOAD_MS = 60 * 60 * 1000;

/** The least time between two reloads for a market that is not on the list. Unit: milliseconds. */
const RELOAD_FOR_UNKNOWN_MS = 30_000;

/** A futures market, as needed to read its fills, orders and payments; it may be delisted. */
export interface PastMarket {
  /** The exchange's own id, which is the symbol of our records. */
  readonly id: string;
  /** ccxt's symbol. */
  readonly symbol: string;
  readonly quote: string;
  /** Size of one of the exchange's contracts, by which amounts are multiplied when they are read. Unit: base currency. */
  readonly contractSize: DecimalText;
}

/** One futures market: linear, settled in its quote currency. */
export interface VenueMarket extends PastMarket {
  /** False where the exchange states that it takes no orders. */
  readonly active: boolean;
  /** When the contract is delivered or delisted; null: no end is announced. */
  readonly settlesAt: EpochMillis | null;
  /** Prices are whole multiples of it. Unit: quote currency per contract. */
  readonly tick: DecimalText;
  /** Quantities in units of the base currency. */
  readonly rules: MarketRules;
}

/**
 * The markets of an exchange by its ids and by ccxt's symbols. Loaded at first use, and again when the list is an hour old or lacks a market
 * that is asked for.
 *
 * EXC-37  The exchange's id identifies a market: where ccxt gives two markets one symbol, each gets a symbol of its own.
 * EXC-38  A market that was listed is remembered after it is delisted, since positions there may still be open.
 * EXC-39  If the list cannot be reloaded, the previous one stays in use, for ccxt's own requests too: otherwise every order and position would
 *         wait for it.
 * EXC-40  A market that was delisted before this process started is known by what its id says, so that the fills and orders of positions there
 *         can be read. Its rules are unknown: no order is sent, and nothing is observed.
 * EXC-41  Requests do not wait for a reload, except for a market that is not on the list, and for an order in a market whose rules have proved
 *         outdated or that takes no orders.
 * EXC-42  A market that cannot be parsed is left out, and no other.
 */
export class VenueMarkets {
  readonly #client: VenueClient;
  #byId = new Map<string, VenueMarket>();
  #bySymbol = new Map<string, VenueMarket>();
  #loadedAt: EpochMillis | null = null;
  #loading: Promise<void> | null = null;
  readonly #unknown = new Set<string>();
  /** Ids of markets whose rules have changed. */
  readonly #outdated = new Set<string>();
  /** EXC-40: delisted markets in ccxt's form, by id. */
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
    // EXC-39. ccxt calls this with every request. It would await a running reload, and would remember a failed one for ever.
    const load = api.loadMarkets.bind(api);
    const loadMarkets: CcxtExchange['loadMarkets'] = async (reload, params) =>
      reload === true || api.markets === undefined ? load(true, params) : api.markets;
    Object.assign(api, { fetchMarkets, loadMarkets });
  }

  /** Loads the markets if that has not happened yet. Throws EXCHANGE_AWAY. */
  async ready(): Promise<void> {
    await this.#refresh();
  }

  /** Null: there is no such market, or none that is linear. Throws EXCHANGE_AWAY. */
  async byId(id: string): Promise<VenueMarket | null> {
    return this.#find(id, () => this.#byId.get(id));
  }

  /** The current rules: reloaded after a rejection that proved them outdated, or if the market took no orders. Null as above. Throws EXCHANGE_AWAY. */
  async rules(id: string): Promise<MarketRules | null> {
    const market = await this.byId(id);
    const isOutdated = this.#outdated.has(id) || (market?.active === false && this.#isOlder(RELOAD_FOR_UNKNOWN_MS));
    if (!isOutdated) return market?.rules ?? null;
    await this.#reload();
    return this.#byId.get(id)?.rules ?? null;
  }

  /** A market by an id from records, delisted ones included (EXC-40). Null: the id says too little. Throws EXCHANGE_AWAY. */
  async byRecordedId(id: string): Promise<PastMarket | null> {
    const market = await this.byId(id);
    if (market !== null) return market;
    const { api, settings } = this.#client;
    const parsed = settings.traits.unlisted(id, new Set([...this.#byId.values()].map(({ quote }) => quote)));
    if (parsed === null || this.isListed(id)) return null;
    if (!this.#unlisted.has(id)) {
      const named = unlistedMarket(api, id, parsed);
      this.#unlisted.set(id, named);
      // Holds until the list is loaded again, which adds it as well.
      api.markets = { ...api.markets, [id]: named };
      api.markets_by_id = { ...api.markets_by_id, [id]: [named] };
    }
    return { id, symbol: id, quote: parsed.quote, contractSize: parsed.contractSize };
  }

  /** As `byRecordedId`. Throws EXCHANGE_AWAY also where there is no such market. */
  async recorded(id: string): Promise<PastMarket> {
    return (await this.byRecordedId(id)) ?? this.noMarket(id);
  }

  noMarket(id: string): never {
    throw new HarvestlineError('EXCHANGE_AWAY', `${this.#client.id} names no linear market ${id}`);
  }

  /** By ccxt's symbol, which for a market that ccxt does not know is the exchange's id. */
  async bySymbol(symbol: string): Promise<VenueMarket | null> {
    return this.#find(symbol, () => this.#bySymbol.get(symbol) ?? this.#byId.get(symbol));
  }

  /** The ids that are not listed. Throws EXCHANGE_AWAY, also where the exchange lists no market at all. */
  async unlisted(ids: Iterable<string>): Promise<readonly string[]> {
    await this.any();
    return [...new Set(ids)].filter((id) => !this.#byId.has(id));
  }

  /** Throws USAGE with every id that is no linear market and the nearest ids that are; EXCHANGE_AWAY, also where none is listed at all. */
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

  /** A market that takes orders, else any. Throws EXCHANGE_AWAY, also where the exchange lists no market at all. */
  async any(): Promise<VenueMarket> {
    await this.#refresh();
    const all = [...this.#byId.values()];
    const one = all.find(({ active }) => active) ?? all[0];
    if (one !== undefined) return one;
    throw new HarvestlineError('EXCHANGE_AWAY', `${this.#client.id}: markets: none is listed`);
  }

  /** Whether any kind of market has that id or symbol. */
  isListed(name: string): boolean {
    if (this.#unlisted.has(name)) return false;
    const { markets, markets_by_id: byId } = this.#client.api;
    return markets?.[name] !== undefined || byId?.[name] !== undefined;
  }

  /** The exchange rejected what the loaded rules of a market allow: they are reloaded before the next order. */
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

  /** EXC-41: an old list is reloaded in the background. */
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
    // Rules that prove outdated while the list is loaded may be missing from it.
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

/** EXC-40. Its symbol is its id, as for all markets that ccxt does not know. */
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

/** EXC-37. The symbol stays with the market whose id is base and quote; a settled contract of the same name has another id. */
function distinctlyNamed(markets: readonly CcxtMarket[]): CcxtMarket[] {
  return [...Map.groupBy(markets, ({ symbol }) => symbol).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined || same.length === 1) return same;
    const named = same.find(({ id, base, quote }) => id === `${base}${quote}`) ?? first;
    return same.map((market) => (market === named ? market : { ...market, symbol: `${market.symbol}#${market.id}` }));
  });
}

/** Empty for a market that is not linear or has no steps. */
function marketOf(given: unknown, { api, settings }: VenueClient): readonly VenueMarket[] {
  const { id, symbol, quote, linear, active, expiry, contractSize, precision, limits, info } = unified(
    UnifiedMarket,
    given,
  );
  if (linear !== true || precision.amount === null || precision.price === null) return [];
  const size = new Exact(contractSize ?? 1);
  const settlesAt = settlementIn(info, expiry);
  // ccxt gives precision either as a step or as a number of decimal places.
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

/** The fields in which exchanges name the time of delivery or delisting; ccxt leaves out the delisting of perpetuals. */
const SETTLEMENT_FIELDS = ['deliveryDate', 'deliveryTime', 'expTime'];

/** Some exchanges date the end of perpetuals into 2100, others give 0 or nothing. Unit: milliseconds since 1970. */
const NEVER = Date.UTC(2099);

function settlementIn(info: Info, expiry: number | null): EpochMillis | null {
  const named = SETTLEMENT_FIELDS.map((field) => Number(info[field] ?? 0)).find((time) => time > 0);
  const time = named ?? expiry ?? 0;
  return Number.isSafeInteger(time) && time > 0 && time < NEVER ? time : null;
}

/** The status of a market in the exchange's own words. */
function statusIn(info: Info): string | null {
  const status = [info['status'], info['contractStatus'], info['state']].find((one) => typeof one === 'string');
  return typeof status === 'string' ? status : null;
}

/** ccxt's constant for precision that is given as a step. */
const TICK_SIZE = 4;

function isPositive(text: DecimalText | null | undefined): text is DecimalText {
  return text !== null && text !== undefined && new Exact(text).gt(0);
}
