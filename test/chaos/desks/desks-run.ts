/**
 * Two desks on one Kafka: account `main`, live at the local exchange, worked by two execution processes, and account `second` on paper, worked
 * by a third. The processes are killed and restarted at random, while processes that must be refused are started again and again. Then
 * everything is worked off and audited.
 */
import { join } from 'node:path';
import { workedAccounts } from '../../../pipelines/desk/claim-book.ts';
import { type ReadableTopics, forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { RandomStream } from '../../../ports/random.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { type RunningProgram, runProgram, startProgram } from '../../cli/program.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { openDesk } from '../../../packages/fake-binance/open-desk.ts';
import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../../schemas/generated/records.ts';
import { auditExchange } from '../exchange/exchange-audit.ts';

interface DesksOptions {
  readonly kills: number;
  readonly seed: number;
}

interface DesksWorld extends ReadableTopics {
  /** `host:port`. */
  readonly brokers: string;
  readonly registryUrl: string;
  readonly folder: string;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** Aborted to end the run early. */
  readonly interrupt: AbortSignal;
}

const SYMBOLS = 6;
const PAPER_SYMBOLS = 5;

/** The interval at which closed positions are opened again and a snapshot of the second desk is written. Unit: milliseconds. */
const ACT_MS = 250;

/** The bounds of the time between two kills: before, during and after the rebalance that follows a kill. Unit: milliseconds. */
const LEAST_BETWEEN_MS = 500;
const MOST_BETWEEN_MS = 6000;

/** Longer than a session time-out, a start and the resolution of an order together. Unit: milliseconds. */
const WORK_OFF_BOUND_MS = 120_000;

/** R at which the policy closes a position, and a part of it. */
const CLOSE_R = 9;
const PARTIAL_R = 3;

const HOUR_MS = 60 * 60 * 1000;

const KEYS = { HARVESTLINE_API_KEY: TEST_KEYS.key, HARVESTLINE_API_SECRET: TEST_KEYS.secret };

/** A process that must be refused. */
interface Intruder {
  readonly what: string;
  readonly args: readonly string[];
  readonly keys: boolean;
}

export async function runDesks(world: DesksWorld, options: DesksOptions): Promise<DesksAudit> {
  const { clock, folder, say, interrupt } = world;
  const random = new SeededRandom(options.seed);
  const kills = random.stream('desks', 'kills');
  const server = await BinanceServer.start({ seed: options.seed });
  const symbols = openDesk(server.exchange, SYMBOLS);
  const kafka = ['--brokers', world.brokers, '--registry', world.registryUrl, '--log-level', 'warn'];
  const markets = ['--symbols', symbols.join(','), '--venue-url', server.url, '--cycle', '500', ...kafka];
  const at = (stake: '--live' | '--demo'): readonly string[] => ['--venue', 'binanceusdm', stake, ...markets];
  const data = (name: string): readonly string[] => ['--data', join(folder, name)];
  const start = (args: readonly string[], keys: boolean): RunningProgram =>
    startProgram(['run', ...args], undefined, '', undefined, keys ? KEYS : {});
  const roles = [
    { name: 'main 1', account: 'main', start: () => start(['execution', ...at('--live'), ...data('one')], true) },
    { name: 'main 2', account: 'main', start: () => start(['execution', ...at('--live'), ...data('two')], true) },
    {
      name: 'second',
      account: 'second',
      start: () => start(['execution', '--account', 'second', ...kafka, ...data('three')], false),
    },
  ];
  const intruders: readonly Intruder[] = [
    { what: 'main in demo', args: ['execution', ...at('--demo'), ...data('four')], keys: true },
    { what: 'every account on paper', args: ['execution', ...kafka, ...data('four')], keys: false },
    { what: 'main on paper, named', args: ['execution', '--account', 'main', ...kafka, ...data('four')], keys: false },
    {
      what: 'second at the exchange',
      args: ['execution', '--account', 'second', ...at('--live'), ...data('four')],
      keys: true,
    },
    { what: 'a second source of main', args: ['snapshots', ...at('--live'), ...data('four')], keys: true },
  ];
  const violations: string[] = [];
  const chain = start(['snapshots', 'scoring', 'clm', ...at('--live'), ...data('chain')], true);
  const executions = roles.map((role) => ({ ...role, program: role.start() }));
  const done = new AbortController();
  const all = [chain, ...executions.map(({ program }) => program)];
  try {
    const working = async (account: string): Promise<number> => {
      const found = (await workedAccounts(world, clock)).find((one) => one.account === account);
      return found?.processes.filter((name) => name.includes(':execution:')).length ?? 0;
    };
    await until(world, async () => (await working('main')) === 2 && (await working('second')) === 1);
    say('three processes execute for two accounts');
    const market = actUntil(world, server, symbols, random.stream('desks', 'market'), done.signal);
    const refused = intrude(intruders, world, violations, done.signal);
    for (let killed = 0; killed < options.kills && !interrupt.aborted; killed++) {
      await clock.sleep(kills.integer(LEAST_BETWEEN_MS, MOST_BETWEEN_MS), interrupt);
      const victim = executions[kills.integer(0, executions.length - 1)];
      if (victim === undefined) throw new Error('there are three');
      // An account without any process would rightly be free for others.
      if (victim.account === 'main') await until(world, async () => (await working('main')) >= 2);
      victim.program.process.kill('SIGKILL');
      await victim.program.ended;
      victim.program = victim.start();
      all.push(victim.program);
      say(`kill -9 ${victim.name}, number ${killed + 1}; started again`);
    }
    // The process that was killed last works again while there is work.
    await until(world, async () => (await working('main')) >= 2 && (await working('second')) >= 1);
    done.abort();
    await market;
    const intrusions = await refused;
    chain.process.kill('SIGTERM');
    if ((await chain.ended) !== 0) violations.push(`the chain ended with ${await chain.ended}: ${chain.stderr()}`);
    say('nothing new comes; working off');
    let left: readonly string[] = [];
    try {
      await until(world, async () => (left = await unfinishedIntents(world)).length === 0);
    } catch {
      violations.push(`intents are left without an end: ${left.slice(0, 10).join(', ')}`);
    }
    for (const { name, program } of executions) {
      program.process.kill('SIGTERM');
      const end = await program.ended;
      if (end !== 0) violations.push(`${name} ended with ${String(end)}: ${program.stderr().slice(-2000)}`);
    }
    const audit = await auditDesks(world, server);
    return {
      violations: [...violations, ...audit.violations],
      figures: { kills: options.kills, refused: intrusions, ...audit.figures },
    };
  } finally {
    done.abort();
    for (const { process } of all) process.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    await server.close();
  }
}

/** The market of both desks: opens positions again that were closed, and writes snapshots of the second desk. */
async function actUntil(
  world: DesksWorld,
  { exchange }: BinanceServer,
  symbols: readonly string[],
  stream: RandomStream,
  signal: AbortSignal,
): Promise<void> {
  const { log, codec, clock } = world;
  const writer = new TopicWriter('snapshots', codec);
  let lives = 0;
  while (!signal.aborted) {
    for (const symbol of symbols) {
      if (!exchange.orders.account.position(symbol, 'BOTH').amount.isZero()) continue;
      const { tick, lotStep } = exchange.orders.market(symbol);
      const price = exchange.orders.mark(symbol).div(1.19).div(tick).floor().mul(tick);
      const quantity = new Exact(2000).div(price).div(lotStep).floor().mul(lotStep);
      exchange.open({ symbol, side: 'LONG', quantity: quantity.toFixed(), price: price.toFixed() });
    }
    lives += 1;
    const symbol = `S${lives % PAPER_SYMBOLS}USDT`;
    const observed_at = clock.now();
    const opened_at = observed_at - HOUR_MS;
    const base = aSnapshot({ symbol, r: stream.uniform() < 0.5 ? CLOSE_R : PARTIAL_R });
    const position_id = positionIdOf('second', symbol, base.side, opened_at);
    const snapshot = { ...base, account: 'second', position_id, opened_at, observed_at };
    await log.append([writer.encode(TOPICS.positionSnapshot, snapshot, observed_at)]);
    await clock.sleep(ACT_MS, signal);
  }
}

/** Starts the intruders in turn, and returns how many were refused; any other is a violation. */
async function intrude(
  intruders: readonly Intruder[],
  { say }: DesksWorld,
  violations: string[],
  signal: AbortSignal,
): Promise<number> {
  let refused = 0;
  for (let tries = 0; !signal.aborted || tries < intruders.length; tries++) {
    const intruder = intruders[tries % intruders.length];
    if (intruder === undefined) break;
    const { code, stderr } = await runProgram(['run', ...intruder.args], '', undefined, intruder.keys ? KEYS : {});
    if (code === 1 && stderr.includes('ACCOUNT_TAKEN')) refused += 1;
    else violations.push(`${intruder.what} was not refused (${String(code)}): ${stderr.slice(-1000)}`);
    say(`refused: ${intruder.what}`);
  }
  return refused;
}

async function until({ clock, interrupt }: DesksWorld, holds: () => Promise<boolean>): Promise<void> {
  const deadline = clock.now() + WORK_OFF_BOUND_MS;
  while (!(await holds())) {
    if (interrupt.aborted || clock.now() > deadline) throw new Error('it did not come about');
    await clock.sleep(ACT_MS, interrupt);
  }
}

interface DesksAudit {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** The venue of each account. */
const VENUES: Readonly<Record<string, string>> = { main: 'binanceusdm', second: 'paper' };

/** Intents without a terminal report. */
async function unfinishedIntents(world: ReadableTopics): Promise<readonly string[]> {
  const ended = new Set<string>();
  await forEachRecord(world, TOPICS.executionReport.name, {}, ({ status, intent_id }) => {
    if (status !== 'SUBMITTED') ended.add(intent_id);
  });
  const left = new Set<string>();
  await forEachRecord(world, TOPICS.harvestIntent.name, {}, ({ account, intent_id }) => {
    if (!ended.has(intent_id)) left.add(`${account} ${intent_id}`);
  });
  return [...left];
}

/**
 * CHX-1  Every intent has one terminal report, of its own account, at that account's venue.
 * CHX-2  Trades are at their account's venue, and each filled order has one.
 * CHX-3  The exchange did what main's records say (CHX-4 to CHX-10), and nothing for any other account.
 */
async function auditDesks(world: ReadableTopics, server: BinanceServer): Promise<DesksAudit> {
  const intents = new Map<string, HarvestIntent>();
  const reports: ExecutionReport[] = [];
  const trades = new Map<string, TradeClosed>();
  await forEachRecord(world, TOPICS.harvestIntent.name, {}, (intent) => intents.set(intent.intent_id, intent));
  await forEachRecord(world, TOPICS.executionReport.name, {}, (report) => reports.push(report));
  await forEachRecord(world, TOPICS.tradeClosed.name, {}, (trade) => trades.set(trade.trade_id, trade));
  const violations: string[] = [];
  for (const { account, venue, status, reason, intent_id } of reports) {
    if (VENUES[account] !== venue)
      violations.push(`CHX-1: ${status} ${reason} of ${account} at ${venue} (${intent_id})`);
    if (reason === 'OTHER_ACCOUNT') violations.push(`CHX-1: ${intent_id} was finished for another account`);
    if (intents.get(intent_id)?.account !== account) violations.push(`CHX-1: ${intent_id} is not of ${account}`);
  }
  const ends = Map.groupBy(
    reports.filter(({ status }) => status !== 'SUBMITTED'),
    ({ intent_id }) => intent_id,
  );
  for (const { intent_id, account } of intents.values()) {
    const count = ends.get(intent_id)?.length ?? 0;
    if (count !== 1) violations.push(`CHX-1: intent ${intent_id} of ${account} has ${count} ends`);
  }
  for (const { trade_id, account, venue } of trades.values()) {
    if (VENUES[account] !== venue) violations.push(`CHX-2: trade ${trade_id} of ${account} at ${venue}`);
  }
  const filled = reports.filter(({ status }) => status === 'FILLED');
  const traded = new Set([...trades.values()].map(({ intent_id }) => intent_id));
  for (const { intent_id } of filled) if (!traded.has(intent_id)) violations.push(`CHX-2: ${intent_id} has no trade`);
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
    if (!announced.has(clientOrderId)) violations.push(`CHX-3: ${clientOrderId} was sent for no intent of main`);
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
