import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Candle } from '../../../ports/market.ts';
import type {
  Fills,
  IncompleteHolding,
  OrderOrigin,
  Shown,
  Venue,
  VenueFill,
  VenueHolding,
  VenueStops,
} from '../../../ports/venue.ts';
import type { ClientOrderId, FillId, OrderId, Side } from '../../../schemas/generated/records.ts';

export interface FillTraits {
  readonly at?: number;
  readonly price?: string;
  readonly orderId?: string;
  readonly fee?: string | null;
  readonly positionSide?: Side;
}

export function aFill(id: string, direction: 'BUY' | 'SELL', quantity: string, traits: FillTraits = {}): VenueFill {
  const { at = 0, price = '100', orderId = `order-${id}`, fee = '0.04', positionSide = null } = traits;
  return {
    fillId: id as FillId,
    orderId: orderId as OrderId,
    positionSide,
    direction,
    quantity,
    price,
    fee,
    feeAsset: fee === null ? null : 'USDT',
    feeAmount: fee,
    filledAt: at,
  };
}

export function aHolding(side: Side, quantity: string, traits: Partial<VenueHolding> = {}): VenueHolding {
  return {
    symbol: 'BTCUSDT',
    side,
    quantity,
    entryPrice: '100',
    markPrice: '107',
    isDust: false,
    updatedAt: 0,
    ...traits,
  };
}

/** What one question about older fills tells. */
const PIECE_MS = 7 * 24 * 60 * 60 * 1000;

/** A venue whose answers a test sets; a question named in `silent` is not answered. */
export class ScriptedVenue implements Venue {
  readonly venue = 'scripted';
  readonly asked: string[] = [];
  readonly silent = new Set<string>();
  shown: readonly VenueHolding[] = [];
  incomplete: readonly IncompleteHolding[] = [];
  /** It tells of no older fill. */
  fillsKeptSince = 0;
  /** How many questions about older fills it answers before it says "not now". */
  olderAnswers = Infinity;
  allFills: Record<string, readonly VenueFill[]> = {};
  origins: Record<string, OrderOrigin> = {};
  /** Orders that the venue says it does not know. */
  readonly denied = new Set<string>();
  closed: readonly Candle[] = [];
  stopsOf: VenueStops = { stopPrice: null, takeProfitPrice: null, resting: [] };

  async holdings(): Promise<Shown> {
    this.#ask('holdings');
    return { holdings: this.shown, incomplete: this.incomplete };
  }

  async fills(symbol: string, since: number): Promise<Fills> {
    this.#ask(`fills ${symbol}`);
    const from = Math.max(since, this.fillsKeptSince);
    return { fills: (this.allFills[symbol] ?? []).filter((fill) => fill.filledAt >= from), since: from };
  }

  async olderFills(symbol: string, before: number): Promise<Fills | null> {
    this.#ask(`older ${symbol}`);
    if (this.olderAnswers <= 0) return null;
    this.olderAnswers -= 1;
    const since = Math.max(Math.min(before, this.fillsKeptSince), before - PIECE_MS);
    const fills = (this.allFills[symbol] ?? []).filter((fill) => fill.filledAt >= since && fill.filledAt <= before);
    return { fills, since };
  }

  async orderOrigin(symbol: string, orderId: string): Promise<OrderOrigin | null> {
    this.#ask(`origin ${symbol}`);
    if (this.denied.has(orderId)) return null;
    return this.origins[orderId] ?? { clientOrderId: 'web_1' as ClientOrderId, cause: 'ORDER' };
  }

  async candles(symbol: string, count: number): Promise<readonly Candle[]> {
    this.#ask(`candles ${symbol}`);
    return this.closed.slice(-count);
  }

  async stops(symbol: string): Promise<VenueStops> {
    this.#ask(`stops ${symbol}`);
    return this.stopsOf;
  }

  #ask(question: string): void {
    this.asked.push(question);
    const [what = ''] = question.split(' ');
    if (this.silent.has(question) || this.silent.has(what)) {
      throw new HarvestlineError('EXCHANGE_AWAY', `no answer to ${question}`);
    }
  }
}
