import { Exact } from '../../ports/exact-decimal.ts';
import { type Position, initialOf } from './account.ts';
import type { Orders } from './orders.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import { fundingReply } from './funding.ts';
import { fillReply } from './replies.ts';

/** The leverage in every market. Unit: notional per margin. */
export const LEVERAGE = 20;

/** Unit: fraction of notional. */
export const MAINTENANCE_RATE = '0.005';

/** The upper bound of the one leverage bracket. Unit: quote currency. */
export const MOST_NOTIONAL = '100000000';

/** The precision of amounts at Binance. Unit: decimal places. */
const SHOWN_DIGITS = 8;

const plain = (value: Exact): string => value.toFixed();
const shown = (value: Exact): string => value.toDecimalPlaces(SHOWN_DIGITS).toFixed();

export function positionReply(position: Position, orders: Orders): object {
  const { symbol, positionSide, amount, entryPrice, updateTime } = position;
  const mark = orders.mark(symbol);
  const notional = amount.mul(mark);
  const margin = shown(notional.abs().div(LEVERAGE));
  return {
    symbol,
    positionSide,
    positionAmt: plain(amount),
    entryPrice: plain(entryPrice),
    breakEvenPrice: shown(breakEvenOf(position)),
    markPrice: plain(mark),
    unRealizedProfit: plain(mark.sub(entryPrice).mul(amount)),
    liquidationPrice: shown(liquidationOf(position, orders.account.walletBalance)),
    isolatedMargin: '0',
    notional: plain(notional),
    marginAsset: orders.account.marginAssetOf(symbol),
    isolatedWallet: '0',
    initialMargin: margin,
    maintMargin: shown(notional.abs().mul(MAINTENANCE_RATE)),
    positionInitialMargin: margin,
    openOrderInitialMargin: '0',
    adl: 2,
    bidNotional: '0',
    askNotional: '0',
    updateTime,
  };
}

/** A position with the fields that only version 2 has. */
export function olderPositionReply(position: Position, orders: Orders): object {
  return {
    ...positionReply(position, orders),
    leverage: String(LEVERAGE),
    maxNotionalValue: MOST_NOTIONAL,
    marginType: 'cross',
    isAutoAddMargin: 'false',
  };
}

/** The price at which closing recovers all costs, with profits taken on the way. */
function breakEvenOf({ amount, entryPrice, net }: Position): Exact {
  return amount.isZero() ? new Exact(0) : entryPrice.sub(net.div(amount));
}

/** The price at which this position alone would reduce the wallet to its maintenance margin; 0 where there is none. */
function liquidationOf({ amount, entryPrice }: Position, wallet: Exact): Exact {
  if (amount.isZero()) return new Exact(0);
  const price = amount
    .mul(entryPrice)
    .sub(wallet)
    .div(amount.sub(amount.abs().mul(MAINTENANCE_RATE)));
  return Exact.max(0, price);
}

export function accountReply(orders: Orders, positions: readonly Position[], now: number): object {
  const wallet = orders.account.walletBalance;
  const { unrealized, initial, maintenance } = totalsOf(orders);
  const available = shown(Exact.max(0, wallet.add(unrealized).sub(initial)));
  const sums = {
    walletBalance: shown(wallet),
    unrealizedProfit: shown(unrealized),
    marginBalance: shown(wallet.add(unrealized)),
    maintMargin: shown(maintenance),
    initialMargin: shown(initial),
    positionInitialMargin: shown(initial),
    openOrderInitialMargin: '0',
    crossWalletBalance: shown(wallet),
    crossUnPnl: shown(unrealized),
    availableBalance: available,
    maxWithdrawAmount: available,
  };
  return {
    totalInitialMargin: sums.initialMargin,
    totalMaintMargin: sums.maintMargin,
    totalWalletBalance: sums.walletBalance,
    totalUnrealizedProfit: sums.unrealizedProfit,
    totalMarginBalance: sums.marginBalance,
    totalPositionInitialMargin: sums.positionInitialMargin,
    totalOpenOrderInitialMargin: sums.openOrderInitialMargin,
    totalCrossWalletBalance: sums.crossWalletBalance,
    totalCrossUnPnl: sums.crossUnPnl,
    availableBalance: available,
    maxWithdrawAmount: available,
    assets: [{ asset: 'USDT', ...sums, marginAvailable: true, updateTime: now }, ...otherAssets(orders, now)],
    positions: positions.map((position) => ({
      ...olderPositionReply(position, orders),
      unrealizedProfit: shown(unrealizedOf(orders, position)),
      isolated: false,
      maxNotional: MOST_NOTIONAL,
    })),
  };
}

export function balanceReply(orders: Orders, now: number): readonly object[] {
  const wallet = orders.account.walletBalance;
  const { unrealized, initial } = totalsOf(orders);
  const available = shown(Exact.max(0, wallet.add(unrealized).sub(initial)));
  return [
    {
      accountAlias: 'main',
      asset: 'USDT',
      balance: shown(wallet),
      crossWalletBalance: shown(wallet),
      crossUnPnl: shown(unrealized),
      availableBalance: available,
      maxWithdrawAmount: available,
      marginAvailable: true,
      updateTime: now,
    },
    ...otherAssets(orders, now).map((asset) => ({ accountAlias: 'main', ...asset })),
  ];
}

/** Assets besides USDT, which in single-asset mode count for no total. */
function otherAssets({ account }: Orders, now: number): readonly object[] {
  return [...account.wallets]
    .filter(([asset]) => asset !== 'USDT')
    .map(([asset, wallet]) => ({
      asset,
      walletBalance: shown(wallet),
      balance: shown(wallet),
      crossWalletBalance: shown(wallet),
      availableBalance: shown(Exact.max(0, wallet)),
      maxWithdrawAmount: shown(Exact.max(0, wallet)),
      marginAvailable: true,
      updateTime: now,
    }));
}

function totalsOf(orders: Orders): { unrealized: Exact; initial: Exact; maintenance: Exact } {
  let [unrealized, notional] = [new Exact(0), new Exact(0)];
  for (const position of orders.account.positions.values()) {
    if (position.amount.isZero()) continue;
    unrealized = unrealized.add(unrealizedOf(orders, position));
    notional = notional.add(position.amount.mul(orders.mark(position.symbol)).abs());
  }
  return { unrealized, initial: notional.div(LEVERAGE), maintenance: notional.mul(MAINTENANCE_RATE) };
}

function unrealizedOf(orders: Orders, { symbol, amount, entryPrice }: Position): Exact {
  return amount.isZero() ? new Exact(0) : orders.mark(symbol).sub(entryPrice).mul(amount);
}

interface Totals {
  readonly symbol: string;
  fills: number;
  /** Unit: the market's quote asset. */
  realizedPnl: Exact;
  readonly commission: Map<string, Exact>;
}

/**
 * The account's ledger, for auditing what a client recorded. Asset by asset, `wallets` are exactly `initial` plus the realised profits less the
 * commissions of all `fills`, plus the income of all `funding`. Restricted to a symbol where one is given.
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
