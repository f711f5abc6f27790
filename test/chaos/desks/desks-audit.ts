import { type ReadableTopics, visitTopic } from '../../../pipelines/runtime/topic-cursor.ts';
import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { auditExchange } from '../exchange/exchange-audit.ts';

export interface DesksAudit {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** Where each account is worked. */
const VENUES: Readonly<Record<string, string>> = { main: 'binanceusdm', second: 'paper' };

/** Intents without a terminal report. */
export async function unfinishedIntents(world: ReadableTopics): Promise<readonly string[]> {
  const ended = new Set<string>();
  await visitTopic(world, TOPICS.executionReport.name, {}, ({ status, intent_id }) => {
    if (status !== 'SUBMITTED') ended.add(intent_id);
  });
  const left = new Set<string>();
  await visitTopic(world, TOPICS.harvestIntent.name, {}, ({ account, intent_id }) => {
    if (!ended.has(intent_id)) left.add(`${account} ${intent_id}`);
  });
  return [...left];
}

/**
 * DA1  Every intent has one terminal report, of its own account, at the venue where that is worked.
 * DA2  Trades are of the account's own venue; each filled order has one.
 * DA3  What the exchange did is what main's records say (exchange-audit.ts A1 to A5), and of no other account.
 */
export async function auditDesks(world: ReadableTopics, server: BinanceServer): Promise<DesksAudit> {
  const intents = new Map<string, HarvestIntent>();
  const reports: ExecutionReport[] = [];
  const trades = new Map<string, TradeClosed>();
  await visitTopic(world, TOPICS.harvestIntent.name, {}, (intent) => intents.set(intent.intent_id, intent));
  await visitTopic(world, TOPICS.executionReport.name, {}, (report) => reports.push(report));
  await visitTopic(world, TOPICS.tradeClosed.name, {}, (trade) => trades.set(trade.trade_id, trade));
  const violations: string[] = [];
  for (const { account, venue, status, reason, intent_id } of reports) {
    if (VENUES[account] !== venue) violations.push(`DA1: ${status} ${reason} of ${account} at ${venue} (${intent_id})`);
    if (reason === 'OTHER_ACCOUNT') violations.push(`DA1: ${intent_id} was finished for another account`);
    if (intents.get(intent_id)?.account !== account) violations.push(`DA1: ${intent_id} is not of ${account}`);
  }
  const ends = Map.groupBy(
    reports.filter(({ status }) => status !== 'SUBMITTED'),
    ({ intent_id }) => intent_id,
  );
  for (const { intent_id, account } of intents.values()) {
    const count = ends.get(intent_id)?.length ?? 0;
    if (count !== 1) violations.push(`DA1: intent ${intent_id} of ${account} has ${count} ends`);
  }
  for (const { trade_id, account, venue } of trades.values()) {
    if (VENUES[account] !== venue) violations.push(`DA2: trade ${trade_id} of ${account} at ${venue}`);
  }
  const filled = reports.filter(({ status }) => status === 'FILLED');
  const traded = new Set([...trades.values()].map(({ intent_id }) => intent_id));
  for (const { intent_id } of filled) if (!traded.has(intent_id)) violations.push(`DA2: ${intent_id} has no trade`);
  const of = <R extends { readonly account: string }>(account: string, records: Iterable<R>): readonly R[] =>
    [...records].filter((record) => record.account === account);
  const main = {
    intents: of('main', intents.values()),
    reports: of('main', reports),
    trades: of('main', trades.values()),
  };
  const announced = new Set<string>(
    main.reports.filter(({ status }) => status === 'SUBMITTED').map(({ client_order_id }) => client_order_id),
  );
  for (const { clientOrderId } of server.attempts) {
    if (!announced.has(clientOrderId)) violations.push(`DA3: ${clientOrderId} was sent for no intent of main`);
  }
  return {
    violations: [...violations, ...auditExchange(server, main)],
    figures: {
      'intents of main': main.intents.length,
      'intents of second': of('second', intents.values()).length,
      'orders at the exchange': server.attempts.length,
      'fills of main': of('main', filled).length,
      'fills of second': of('second', filled).length,
      trades: trades.size,
    },
  };
}
