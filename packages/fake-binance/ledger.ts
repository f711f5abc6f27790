import { positionReply } from './account-replies.ts';
import { initialOf } from './account.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import { fundingReply } from './funding.ts';
import { fillReply } from './replies.ts';

interface Totals {
  readonly symbol: string;
  fills: number;
  /** Unit: the market's quote asset. */
  realizedPnl: Exact;
  readonly commission: Map<string, Exact>;
}

/**
 * The truth about the account's money, for those who audit what a client recorded: `wallets` are `initial`, plus the realised profits, less
 * the commissions, of all `fills`, and the income of all `funding`, asset by asset, exactly. Of one symbol where one is named.
 */
export function ledgerOf(
  { orders, funding, now }: Pick<BinanceExchange, 'orders' | 'funding'> & { now: number },
  symbol: string | null,
) {
  const { account } = orders;
  const fills = account.allFills().filter((fill) => symbol === null || fill.symbol === symbol);
  const totals = new Map<string, Totals>();
  for (const { symbol: market, realizedPnl, commission, commissionAsset } of fills) {
    let one = totals.get(market);
    if (one === undefined) {
      one = { symbol: market, fills: 0, realizedPnl: new Exact(0), commission: new Map() };
      totals.set(market, one);
    }
    one.fills += 1;
    one.realizedPnl = one.realizedPnl.add(realizedPnl);
    one.commission.set(commissionAsset, (one.commission.get(commissionAsset) ?? new Exact(0)).add(commission));
  }
  const clientIds = new Map([...orders.all()].map(({ orderId, clientOrderId }) => [orderId, clientOrderId]));
  return {
    time: now,
    initial: Object.fromEntries([...account.wallets.keys()].map((asset) => [asset, initialOf(asset).toFixed()])),
    wallets: texts(account.wallets),
    positions: [...account.positions.values()]
      .filter((one) => !one.amount.isZero() && (symbol === null || one.symbol === symbol))
      .map((one) => positionReply(one, orders)),
    totals: [...totals.values()].map((one) => ({
      symbol: one.symbol,
      quoteAsset: account.marginAssetOf(one.symbol),
      fills: one.fills,
      realizedPnl: one.realizedPnl.toFixed(),
      commission: texts(one.commission),
    })),
    funding: funding.payments.filter((one) => symbol === null || one.symbol === symbol).map(fundingReply),
    fills: fills.map((fill) => ({ ...fillReply(fill), clientOrderId: clientIds.get(fill.orderId) ?? null })),
  };
}

function texts(amounts: ReadonlyMap<string, Exact>): Readonly<Record<string, string>> {
  return Object.fromEntries([...amounts].map(([asset, amount]) => [asset, amount.toFixed()]));
}
