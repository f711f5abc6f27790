import { Exact } from '../../ports/exact-decimal.ts';
import type { Position, PositionSide } from './account.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import { BinanceError } from './binance-error.ts';
import { type EndpointTable, signed, limitOf, rangeOf } from './endpoint.ts';

/** One payment of funding. */
export interface FundingPayment {
  readonly id: number;
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly asset: string;
  /** Positive was received by the account. Unit: the asset. */
  readonly income: Exact;
  readonly time: number;
}

/** What is charged: a share of each open position's value, or an amount. */
export interface FundingSpec {
  readonly symbol: string;
  /** A long pays it where it is positive, a short receives it. Unit: fraction of value at the mark. */
  readonly rate?: string | undefined;
  /** What the account pays; negative: what it receives. Unit: the asset. */
  readonly amount?: string | undefined;
  /** What the market is quoted in when left out. */
  readonly asset?: string | undefined;
  /** Now when left out. */
  readonly at?: number | undefined;
}

/** As many as Binance shows of an income. Unit: decimal places. */
const SHOWN_DIGITS = 8;

/** Unit: payments. */
const USUAL_INCOME = 100;

/** Everything that was paid and received as funding. */
export class Funding {
  readonly #payments: FundingPayment[] = [];

  /** Oldest first. */
  get payments(): readonly FundingPayment[] {
    return this.#payments.toSorted((one, other) => one.time - other.time || one.id - other.id);
  }

  /** Charges every open position of the symbol. Throws -1121. */
  charge(exchange: Pick<BinanceExchange, 'orders' | 'now'>, spec: FundingSpec): readonly FundingPayment[] {
    const { orders } = exchange;
    const { symbol } = orders.market(spec.symbol);
    const open = [...orders.account.positions.values()].filter((one) => one.symbol === symbol && !one.amount.isZero());
    const charged = open.map((position): FundingPayment => {
      const paid = amountOf(spec, position, orders.mark(symbol));
      const asset = spec.asset ?? orders.account.marginAssetOf(symbol);
      const income = paid.neg().toDecimalPlaces(SHOWN_DIGITS);
      orders.account.pay(asset, income);
      const id = this.#payments.length + 1;
      const { positionSide } = position;
      const payment = { id, symbol, positionSide, asset, income, time: spec.at ?? exchange.now() };
      this.#payments.push(payment);
      return payment;
    });
    return charged;
  }
}

function amountOf({ rate, amount }: FundingSpec, { amount: size }: Position, mark: Exact): Exact {
  return amount === undefined ? size.mul(mark).mul(rate ?? '0.0001') : new Exact(amount);
}

/** Like Binance's, it does not say which side of a symbol a payment was for. */
export function fundingReply({ id, symbol, asset, income, time }: FundingPayment): object {
  return {
    symbol,
    incomeType: 'FUNDING_FEE',
    income: income.toFixed(),
    asset,
    info: 'FUNDING_FEE',
    time,
    tranId: id,
    tradeId: '',
  };
}

/** Income of other types is not modelled: fills tell of it. */
export const FUNDING_ENDPOINTS: EndpointTable = {
  'GET /fapi/v1/income': signed(({ exchange, parameters }) => {
    const symbol = parameters.get('symbol');
    if (symbol !== null) exchange.orders.market(symbol);
    const type = parameters.get('incomeType');
    if (type !== null && type !== 'FUNDING_FEE') throw new BinanceError('-1130', 'incomeType');
    const limit = limitOf(parameters, USUAL_INCOME);
    const hasStart = parameters.has('startTime');
    // A start alone reaches to now, for three months; neither is the last week.
    const { from, to } = hasStart
      ? { from: Number(parameters.get('startTime')), to: Number(parameters.get('endTime') ?? exchange.now()) }
      : rangeOf(parameters, exchange.now());
    const told = exchange.funding.payments.filter(
      (one) => one.time >= from && one.time <= to && (symbol === null || one.symbol === symbol),
    );
    return (hasStart ? told.slice(0, limit) : told.slice(-limit)).map(fundingReply);
  }),
};
