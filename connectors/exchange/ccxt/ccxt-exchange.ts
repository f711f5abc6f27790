/**
 * A futures exchange at which positions are closed (ports/exchange.ts), through ccxt.
 *
 * sends      reduce-only orders with the client order ids of intents, and cancellations
 * requests   market rules, positions with mark prices, orders by client order id, fills
 *
 * EXC-1  An order is `rejected` only if the exchange states, by a code or status, that it was not taken. Any other failure leaves it in doubt.
 * EXC-2  An order is sent again only after such a rejection, and at most as often as the rule of its code allows (code-rules.ts).
 * EXC-3  Price and fee are those of the fills. Where the exchange does not list the fills in time, the price is the order's own average and
 *        the fee is unknown.
 * EXC-4  An order is absent only if the exchange states so; a failed look-up is no answer.
 * EXC-5  The kill switch is asked each time an order is about to be handed to the network (EXC-34).
 * EXC-6  A request about one symbol that fails although the exchange has just answered for its position is not retried: no order for that
 *        symbol is sent, other symbols go on, and the next snapshot decides again.
 * EXC-7  After a rejection for the position mode the mode is read again, and the order is sent once more in the right mode.
 */
import { HarvestlineError, isKind, messageOf } from '../../../errors/harvestline-error.ts';
import type {
  Charges,
  Cancellation,
  DecimalText,
  Exchange,
  LookUp,
  MarketRules,
  OrderRequest,
  Placement,
  PositionReference,
  VenueOrder,
  VenuePosition,
  RestingCancellation,
  RestingOrder,
} from '../../../ports/exchange.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import { OPEN_GATE, type SendGate, WithheldOrder } from '../../../ports/kill-switch.ts';
import type { ClientOrderId, OrderId, Side } from '../../../schemas/generated/records.ts';
import { AssetPrices, readCharges } from './charges.ts';
import { venueClientId, orderSide, venueOrderOf, venueTerms } from './venue-order.ts';
import { LONGEST_RETRY_WAIT_MS } from './venues/code-rules.ts';
import { readMarkPrice, isAsObserved, openQuantityOf, readHoldings } from './read-holdings.ts';
import { fillsOfOrder, readFills } from './read-fills.ts';
import { cancelRestingOrder, readResting } from './resting-orders.ts';
import { UnifiedOrder, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket, VenueMarkets } from './venue-markets.ts';
import { ExchangeRejection } from './exchange-rejection.ts';
import type { Info, PositionMode } from './venues/venue-traits.ts';

/** Waits between requests for the fills of a finished order, which exchanges list with a delay. Unit: milliseconds. */
const FILL_WAITS_MS = [0, 100, 300];

/** How long the mark price that came with a position is reused for its order. Unit: milliseconds. */
const MARK_KEPT_MS = 1000;

export class CcxtExchange implements Exchange {
  readonly venue: string;
  readonly #client: VenueClient;
  readonly #markets: VenueMarkets;
  readonly #mode: AccountMode;
  readonly #prices: AssetPrices;
  /** The exchange's own fields of each position, as last read, by `SYMBOL:SIDE`. */
  readonly #sent = new Map<string, Info>();
  /** By symbol. */
  readonly #marks = new Map<string, { readonly price: DecimalText; readonly askedAt: EpochMillis }>();

  constructor(client: VenueClient, markets: VenueMarkets, mode: AccountMode) {
    this.venue = client.id;
    this.#client = client;
    this.#markets = markets;
    this.#mode = mode;
    this.#prices = new AssetPrices(client, markets);
  }

  async rules(symbol: string): Promise<MarketRules | null> {
    return this.#markets.rules(symbol);
  }

  async position(reference: PositionReference): Promise<VenuePosition> {
    const { symbol, side, observed_at } = reference;
    const market = await this.#markets.recorded(symbol);
    const askedAt = this.#client.clock.now();
    const { holdings, incomplete, sent } = await readHoldings(this.#client, this.#markets, symbol, 'look-up');
    for (const [name, info] of sent) this.#sent.set(name, info);
    const price = holdings[0]?.markPrice;
    if (price !== undefined) this.#marks.set(symbol, { price, askedAt });
    // An incomplete position is of unknown size, but it is open.
    if (incomplete.some((one) => one.side === null || one.side === side)) return { quantity: null };
    const shown = holdings.find((holding) => holding.side === side);
    if (shown !== undefined && isAsObserved(reference, shown)) return { quantity: shown.quantity };
    const recent = await nullIfTransient(() => readFills(this.#client, market, observed_at, 'look-up'));
    return { quantity: recent === null ? null : openQuantityOf(reference, holdings, recent.fills) };
  }

  /** From the position read just before, where possible: exchanges report the mark price with it. */
  async markPrice({ symbol }: PositionReference): Promise<DecimalText | null> {
    const known = this.#marks.get(symbol);
    if (known !== undefined && this.#client.clock.now() - known.askedAt < MARK_KEPT_MS) return known.price;
    const market = await this.#markets.recorded(symbol);
    return nullIfTransient(() => readMarkPrice(this.#client, market, 'look-up'));
  }

  async place(
    { clientOrderId, position, quantity, pricing }: OrderRequest,
    gate: SendGate = OPEN_GATE,
  ): Promise<Placement> {
    const market = (await this.#markets.byId(position.symbol)) ?? this.#markets.noMarket(position.symbol);
    const amount = new Exact(quantity).div(market.contractSize).toFixed();
    const { type, price, params } = venueTerms(pricing, position.side, market.tick);
    for (let attempt = 1; ; attempt++) {
      try {
        const order = await this.#client.order(gate, async (api) =>
          unified(
            UnifiedOrder,
            // ccxt accepts decimal texts for amounts and prices, but its types do not.
            await api.createOrder(
              market.symbol,
              type,
              orderSide(position.side),
              amount as unknown as number,
              price as unknown as number | undefined,
              {
                ...params,
                clientOrderId: this.#venueId(clientOrderId),
                reduceOnly: true,
                ...this.#client.settings.traits.orderParameters(this.#sentOf(position)),
                ...(this.#mode.now === 'hedge' ? { hedged: true } : {}),
              },
            ),
          ),
        );
        return { kind: 'accepted', order: await this.#withFills(order, clientOrderId, market) };
      } catch (thrown) {
        if (thrown instanceof WithheldOrder) return { kind: 'withheld', stop: thrown.stop, message: thrown.message };
        // EXC-1.
        if (!(thrown instanceof ExchangeRejection)) return { kind: 'in-doubt', message: messageOf(thrown) };
        const { rule } = thrown;
        if (rule.meaning === 'unknown') return { kind: 'in-doubt', message: thrown.message };
        // EXC-2.
        if (attempt < rule.attempts && (await this.#waitToRetry(thrown))) continue;
        if (rule.outdated === 'rules') this.#markets.forget(market.id);
        return {
          kind: 'rejected',
          meaning: rule.refusal,
          code: thrown.code ?? String(thrown.status),
          message: thrown.message,
        };
      }
    }
  }

  async lookUp(clientOrderId: ClientOrderId, symbol: string): Promise<LookUp> {
    try {
      const market = await this.#markets.recorded(symbol);
      const order = await this.#client.send('look-up', async (api) => {
        const name = { clientOrderId: this.#venueId(clientOrderId) };
        const found = await this.#client.settings.traits.findOrder(api, market, name);
        return found === null ? null : unified(UnifiedOrder, found);
      });
      if (order === null) return { kind: 'absent' };
      return { kind: 'found', order: await this.#withFills(order, clientOrderId, market) };
    } catch (thrown) {
      // EXC-4.
      if (thrown instanceof ExchangeRejection && thrown.absent) return { kind: 'absent' };
      if (thrown instanceof ExchangeRejection && thrown.rule.meaning === 'resync') {
        await this.#client.measureClock().catch(() => {});
      }
      return { kind: 'unavailable', message: messageOf(thrown) };
    }
  }

  async cancel(clientOrderId: ClientOrderId, symbol: string): Promise<Cancellation> {
    try {
      const market = await this.#markets.recorded(symbol);
      const { cancelOrder } = this.#client.settings.traits;
      await this.#client.send('cancel', (api) => cancelOrder(api, market, this.#venueId(clientOrderId)));
      return { kind: 'ended' };
    } catch (thrown) {
      // EXC-4.
      if (thrown instanceof ExchangeRejection && thrown.absent) return { kind: 'ended' };
      return { kind: 'unavailable', message: messageOf(thrown) };
    }
  }

  async charges(reference: PositionReference): Promise<Charges> {
    const { symbol, side } = reference;
    return readCharges(this.#client, await this.#markets.recorded(symbol), this.#prices, reference, async () => {
      const { holdings, incomplete } = await readHoldings(this.#client, this.#markets, symbol, 'positions');
      return incomplete.length > 0 || holdings.some((holding) => holding.side !== side);
    });
  }

  async resting(symbol: string, side: Side): Promise<readonly RestingOrder[]> {
    return readResting(this.#client, await this.#markets.recorded(symbol), side, 'look-up');
  }

  async cancelResting(symbol: string, order: RestingOrder): Promise<RestingCancellation> {
    return cancelRestingOrder(this.#client, await this.#markets.recorded(symbol), order);
  }

  /** Waits as the rejection asks, or reads again what it proved outdated. False where that fails or takes longer than an order may wait. */
  async #waitToRetry(rejection: ExchangeRejection): Promise<boolean> {
    const { rule } = rejection;
    if (rule.meaning === 'resync' || rule.outdated === 'mode') {
      const asked = rule.meaning === 'resync' ? this.#client.measureClock() : this.#mode.refresh();
      return asked.then(
        () => true,
        () => false,
      );
    }
    const wait = Math.max(rejection.retryAfterMs ?? rule.waitMs, this.#client.blockedMs);
    if (wait > LONGEST_RETRY_WAIT_MS) return false;
    await this.#client.clock.sleep(wait);
    return true;
  }

  /** EXC-3: the order with the price and fee of its fills, where they are listed in time. */
  async #withFills(order: UnifiedOrder, clientOrderId: ClientOrderId, market: PastMarket): Promise<VenueOrder> {
    if (order.clientOrderId !== this.#venueId(clientOrderId)) {
      throw new Error(`the exchange answered with another order than ${clientOrderId}`);
    }
    const bare = venueOrderOf(order, clientOrderId, [], market);
    if (bare.state === 'OPEN' || new Exact(bare.filledQuantity).isZero()) return bare;
    for (const wait of FILL_WAITS_MS) {
      if (wait > 0) await this.#client.clock.sleep(wait);
      try {
        const fills = await fillsOfOrder(this.#client, market, order.id as OrderId);
        const filled = Exact.sum(0, ...fills.map(({ quantity }) => quantity));
        if (filled.eq(bare.filledQuantity))
          return venueOrderOf(order, clientOrderId, await this.#priced(fills, market), market);
      } catch {
        // The order alone is enough for an answer; its fills are requested again.
      }
    }
    return bare;
  }

  #sentOf({ symbol, side }: PositionReference): Info {
    return this.#sent.get(`${symbol}:${side}`) ?? {};
  }

  /** Fees that were charged in another asset, at their value. */
  async #priced(fills: readonly VenueFill[], market: PastMarket): Promise<readonly VenueFill[]> {
    return Promise.all(
      fills.map(async (fill) => {
        const { fee, feeAsset: asset, feeAmount: amount, filledAt } = fill;
        return fee === null
          ? { ...fill, fee: (await this.#prices.charge({ asset, amount }, market, filledAt)).quote }
          : fill;
      }),
    );
  }

  #venueId(clientOrderId: ClientOrderId): string {
    return venueClientId(clientOrderId, this.#client.settings.traits.clientOrderIds);
  }
}

/** EXC-6. Null: unknown, because the request failed for now. */
async function nullIfTransient<T>(question: () => Promise<T>): Promise<T | null> {
  try {
    return await question();
  } catch (thrown) {
    if (isKind(thrown, 'transient')) return null;
    throw thrown;
  }
}

/** The account's position mode as last read. Its owner may change it while the account is flat. */
export class AccountMode {
  readonly #client: VenueClient;
  #mode: PositionMode;

  private constructor(client: VenueClient, mode: PositionMode) {
    this.#client = client;
    this.#mode = mode;
  }

  /** Throws EXCHANGE_UNSUPPORTED where the exchange does not say, EXCHANGE_AWAY. */
  static async of(client: VenueClient): Promise<AccountMode> {
    return new AccountMode(client, await detectPositionMode(client));
  }

  get now(): PositionMode {
    return this.#mode;
  }

  /** Reads the mode again. Throws EXCHANGE_AWAY. */
  async refresh(): Promise<void> {
    const before = this.#mode;
    this.#mode = await detectPositionMode(this.#client);
    if (this.#mode === before) return;
    const context = { venue: this.#client.id, before, mode: this.#mode };
    this.#client.logger.warn(context, `the account's position mode was changed from ${before} to ${this.#mode}`);
  }
}

/** Throws EXCHANGE_UNSUPPORTED where the exchange does not say, EXCHANGE_AWAY. */
async function detectPositionMode(client: VenueClient): Promise<PositionMode> {
  const mode = await client.ask('look-up', 'position mode', (api) => client.settings.traits.positionMode(api));
  if (mode !== null) return mode;
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', `${client.id} does not say whether the account is in hedge mode`);
}
