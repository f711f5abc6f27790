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

interface ReadHoldings extends Shown {
  /** The exchange's own fields of each complete position, by `SYMBOL:SIDE`. */
  readonly sent: ReadonlyMap<string, Info>;
}

/**
 * The open positions that an exchange shows, of one market or of all. Positions in markets that are not linear are left out, since R and
 * profit would be computed wrongly. Throws EXCHANGE_AWAY.
 *
 * EXC-18  An incomplete position is reported with what is known of it, even where ccxt drops it, and never hides another one.
 * EXC-19  A price of 0 is no price: the market is suspended or about to be delisted.
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
  const parsed = new Set<string>();
  for (const position of answer) {
    const read = readPosition(position);
    if (read === null) {
      // It cannot be named, so it is only logged; a position that is not shown is never taken for closed.
      client.logger.error({ venue: client.id }, 'the exchange shows a position of a market that it does not name');
      continue;
    }
    parsed.add(placeOf(read.info));
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
    if (parsed.has(placeOf(row)) || signedSize(row)?.isZero() !== false) continue;
    const own = await markets.byId(String(row['symbol']));
    if (own === null || (market !== null && own.id !== market.id)) continue;
    incomplete.push(
      incompleteOf(own, sideOf(null, row), signedSize(row), positive(row['entryPrice']), ['an entry price']),
    );
  }
  return { holdings, incomplete, sent };
}

interface ReadPosition {
  /** ccxt's symbol. */
  readonly name: string;
  readonly side: Side | null;
  /** Null: unknown. Unit: the exchange's contracts, at least 0. */
  readonly size: Exact | null;
  readonly entryPrice: DecimalText | null;
  readonly markPrice: DecimalText | null;
  readonly updatedAt: number | null;
  readonly info: Row;
}

/** The exchange's own fields. */
type Row = Readonly<Record<string, unknown>>;

/** Null where the row names no market. */
function readPosition(given: unknown): ReadPosition | null {
  const row = isRow(given) ? given : {};
  const info = isRow(row['info']) ? row['info'] : {};
  const name = row['symbol'];
  if (typeof name !== 'string') return null;
  let position: Partial<UnifiedPosition> = {};
  try {
    position = unified(UnifiedPosition, given);
  } catch {
    // ccxt's figures cannot be read; the exchange's own are used below.
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
      mark = await readMarkPrice(client, market, priority);
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

/** Whether a position is too small for any order: less than a lot step or the market's minimum. The minimum notional does not apply to a full close. */
function isDust(quantity: DecimalText, { rules: { lotStep, minQuantity } }: VenueMarket): boolean {
  return new Exact(quantity).div(lotStep).floor().mul(lotStep).lt(Exact.max(minQuantity, lotStep));
}

/** A position in a delisted market: its rules and contract size are unknown. */
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

/** ccxt's side, or that of the exchange's own size: ccxt derives the side from the value, which is 0 while the price is. */
function sideOf(side: 'long' | 'short' | null, info: Row): Side | null {
  if (side !== null) return side === 'long' ? 'LONG' : 'SHORT';
  const named = positionSideOf(info);
  const size = signedSize(info);
  if (named !== null || size === null || size.isZero()) return named;
  return size.isNegative() ? 'SHORT' : 'LONG';
}

/** The rows of replies that are lists of positions (Binance's form). */
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

/** Records accept no larger figures (schemas/market-bounds.ts). Units: contracts, quote currency. */
const LARGEST_FIGURE = 1e15;
const LARGEST_PRICE = 1e12;

function isRow(given: unknown): given is Row {
  return typeof given === 'object' && given !== null;
}

/**
 * The price at which the exchange values positions now. Null where it has none or 0, as for a suspended or delisted market. Throws
 * EXCHANGE_AWAY. Unit: quote currency per contract.
 */
export async function readMarkPrice(
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
      // Definite: every later request would be rejected as well.
      if (thrown instanceof ExchangeRejection && thrown.rule.meaning === 'rejected') return null;
      throw thrown;
    }
  });
}

/** The identity of a position, and its size when it was observed. */
export type Observed = Pick<PositionReference, 'side' | 'opened_at' | 'observed_at' | 'quantity' | 'entry_price'>;

/** Whether a position is unchanged since it was observed, so that its fills need not be read. */
export function isAsObserved({ quantity, entry_price }: Observed, holding: VenueHolding | undefined): boolean {
  return holding !== undefined && Number(holding.quantity) === quantity && Number(holding.entryPrice) === entry_price;
}

/**
 * How much of an observed position is open now; null: unknown. `holdings` are the open positions of its symbol, `fills` all fills since the
 * observation. Pure.
 *
 * EXC-20  A position of the same side that was opened since is a different one: the observed one is flat.
 * EXC-21  A position that is not shown is flat only if the fills closed all that was observed of it. Otherwise its size is unknown: the
 *         answer may be empty by mistake, or fills may be late.
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
    // EXC-20. Without a fill since the observation it is the same position.
    if (own.length === 0 || first?.quantity.gt(0) === true) return shown.quantity;
  }
  if (first === undefined || first.quantity.gt(0)) return null;
  // EXC-21.
  const closed = Exact.sum(0, ...first.reductions.map(({ quantity }) => quantity));
  return closed.gte(observed.quantity) ? toText(new Exact(0)) : null;
}

/** Whether a lifecycle is the observed position: it began with the same fill, before the observation, or before the first fill that was read. */
function isSame({ opened_at, observed_at }: Observed, { opening }: Lifecycle): boolean {
  return opening === null || opening.at === opened_at || opening.at <= observed_at;
}

function ofSide(fills: readonly VenueFill[], side: Side): readonly VenueFill[] {
  return fills.filter(({ positionSide }) => positionSide === null || positionSide === side);
}
