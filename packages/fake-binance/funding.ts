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

/** A charge of funding: a share of each open position's value, or an amount. */
interface FundingSpec {
  readonly symbol: string;
  /** Paid by longs and received by shorts where positive. Unit: fraction of the value at the mark price. */
  readonly rate?: string | undefined;
  /** Paid by the account where positive. Unit: the asset. */
  readonly amount?: string | undefined;
  /** The quote asset when left out. */
  readonly asset?: string | undefined;
  /** Now when left out. */
  readonly at?: number | undefined;
}

/** The precision of income at Binance. Unit: decimal places. */
const SHOWN_DIGITS = 8;

/** Unit: payments. */
const USUAL_INCOME = 100;

/** All funding payments of the account. */
export class Funding {
  readonly #payments: FundingPayment[] = [];

  /** Oldest first. */
  get payments(): readonly FundingPayment[] {
    return this.#payments.toSorted((one, other) => one.time - other.time || one.id - other.id);
  }

  /** Charges every open position of the symbol. Throws -1121 for an unknown one. */
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

/** As at Binance, the row does not name the position side. */
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

/** Income other than funding is not modelled: it can be computed from the fills. */
export const FUNDING_ENDPOINTS: EndpointTable = {
  'GET /fapi/v1/income': signed(({ exchange, parameters }) => {
    const symbol = parameters.get('symbol');
    if (symbol !== null) exchange.orders.market(symbol);
    const type = parameters.get('incomeType');
    if (type !== null && type !== 'FUNDING_FEE') throw new BinanceError('-1130', 'incomeType');
    const limit = limitOf(parameters, USUAL_INCOME);
    const hasStart = parameters.has('startTime');
    // A start alone means up to now; neither bound means the last week.
    const { from, to } = hasStart
      ? { from: Number(parameters.get('startTime')), to: Number(parameters.get('endTime') ?? exchange.now()) }
      : rangeOf(parameters, exchange.now());
    const listed = exchange.funding.payments.filter(
      (one) => one.time >= from && one.time <= to && (symbol === null || one.symbol === symbol),
    );
    return (hasStart ? listed.slice(0, limit) : listed.slice(-limit)).map(fundingReply);
  }),
};
