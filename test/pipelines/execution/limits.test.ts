import { beforeEach, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { CloseRate, settlesNow } from '../../../pipelines/execution/limits.ts';
import { type ExecutionOptions, executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { type Halt, type KillSwitch, NEVER_HALTED, WithheldOrder } from '../../../ports/kill-switch.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { EVERY_ACCOUNT, type WorkedAccounts } from '../../../ports/worked-accounts.ts';
import type { Exchange, MarketEnding } from '../../../ports/exchange.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { DeskOfTests, onlyAccount } from './desk-of-tests.ts';
import { ExecutionLog } from './execution-log.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

let log: ExecutionLog;
let exchange: ScriptedExchange;
let clock: VirtualClock;

beforeEach(async () => {
  log = await ExecutionLog.open();
  exchange = new ScriptedExchange();
  exchange.placements = Array.from({ length: 9 }, () => ({ kind: 'accepted', order: venueOrder() }) as const);
  clock = new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000);
});

async function execution(options: Partial<ExecutionOptions> = {}): Promise<Processor> {
  const writer = new TopicWriter('execution', log.codec);
  const processor = executionProcessor({ writer, exchange, clock, logger: SILENT_LOGGER, ...options });
  await processor.restore?.(log.replay);
  return processor;
}

async function work(processor: Processor, ...intents: HarvestIntent[]): Promise<void> {
  const deliveries = intents.map((intent) => log.addIntent(intent));
  await log.append(await processor.process(deliveries, log.append));
}

const outcomes = (): string[] => log.reports.map(({ status, reason }) => `${status} ${reason}`);
const FILLED = ['SUBMITTED ORDER_SENT', 'FILLED FILLED'];

describe("a desk's bounds", () => {
  it('EXE-12: another account, another venue, a market that is not named: nothing is even asked; of the first nothing is said', async () => {
    const { account, symbol } = anIntent();
    const limits = { ownVenueOnly: true, symbols: new Set([symbol]) };
    const processor = await execution({ limits, accounts: onlyAccount(account) });
    const own = { ...anIntent(), venue: exchange.venue };
    await work(processor, { ...own, account: 'other' });
    await work(processor, { ...own, venue: 'elsewhere', intent_id: 'b' as HarvestIntent['intent_id'] });
    await work(processor, { ...own, symbol: 'ELSE', intent_id: 'c' as HarvestIntent['intent_id'] });
    expect(outcomes()).toEqual(['SUPPRESSED OTHER_ACCOUNT', 'SUPPRESSED SYMBOL_NOT_ALLOWED']);
    expect(exchange.calls).toEqual([]);
    await work(processor, { ...own, intent_id: 'd' as HarvestIntent['intent_id'] });
    expect(outcomes().slice(2)).toEqual(FILLED);
  });

  it('EXE-12: an account that is lost while its intent is decided gets no order, and no report', async () => {
    let asked = 0;
    const accounts: WorkedAccounts = {
      works: () => {
        asked += 1;
        // At the beginning it is this process's still, and before it asks the venue.
        if (asked < 3) return Promise.resolve(true);
        return Promise.reject(new HarvestlineError('ACCOUNT_TAKEN', 'it was retired'));
      },
      whyNotNow: () => null,
      sentAsNow: () => true,
    };
    const processor = await execution({ accounts });
    await expect(work(processor, anIntent())).rejects.toMatchObject({ code: 'ACCOUNT_TAKEN' });
    expect(exchange.calls).toEqual(['rules', 'position']);
    expect(outcomes()).toEqual([]);
  });

  it('the orders of others count in no rate of this process', async () => {
    const rate = new CloseRate(clock);
    await work(await execution({ closeRate: rate }), anIntent());
    const others = await execution({
      closeRate: new CloseRate(clock),
      accounts: onlyAccount('other'),
      limits: { maxClosesPerMinute: 1 },
    });
    await work(others, {
      ...anIntent({ minute: 60.1 }),
      account: 'other',
      position_id: 'p' as HarvestIntent['position_id'],
    });
    expect(outcomes()).toEqual([...FILLED, ...FILLED]);
  });

  it('an order that is worth more is cut to the limit, says so, and later intents take the rest', async () => {
    exchange.marketRules = { lotStep: '0.001', minQuantity: '0.001', maxQuantity: null, minNotional: '100' };
    const processor = await execution({ limits: { maxOrderNotional: 5000 } });
    for (const [open, sent] of [
      ['0.2', '0.083'],
      ['0.117', '0.083'],
      ['0.034', '0.034'],
    ] as const) {
      exchange.calls.length = 0;
      exchange.positions = [() => ({ quantity: open })];
      const positionAfter = new Exact(open).sub(sent).toFixed();
      exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledQuantity: sent, positionAfter }) }];
      const minute = 60 + log.reports.length / 10;
      await work(processor, anIntent({ fraction: 1, entry: 40_000, mark: 60_000, minute }));
      expect(exchange.calls.findLast((call) => call.startsWith('place'))).toBe(`place ${sent}`);
    }
    const cut = ['SUBMITTED MAX_NOTIONAL_SENT', 'FILLED MAX_NOTIONAL_CLOSED'];
    expect(outcomes()).toEqual([...cut, ...cut, ...FILLED]);
    expect(log.reports[1]?.detail).toBe('0.2 at 60000 are worth 12000, at most 5000 are allowed');
  });

  it('a limit below the smallest order sends nothing', async () => {
    await work(await execution({ limits: { maxOrderNotional: 99 } }), anIntent({ fraction: 0.5, mark: 100 }));
    expect(outcomes()).toEqual(['SUPPRESSED ABOVE_MAX_NOTIONAL']);
    expect(log.reports[0]?.detail).toBe(
      '500 at 100 are worth 50000, at most 99 are allowed: 0 is below the minimum quantity 1',
    );
  });

  it('so many orders a minute, also after a restart', async () => {
    const limits = { maxClosesPerMinute: 2 };
    const processor = await execution({ limits });
    exchange.positions = [() => ({ quantity: '500' })];
    const close = (minute: number) => anIntent({ fraction: 1, minute });
    await work(processor, close(60), close(60.1), close(60.2));
    const sent = [...FILLED, ...FILLED];
    expect(outcomes()).toEqual([...sent, 'SUPPRESSED CLOSE_RATE']);
    await work(await execution({ limits, closeRate: new CloseRate(clock) }), close(60.3));
    expect(outcomes().slice(5)).toEqual(['SUPPRESSED CLOSE_RATE']);
    clock.set(clock.now() + 60_000);
    await work(await execution({ limits, closeRate: new CloseRate(clock) }), close(61));
    expect(outcomes().slice(6)).toEqual(FILLED);
  });
});

it('EXE-12: an order that was announced does not go once its account is lost, and says so', async () => {
  const accounts: WorkedAccounts = { ...EVERY_ACCOUNT, whyNotNow: () => 'another process works it now' };
  let sent = 0;
  const place: Exchange['place'] = async (_, gate) => {
    try {
      await gate(() => Promise.resolve((sent += 1)));
      return { kind: 'accepted', order: venueOrder() };
    } catch (thrown) {
      if (!(thrown instanceof WithheldOrder)) throw thrown;
      return { kind: 'withheld', stop: thrown.stop, message: thrown.message };
    }
  };
  Object.assign(exchange, { place });
  await work(await execution({ accounts }), anIntent());
  expect(sent).toBe(0);
  expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'REJECTED NOT_PLACED']);
  expect(log.reports.at(-1)?.detail).toBe('another process works it now');
  await work(await execution(), anIntent({ minute: 61 }));
  expect(sent).toBe(1);
});

describe('EXE-11: the kill switch', () => {
  const HALT: Halt = { scope: 'desk', by: 'alice', reason: 'maintenance', since: OPENED_AT };

  it('is asked again right before an order is announced', async () => {
    const answers: (Halt | null)[] = [null, HALT];
    const killSwitch = { ...NEVER_HALTED, halted: () => Promise.resolve(answers.shift() ?? null) };
    await work(await execution({ killSwitch }), anIntent());
    expect(exchange.calls).toEqual(['rules', 'position']);
    expect(log.reports).toMatchObject([{ status: 'SUPPRESSED', reason: 'KILL_SWITCH' }]);
    expect(log.reports[0]?.detail).toMatch(/^desk halted by alice at .*: maintenance$/);
  });

  it('an order that was announced and is kept back ends REJECTED, with its announcement, and is not looked for', async () => {
    exchange.placements = [{ kind: 'withheld', stop: HALT, message: 'desk halted by alice' }];
    await work(await execution(), anIntent());
    expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'REJECTED KILL_SWITCH']);
    expect(log.reports.at(-1)).toMatchObject({ detail: 'desk halted by alice', filled_quantity: 0, order_id: null });
    expect(exchange.calls.filter((call) => call === 'lookUp')).toEqual([]);
    await work(await execution(), anIntent());
    expect(log.reports).toHaveLength(2);
  });

  it('the gate of its account is handed to the venue', async () => {
    const asked: string[] = [];
    const killSwitch: KillSwitch = {
      ...NEVER_HALTED,
      gate: (account) => {
        asked.push(account);
        return (send) => {
          asked.push('passed');
          return send();
        };
      },
    };
    const place: Exchange['place'] = (request, gate) => gate(() => exchange.place(request));
    const { venue } = exchange;
    const watched: Exchange = {
      venue,
      rules: () => exchange.rules(),
      position: () => exchange.position(),
      markPrice: (reference) => exchange.markPrice(reference),
      place,
      lookUp: () => exchange.lookUp(),
      cancel: () => exchange.cancel(),
      charges: () => exchange.charges(),
      resting: () => exchange.resting(),
      cancelResting: (symbol, order) => exchange.cancelResting(symbol, order),
    };
    const intent = anIntent();
    await work(await execution({ killSwitch, exchange: watched }), intent);
    expect(asked).toEqual([intent.account, 'passed']);
  });

  it('nothing is sent while nobody can tell', async () => {
    const away = new HarvestlineError('BROKER_AWAY', 'no route');
    const processor = await execution({ killSwitch: { ...NEVER_HALTED, halted: () => Promise.reject(away) } });
    await expect(processor.process([log.addIntent(anIntent())], log.append)).rejects.toBe(away);
    expect([exchange.calls, log.reports]).toEqual([[], []]);
  });
});

describe('what a crash left without an end', () => {
  it('is resolved after a restart without waiting for a record', async () => {
    exchange.placements = [{ kind: 'in-doubt', message: 'the reply was lost' }];
    const crash = new Error('killed');
    const dying = (await execution()).process([log.addIntent(anIntent())], async (records) => {
      await log.append(records);
      throw crash;
    });
    await expect(dying).rejects.toBe(crash);
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    const processor = await execution();
    await processor.recover?.([0], log.append);
    expect(outcomes()).toEqual(FILLED);
    expect(exchange.calls.filter((call) => call.startsWith('place'))).toEqual([]);
  });

  it("a reduction of an order of ours is known by the venue's id too", async () => {
    const processor = await execution();
    await work(processor, anIntent());
    const [trade] = log.trades;
    for (const restarted of [processor, await execution()]) {
      const { account, symbol, position_id, side, opened_at } = anIntent();
      const reduction = {
        position_id,
        side,
        opened_at,
        entry_price: 100,
        initial_stop_price: null,
        confidence_at_entry: null,
        model_id: null,
        fill_id: '1',
        order_id: trade?.order_id,
        client_order_id: null,
        cause: 'ORDER',
        quantity: 500,
        price: 107,
        fee_quote: null,
        remaining_quantity: 500,
        closed_at: clock.now(),
      };
      const record = {
        account,
        venue: 'scripted',
        symbol,
        reconciled_at: clock.now(),
        reductions: [reduction],
        differences: [],
      };
      await restarted.process([log.addReconciled(record as never)], log.append);
    }
    expect(log.trades).toHaveLength(1);
  });
});

const NOW = 1_770_000_000_000;
const ending = (traits: Partial<MarketEnding>): MarketEnding => ({
  settlesAt: null,
  takesOrders: true,
  status: null,
  ...traits,
});

describe('the last minutes of a contract', () => {
  it.each([
    ['nothing is announced', undefined, false],
    ['it settles tomorrow', ending({ settlesAt: NOW + 24 * 60 * MINUTE_MS }), false],
    ['it settles in six minutes', ending({ settlesAt: NOW + 6 * MINUTE_MS }), false],
    ['it settles in five minutes', ending({ settlesAt: NOW + 5 * MINUTE_MS }), true],
    ['it has settled', ending({ settlesAt: NOW - 1 }), true],
    ['its market takes no orders', ending({ takesOrders: false, status: 'SETTLING' }), true],
  ])('%s', (_, given, suppressed) => {
    expect(settlesNow(given, NOW)?.reason).toBe(suppressed ? 'SETTLES_NOW' : undefined);
  });

  it('no order is announced in them, and the report says why', async () => {
    const desk = await DeskOfTests.open();
    const { marketRules } = desk.exchange;
    if (marketRules === null) throw new Error('the scripted exchange has rules');
    desk.exchange.marketRules = { ...marketRules, ending: ending({ settlesAt: desk.clock.now() + MINUTE_MS }) };
    await desk.work(await desk.execution(), anIntent({ fraction: 1 }));
    expect(desk.outcomes).toEqual(['SUPPRESSED SETTLES_NOW']);
    expect(desk.log.reports[0]?.detail).toMatch(/^settles in \d+ ms: no order is sent in the last 300000 ms$/);
    expect(desk.exchange.calls.filter((call) => call.startsWith('place'))).toEqual([]);
  });
});
