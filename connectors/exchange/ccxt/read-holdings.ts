import { messageOf } from '../../../errors/harvestline-error.ts';
import type { DecimalText, PositionReference } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { IncompleteHolding, Shown, VenueHolding, VenueFill } from '../../../ports/venue.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { positionSideOf } from './read-fills.ts';
import { UnifiedPosition, unified } from './unified.ts';
import type { Priority } from './request-queue.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarket, VenueMarkets, PastMarket } from './venue-markets.ts';
import type { Info } from './venues/venue-traits.ts';
import { ExchangeRejection } from './exchange-rejection.ts';
import { type Lifecycle, lifecyclesOf } from '../../../ports/lifecycles.ts';

export interface ReadHoldings extends Shown {
  /** What the exchange itself sent of each whole one, by `SYMBOL:SIDE`. */
  readonly sent: ReadonlyMap<string, Info>;
}

/**
 * The open positions that an exchange shows, of one market or of all. Positions in markets that are not linear are left out: R and
 * profit would be counted wrongly. Throws EXCHANGE_AWAY.
 *
 * EXC-18  One that is not whole is said with what is known of it, also where ccxt leaves it out, and costs no other its place.
 * EXC-19  A price of 0 is none: a market that is suspended or about to be taken off.
 */
export async function readHoldings(
  client: VenueClient,
  markets: VenueMarkets,
  symbol: string | null,
  priority: Priority,
): Promise<ReadHoldings> {
  await markets.ready();
  const market = symbol === null ? null : await markets.byId(symbol);
  if (symbol !== null && market === null) return { holdings: [], incomplete: [], sent: new Map() };
  const { answer, replies } = await client.askWithReplies(priority, 'positions', (api) =>
    client.settings.traits.positions(api, market),
  );
  const holdings: VenueHolding[] = [];
  const incomplete: IncompleteHolding[] = [];
  const sent = new Map<string, Row>();
  const told = new Set<string>();
  for (const position of answer) {
    const read = readPosition(position);
    if (read === null) {
      // What is not shown is not taken for closed.
      client.logger.error({ venue: client.id }, 'the exchange shows a position of a market that it does not name');
      continue;
    }
    told.add(placeOf(read.info));
    const { size } = read;
    if (size?.isZero() === true) continue;
    const own = await markets.bySymbol(read.name);
    if (own === null && market === null && !markets.isListed(read.name)) incomplete.push(unlisted(read));
    if (own === null || (market !== null && own.id !== market.id)) continue;
    const found = await holdingOf(client, own, read, priority);
    if ('lacks' in found) incomplete.push(found);
    else {
      holdings.push(found);
      sent.set(`${found.symbol}:${found.side}`, read.info);
    }
  }
  for (const row of rowsOf(replies)) {
    if (told.has(placeOf(row)) || signedSize(row)?.isZero() !== false) continue;
    const own = await markets.byId(String(row['symbol']));
    if (own === null || (market !== null && own.id !== market.id)) continue;
    incomplete.push(
      incompleteOf(own, sideOf(null, row), signedSize(row), positive(row['entryPrice']), ['an entry price']),
    );
  }
  return { holdings, incomplete, sent };
}

interface ReadPosition {
  /** ccxt's. */
  readonly name: string;
  readonly side: Side | null;
  /** In the exchange's contracts, not below 0; null where it does not say. */
  readonly size: Exact | null;
  readonly entryPrice: DecimalText | null;
  readonly markPrice: DecimalText | null;
  readonly updatedAt: number | null;
  readonly info: Row;
}

/** What the exchange itself sent. */
type Row = Readonly<Record<string, unknown>>;

/** Null where not even the market is named. */
function readPosition(given: unknown): ReadPosition | null {
  const row = isRow(given) ? given : {};
  const info = isRow(row['info']) ? row['info'] : {};
  const name = row['symbol'];
  if (typeof name !== 'string') return null;
  let position: Partial<UnifiedPosition> = {};
  try {
    position = unified(UnifiedPosition, given);
  } catch {
    // Where ccxt cannot read it there is what the exchange itself says.
  }
  const { side = null, contracts, lastUpdateTimestamp, timestamp } = position;
  return {
    name,
    side: sideOf(side, info),
    size: (decimal(contracts) ?? signedSize(info))?.abs() ?? null,
    entryPrice: positive(position.entryPrice) ?? positive(info['entryPrice']),
    markPrice: positive(position.markPrice) ?? positive(info['markPrice']),
    updatedAt: lastUpdateTimestamp ?? timestamp ?? null,
    info,
  };
}

async function holdingOf(
  client: VenueClient,
  market: VenueMarket,
  { side, size, entryPrice, markPrice, updatedAt, info }: ReadPosition,
  priority: Priority,
): Promise<VenueHolding | IncompleteHolding> {
  const lacks: string[] = [];
  if (side === null) lacks.push('its side');
  if (size === null) lacks.push('its size');
  if (entryPrice === null) lacks.push('an entry price');
  const unsupported = client.settings.traits.unsupportedPosition(info);
  if (unsupported !== null) lacks.push(`what this program can do: it is in ${unsupported}`);
  let mark = markPrice;
  if (mark === null) {
    try {
      mark = await namedMarkPrice(client, market, priority);
      if (mark === null) lacks.push('a mark price');
    } catch (thrown) {
      lacks.push(`a mark price (${messageOf(thrown)})`);
    }
  }
  if (side === null || size === null || entryPrice === null || mark === null || unsupported !== null) {
    return incompleteOf(market, side, size, entryPrice, lacks);
  }
  const quantity = toText(size.mul(market.contractSize));
  const { settlesAt } = market;
  const end = settlesAt === null ? {} : { settlesAt };
  return {
    symbol: market.id,
    side,
    quantity,
    entryPrice,
    markPrice: mark,
    isDust: isDust(quantity, market),
    updatedAt,
    ...end,
  };
}

/** Orders are whole steps, and none is below the market's minimum. What a whole close is worth does not matter. */
function isDust(quantity: DecimalText, { rules: { lotStep, minQuantity } }: VenueMarket): boolean {
  return new Exact(quantity).div(lotStep).floor().mul(lotStep).lt(Exact.max(minQuantity, lotStep));
}

/** A position in a market that is on no list: its rules, and the size of its contracts, are unknown. */
function unlisted({ name, side, entryPrice, info }: ReadPosition): IncompleteHolding {
  const quantity = signedSize(info)?.abs() ?? null;
  const lacks = "a market of that id on the exchange's list";
  return { symbol: name, side, quantity: quantity === null ? null : toText(quantity), entryPrice, lacks };
}

function incompleteOf(
  market: VenueMarket,
  side: Side | null,
  size: Exact | null,
  entryPrice: DecimalText | null,
  lacks: readonly string[],
): IncompleteHolding {
  const quantity = size === null ? null : toText(size.abs().mul(market.contractSize));
  return { symbol: market.id, side, quantity, entryPrice, lacks: lacks.join(' and ') };
}

/** As ccxt has it, or as the exchange's own size tells where ccxt goes by the value, which is 0 where the price is. */
function sideOf(side: 'long' | 'short' | null, info: Row): Side | null {
  if (side !== null) return side === 'long' ? 'LONG' : 'SHORT';
  const named = positionSideOf(info);
  const size = signedSize(info);
  if (named !== null || size === null || size.isZero()) return named;
  return size.isNegative() ? 'SHORT' : 'LONG';
}

/** The positions of a reply that is a list of them. */
function rowsOf(replies: readonly unknown[]): readonly Row[] {
  return replies
    .flatMap((reply) => (Array.isArray(reply) ? reply.filter(isRow) : []))
    .filter((row) => 'positionAmt' in row);
}

function placeOf(row: Row): string {
  return `${String(row['symbol'])}/${String(row['positionSide'])}`;
}

function signedSize(row: Row): Exact | null {
  return decimal(row['positionAmt']);
}

/** EXC-19. */
function positive(given: unknown): DecimalText | null {
  const price = decimal(given);
  return price?.gt(0) === true && price.lte(LARGEST_PRICE) ? toText(price) : null;
}

function decimal(given: unknown): Exact | null {
  if (typeof given !== 'string' && typeof given !== 'number') return null;
  if (!DECIMAL.test(String(given))) return null;
  const figure = new Exact(given);
  return figure.abs().gt(LARGEST_FIGURE) ? null : figure;
}

const DECIMAL = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** No size and no price of a market lies beyond (schemas/market-bounds.ts): records do not take them. Units: contracts, quote currency. */
const LARGEST_FIGURE = 1e15;
const LARGEST_PRICE = 1e12;

function isRow(given: unknown): given is Row {
  return typeof given === 'object' && given !== null;
}

/**
 * The price at which the exchange values positions now. Null where it answers and names none, or 0: a market that is suspended or
 * taken off. Throws EXCHANGE_AWAY. Unit: quote currency per contract.
 */
export async function namedMarkPrice(
  client: VenueClient,
  { symbol }: PastMarket,
  priority: Priority,
): Promise<DecimalText | null> {
  return client.ask(priority, `mark price of ${symbol}`, async (api) => {
    try {
      const ticker = api.has['fetchMarkPrice'] ? await api.fetchMarkPrice(symbol) : await api.fetchTicker(symbol);
      const price = new Exact(ticker.markPrice ?? ticker.last ?? 0);
      return price.gt(0) ? toText(price) : null;
    } catch (thrown) {
      // A definite no: every later question would get it as well.
      if (thrown instanceof ExchangeRejection && thrown.rule.meaning === 'refused') return null;
      throw thrown;
    }
  });
}

/** What names a position, and how large it was when it was observed. */
export type Observed = Pick<PositionReference, 'side' | 'opened_at' | 'observed_at' | 'quantity' | 'entry_price'>;

/** The position as it was observed: nothing has happened to it since, so no fill need be asked for. */
export function isAsObserved({ quantity, entry_price }: Observed, holding: VenueHolding | undefined): boolean {
  return holding !== undefined && Number(holding.quantity) === quantity && Number(holding.entryPrice) === entry_price;
}

/**
 * How much of a position that was observed before is open now. `holdings` are the open positions of its symbol, `fills` all fills
 * since it was observed. Pure.
 *
 * EXC-20  A position of the same side that was opened since is another one: the one that was observed is flat.
 * EXC-21  A position that is not shown is flat only where the fills closed all that was observed of it. Otherwise nothing is known
 *     (null): an empty answer, or fills that are late.
 */
export function openQuantityOf(
  observed: Observed,
  holdings: readonly VenueHolding[],
  fills: readonly VenueFill[],
): DecimalText | null {
  const { side } = observed;
  const own = lifecyclesOf(ofSide(fills, side), holdings).filter((lifecycle) => lifecycle.side === side);
  const first = own.find((lifecycle) => isSame(observed, lifecycle));
  const shown = holdings.find((holding) => holding.side === side);
  if (shown !== undefined) {
    // EXC-20. Without a fill since it cannot be another.
    if (own.length === 0 || first?.quantity.gt(0) === true) return shown.quantity;
  }
  if (first === undefined || first.quantity.gt(0)) return null;
  // EXC-21.
  const closed = Exact.sum(0, ...first.reductions.map(({ quantity }) => quantity));
  return closed.gte(observed.quantity) ? toText(new Exact(0)) : null;
}

/** Its fills begin in its middle, or with the fill that opened it, or before it was observed. */
function isSame({ opened_at, observed_at }: Observed, { opening }: Lifecycle): boolean {
  return opening === null || opening.at === opened_at || opening.at <= observed_at;
}

function ofSide(fills: readonly VenueFill[], side: Side): readonly VenueFill[] {
  return fills.filter(({ positionSide }) => positionSide === null || positionSide === side);
}
