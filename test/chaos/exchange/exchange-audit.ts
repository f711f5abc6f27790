import { ruleFor } from '../../../connectors/exchange/ccxt/venues/code-rules.ts';
import { BINANCE } from '../../../connectors/exchange/ccxt/venues/binance.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import type { Fill } from '../../../packages/fake-binance/account.ts';
import { type Order, isOpen } from '../../../packages/fake-binance/order.ts';
import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';

export interface Recorded {
  readonly intents: readonly HarvestIntent[];
  readonly reports: readonly ExecutionReport[];
  readonly trades: readonly TradeClosed[];
  /** Symbols for which the exchange gave false answers or none for a while. */
  readonly sick?: ReadonlySet<string>;
}

/**
 * Compares what the exchange did with what was recorded, and returns the violations.
 *
 * CHX-4  Each intent has one terminal report.
 * CHX-5  No client order id is used by two orders. An order is sent again only after a rejection that means "not taken", and at most as often
 *        as the rule of its code allows.
 * CHX-6  An order is UNKNOWN only if the exchange was made unable to answer for it, or, where it is set aside, for the rest of its position.
 * CHX-7  Price, quantity and fee of a report are the exchange's; REJECTED and SUPPRESSED orders have no fill, unless it is booked as a late one.
 * CHX-8  Together, the orders of an intent fill no more than it asked for.
 * CHX-9  No order of a finished intent rests.
 * CHX-10  Every reducing fill is in exactly one slice: the opened quantity minus all slices is the open quantity.
 */
export function auditExchange(server: BinanceServer, recorded: Recorded): readonly string[] {
  return [...auditIntents(server, recorded), ...auditAttempts(server), ...auditQuantities(server, recorded)];
}

function auditIntents(server: BinanceServer, { intents, reports, trades, sick }: Recorded): readonly string[] {
  const violations: string[] = [];
  const byIntent = Map.groupBy(reports, ({ intent_id }) => intent_id);
  const tradeOf = new Map(trades.map((trade) => [trade.client_order_id, trade]));
  const unanswered = new Set(
    server.injected.filter(({ path }) => path === '/fapi/v1/order').map((one) => one.clientOrderId),
  );
  for (const intent of new Map(intents.map((one) => [one.intent_id, one])).values()) {
    const terminal = (byIntent.get(intent.intent_id) ?? []).filter(({ status }) => status !== 'SUBMITTED');
    const [end] = terminal;
    if (end === undefined || terminal.length > 1) {
      violations.push(`CHX-4: ${intent.intent_id} has ${terminal.length} terminal reports`);
      continue;
    }
    const announced = (byIntent.get(intent.intent_id) ?? []).filter(({ status }) => status === 'SUBMITTED');
    const ids =
      announced.length === 0 ? [clientOrderIdOf(intent.intent_id)] : announced.map((one) => one.client_order_id);
    const orders = server.exchange.orders
      .ofSymbol(intent.symbol)
      .filter(({ clientOrderId }) => isOneOf(ids, clientOrderId));
    const fillsOf = (of: readonly Order[]): readonly Fill[] =>
      server.exchange.orders.account
        .fillsOf(intent.symbol)
        .filter(({ orderId }) => of.some((order) => order.orderId === orderId));
    const fills = fillsOf(orders);
    const filled = Exact.sum(0, ...fills.map(({ quantity }) => quantity));
    const value = Exact.sum(0, ...fills.map(({ price, quantity }) => price.mul(quantity)));
    const [last = ''] = ids.slice(-1);
    if (filled.gt(end.rounded_quantity))
      violations.push(`CHX-8: ${last} filled ${filled.toFixed()} of ${end.rounded_quantity}`);
    const isSetAside = end.reason === 'ORDER_SET_ASIDE' && sick?.has(intent.symbol) === true;
    if (end.status === 'UNKNOWN' && !unanswered.has(last) && !isSetAside) {
      violations.push(`CHX-6: ${last} is UNKNOWN (${end.detail ?? ''})`);
    }
    if (end.status !== 'UNKNOWN' && orders.some(isOpen)) violations.push(`CHX-9: ${last} has its end, and rests`);
    for (const id of ids) {
      const own = orders.filter(({ clientOrderId }) => clientOrderId === id);
      if (own.length > 1) violations.push(`CHX-5: ${id} is ${own.length} orders`);
      const quantity = Exact.sum(0, ...fillsOf(own).map((fill) => fill.quantity));
      const trade = tradeOf.get(id);
      if (quantity.gt(0) && trade === undefined && !(end.status === 'UNKNOWN' && id !== last)) {
        if (end.status !== 'FILLED') violations.push(`CHX-7: ${id} is ${end.status}, has fills, and no trade`);
        else violations.push(`CHX-7: ${id} has fills, and no trade`);
      }
      if (end.status === 'FILLED' && trade !== undefined && trade.quantity !== quantity.toNumber()) {
        violations.push(`CHX-7: the trade of ${id} is ${trade.quantity}, filled ${quantity.toFixed()}`);
      }
    }
    if (end.status === 'FILLED') {
      const average = value.div(filled).toNumber();
      const isAverage = Math.abs((end.average_price ?? 0) - average) <= average * ROUNDING;
      if (end.filled_quantity !== filled.toNumber() || !isAverage) {
        violations.push(
          `CHX-7: ${last} is reported as ${end.filled_quantity} at ${end.average_price ?? 'none'}, filled ${filled.toFixed()} at ${average}`,
        );
      }
      const fee = Exact.sum(0, ...fills.map(({ commission }) => commission)).toNumber();
      if (end.fee !== null && Math.abs(end.fee - fee) > ROUNDING)
        violations.push(`CHX-7: fee of ${last} is reported as ${end.fee}, charged ${fee}`);
    }
  }
  return violations;
}

/** The average of an intent is computed from those of its trades, which are doubles. Unit: ratio. */
const ROUNDING = 1e-12;

function isOneOf(ids: readonly string[], id: string): boolean {
  return ids.includes(id);
}

/** CHX-5. */
function auditAttempts({ attempts }: BinanceServer): readonly string[] {
  return [...Map.groupBy(attempts, ({ clientOrderId }) => clientOrderId)].flatMap(([id, sent]) => {
    if (id.startsWith('web_')) return [];
    const repeated = sent.slice(0, -1).filter(({ code }) => {
      const { meaning } = ruleFor(BINANCE.codes, { status: 400, code, ccxtClass: null });
      return code === null || (meaning !== 'retry' && meaning !== 'resync');
    });
    const most = Math.max(
      1,
      ...sent.map(({ code }) => ruleFor(BINANCE.codes, { status: 400, code, ccxtClass: null }).attempts),
    );
    return [
      ...repeated.map(({ code, fault }) => `CHX-5: ${id} was sent again after ${code ?? fault ?? 'an answer'}`),
      ...(sent.length > most ? [`CHX-5: ${id} was sent ${sent.length} times`] : []),
    ];
  });
}

/** CHX-10. */
function auditQuantities(server: BinanceServer, { trades, reports }: Recorded): readonly string[] {
  const { account } = server.exchange.orders;
  const unknown = new Set(
    reports.filter(({ status }) => status === 'UNKNOWN').map(({ client_order_id }) => client_order_id),
  );
  const slices = new Map(trades.map((trade) => [trade.trade_id, trade]));
  const closedBySymbol = Map.groupBy(slices.values(), ({ symbol }) => symbol);
  return [...account.positions.values()].flatMap(({ symbol, amount }) => {
    let opened = new Exact(0);
    let size = new Exact(0);
    for (const { side, quantity } of account.fillsOf(symbol)) {
      const after = side === 'BUY' ? size.add(quantity) : size.sub(quantity);
      if (after.abs().gt(size.abs())) opened = opened.add(quantity);
      size = after;
    }
    const own = closedBySymbol.get(symbol) ?? [];
    // Orders that are still UNKNOWN may be missing from the trades.
    const doubted = server.exchange.orders
      .ofSymbol(symbol)
      .filter(({ clientOrderId }) => unknown.has(clientOrderId as never))
      .filter(({ clientOrderId }) => !own.some((trade) => trade.client_order_id === clientOrderId));
    const closed = Exact.sum(
      0,
      ...own.map(({ quantity }) => quantity),
      ...doubted.map(({ executedQty }) => executedQty),
    );
    const open = opened.sub(closed);
    return open.eq(amount.abs())
      ? []
      : [
          `CHX-10: ${symbol}: opened ${opened.toFixed()} less closed ${closed.toFixed()} is not ${amount.abs().toFixed()}`,
        ];
  });
}
