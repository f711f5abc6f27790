/**
 * The costs of a slice of a position: its own fee, its share of the opening fees, its share of the funding.
 *
 * EXE-15  Shares are at average cost: the fees of fills that opened or grew the position, and the funding, form a pool, and each reduction takes the
 *         part of the pool that it closes of the open size. So the shares of all slices of a position add up to what was charged.
 * EXE-16  An unknown cost is null, and named with the reason. Nothing unknown counts as 0.
 * EXE-17  A slice waits for its costs as long as the venue may take to answer (ports/exchange.ts), and no longer: it is written once, with the costs
 *         known by then.
 */
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import {
  type Charge,
  type ChargedFill,
  type Charges,
  type FundingPayment,
  joinedAssets,
  type DecimalText,
  type Exchange,
  type PositionReference,
  type VenueOrder,
} from '../../ports/exchange.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { FillId, OrderId, Reduction, Side, TradeClosed } from '../../schemas/generated/records.ts';
import { inR } from './trades.ts';

/** The schema's bound on an amount. Unit: quote currency. */
const GREATEST_QUOTE = 1e27;

/** The schema's bound on a reason. Unit: characters. */
const MAX_WHY = 2000;

type SliceCosts = Pick<
  TradeClosed,
  | 'fee_quote'
  | 'fee_asset'
  | 'fee_amount'
  | 'opening_fee_quote'
  | 'opening_fee_asset'
  | 'opening_fee_amount'
  | 'funding_quote'
  | 'unknown_costs'
>;

/** A slice of a position, from its trade. */
interface Slice {
  readonly side: Side;
  readonly openedAt: EpochMillis;
  readonly closedAt: EpochMillis;
  readonly entryPrice: number;
  readonly quantity: Exact;
  /** Open size after the slice. Unit: contracts. */
  readonly remaining: Exact;
  readonly isOwn: OwnFills['isOwn'];
  readonly fee: Charge;
}

/** The fills of a slice, and the fee that the venue gave with them. */
interface OwnFills {
  readonly isOwn: (fill: Pick<ChargedFill, 'fillId' | 'orderId'>) => boolean;
  readonly fee: Charge;
}

export function fillsOf({ orderId, fee, feeAsset, feeAmount }: VenueOrder): OwnFills {
  return { isOwn: (fill) => fill.orderId === orderId, fee: { asset: feeAsset, amount: feeAmount, quote: fee } };
}

export function fillOf({ fill_id, fee_quote, fee_asset, fee_amount }: Reduction): OwnFills {
  const text = (value: number | null): DecimalText | null => (value === null ? null : new Exact(value).toFixed());
  const fee = { asset: fee_asset, amount: text(fee_amount), quote: text(fee_quote) };
  return { isOwn: ({ fillId }) => fillId === fill_id, fee };
}

/** The trade with its costs, its net profit and its R after costs. Pure. */
export function withCosts(trade: TradeClosed, own: OwnFills, charges: Charges): TradeClosed {
  const costs = costsOf(
    {
      side: trade.side,
      openedAt: trade.opened_at,
      closedAt: trade.closed_at,
      entryPrice: trade.entry_price,
      quantity: new Exact(trade.quantity),
      remaining: new Exact(trade.remaining_quantity),
      ...own,
    },
    charges,
  );
  const { fee_quote: fee, opening_fee_quote: opening, funding_quote: funding } = costs;
  const net =
    fee === null || opening === null || funding === null
      ? null
      : new Exact(trade.pnl_quote).sub(fee).sub(opening).sub(funding);
  return {
    ...trade,
    ...costs,
    pnl_net_quote: bounded(net?.toFixed() ?? null),
    r_net: net === null || trade.risk_quote === null ? null : inR(net, new Exact(trade.risk_quote)),
  };
}

/** The charges of a position; all unknown where the venue is unavailable (EXE-17). */
export async function chargesOf(venue: Pick<Exchange, 'charges'>, reference: PositionReference): Promise<Charges> {
  try {
    return await venue.charges(reference);
  } catch (thrown) {
    if (isKind(thrown, 'transient')) return unknownCharges(messageOf(thrown));
    throw thrown;
  }
}

function unknownCharges(why: string): Charges {
  return { kind: 'records', fills: { why }, funding: { why } };
}

function costsOf(slice: Slice, charges: Charges): SliceCosts {
  const { fee, opening, funding } =
    charges.kind === 'rates' ? atRates(slice, charges.feeRate) : recorded(slice, charges);
  const closing = fee === null ? unknown('the venue did not tell it') : costOf([fee]);
  return {
    fee_quote: closing.quote,
    fee_asset: closing.asset,
    fee_amount: closing.amount,
    opening_fee_quote: opening.quote,
    opening_fee_asset: opening.asset,
    opening_fee_amount: opening.amount,
    funding_quote: funding.quote,
    unknown_costs: [
      ...named('fee_quote', closing),
      ...named('opening_fee_quote', opening),
      ...named('funding_quote', funding),
    ],
  };
}

/** A cost of a slice; null where it is not known, with the reason in `why`. */
interface Cost {
  readonly quote: number | null;
  readonly asset: string | null;
  readonly amount: number | null;
  readonly why: string | null;
}

interface Costs {
  readonly fee: Charge | null;
  readonly opening: Cost;
  readonly funding: Cost;
}

function unknown(why: string): Cost {
  return { quote: null, asset: null, amount: null, why };
}

function named(field: string, { quote, why }: Cost): readonly string[] {
  return quote === null ? [`${field}: ${why ?? 'not known'}`.slice(0, MAX_WHY).toWellFormed()] : [];
}

function atRates({ entryPrice, quantity, fee }: Slice, rate: string): Costs {
  const opening = new Exact(entryPrice).mul(quantity).mul(rate).toFixed();
  return {
    fee,
    opening: costOf([{ asset: null, amount: null, quote: opening }]),
    funding: costOf([]),
  };
}

function recorded(slice: Slice, { fills, funding }: Extract<Charges, { kind: 'records' }>): Costs {
  const own = 'listed' in fills ? fills.listed.filter(slice.isOwn) : [];
  const ownQuantity = Exact.sum(0, ...own.map(({ quantity }) => quantity));
  // The fee given with the order comes first: its fills may have been listed, or priced, only later.
  const fee = slice.fee.quote === null && ownQuantity.eq(slice.quantity) ? sum(own.map((one) => one.fee)) : slice.fee;
  if ('why' in fills) return { fee, opening: unknown(fills.why), funding: unknown(fills.why) };
  const course = courseOf(slice, fills.listed, own, ownQuantity);
  if ('why' in course) return { fee, opening: unknown(course.why), funding: unknown(course.why) };
  const openings = course.fills.flatMap((one, index) =>
    opens(slice.side, one) ? [{ charge: one.fee, before: index }] : [],
  );
  return {
    fee,
    opening: costOf(openings.map((one) => course.shareOf(one))),
    funding:
      'why' in funding
        ? unknown(funding.why)
        : costOf(paidWithin(slice, funding.listed, course.fills).map((one) => course.shareOf(one))),
  };
}

/** A charge on the open size, made ahead of the fill with the index `before`. */
interface Charged {
  readonly charge: Charge;
  readonly before: number;
}

/** The course of a position from its opening to the slice. */
interface Course {
  /** Oldest first, the last one of the slice at the end. */
  readonly fills: readonly ChargedFill[];
  /** The part of a charge that the slice takes (EXE-15). */
  readonly shareOf: (charged: Charged) => Charge;
}

function courseOf(
  slice: Slice,
  listed: readonly ChargedFill[],
  own: readonly ChargedFill[],
  ownQuantity: Exact,
): Course | { readonly why: string } {
  const { side, openedAt, closedAt, quantity, remaining } = slice;
  const ofSide = listed.filter(
    (fill) => (fill.positionSide ?? side) === side && fill.filledAt >= openedAt && fill.filledAt <= closedAt,
  );
  // A fill of the same millisecond may have ended another position: this one begins with the fill that opens it.
  const first = ofSide.findIndex((fill) => fill.filledAt === openedAt && opens(side, fill));
  if (first === -1) return { why: 'no fill that the venue tells of opened the position' };
  const isListed = own.length > 0 && ownQuantity.eq(quantity);
  const fills = isListed
    ? ofSide.slice(first, ofSide.findLastIndex(slice.isOwn) + 1)
    : [...ofSide.slice(first).filter((fill) => !slice.isOwn(fill)), unlisted(slice)];
  return followed(slice, fills, isListed ? slice.isOwn : (fill) => fill === fills.at(-1), remaining);
}

/** The fills of the slice as one, where the venue does not list them yet. */
function unlisted({ side, closedAt, quantity, fee }: Slice): ChargedFill {
  return {
    fillId: '' as FillId,
    orderId: '' as OrderId,
    positionSide: side,
    direction: side === 'LONG' ? 'SELL' : 'BUY',
    quantity: quantity.toFixed(),
    fee,
    filledAt: closedAt,
  };
}

function followed(
  { side }: Slice,
  fills: readonly ChargedFill[],
  isOwn: (fill: ChargedFill) => boolean,
  remaining: Exact,
): Course | { readonly why: string } {
  let open = new Exact(0);
  let left = new Exact(1);
  /** Of a charge at the beginning: the part left ahead of each fill, and the part that the slice had taken by then. */
  const lefts: Exact[] = [];
  const taken: Exact[] = [];
  let own = new Exact(0);
  for (const fill of fills) {
    lefts.push(left);
    taken.push(own);
    if (opens(side, fill)) {
      open = open.add(fill.quantity);
      continue;
    }
    if (open.lt(fill.quantity))
      return { why: `the fills that the venue tells of close more than was open, at ${fill.fillId}` };
    const part = left.mul(fill.quantity).div(open);
    if (isOwn(fill)) own = own.add(part);
    left = left.sub(part);
    open = open.sub(fill.quantity);
    if (open.isZero() && fill !== fills.at(-1)) return { why: `the position was closed before, by ${fill.fillId}` };
  }
  if (!open.eq(remaining)) {
    return { why: `the fills that the venue tells of leave ${open.toFixed()}, where ${remaining.toFixed()} were left` };
  }
  const shareOf = ({ charge, before }: Charged): Charge =>
    scaled(charge, own.sub(taken[before] ?? own).div(lefts[before] ?? 1));
  return { fills, shareOf };
}

/** The funding paid while the position was open. A payment at the time of a fill counts as paid before it. */
function paidWithin(
  { openedAt, closedAt }: Slice,
  payments: readonly FundingPayment[],
  fills: readonly ChargedFill[],
): readonly Charged[] {
  return payments.flatMap(({ charge, paidAt }) => {
    if (paidAt <= openedAt || paidAt > closedAt) return [];
    const before = fills.findIndex(({ filledAt }) => filledAt >= paidAt);
    return before === -1 ? [] : [{ charge, before }];
  });
}

function opens(side: Side, { direction }: ChargedFill): boolean {
  return direction === (side === 'LONG' ? 'BUY' : 'SELL');
}

function scaled({ asset, amount, quote }: Charge, by: Exact): Charge {
  const part = (text: string | null): string | null => (text === null ? null : new Exact(text).mul(by).toFixed());
  return { asset, amount: part(amount), quote: part(quote) };
}

function sum(charges: readonly Charge[]): Charge {
  const assets = [...new Set(charges.map(({ asset }) => asset))];
  const added = (texts: readonly (string | null)[]): string | null => {
    const known = texts.flatMap((text) => (text === null ? [] : [text]));
    return known.length < texts.length ? null : Exact.sum(0, ...known).toFixed();
  };
  return {
    asset: joinedAssets(assets),
    amount: assets.length === 1 ? added(charges.map(({ amount }) => amount)) : null,
    quote: added(charges.map(({ quote }) => quote)),
  };
}

/** The sum of charges as a cost (EXE-16); no charges at all are 0. */
function costOf(charges: readonly Charge[]): Cost {
  const { asset, amount, quote } = sum(charges);
  const known = bounded(quote);
  const amounts = { asset, amount: asset === null ? null : bounded(amount) };
  if (known !== null) return { quote: known, ...amounts, why: null };
  const why = asset === null ? 'the venue did not tell it' : `no price of ${asset} at that time can be had`;
  return { quote: null, ...amounts, why };
}

/** Null where the amount is beyond the schema's bound. */
function bounded(text: string | null): number | null {
  if (text === null) return null;
  const value = Number(text);
  return Math.abs(value) <= GREATEST_QUOTE ? value : null;
}
