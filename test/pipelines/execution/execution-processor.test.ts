import { beforeEach, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { type ExecutionOptions, executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { NEVER_HALTED } from '../../../ports/kill-switch.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { ExecutionLog } from './execution-log.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

const HALT = { scope: 'desk', by: 'alice', reason: 'maintenance', since: OPENED_AT };

let log: ExecutionLog;
let exchange: ScriptedExchange;
let clock: VirtualClock;
let errors: string[];

beforeEach(async () => {
  log = await ExecutionLog.open();
  exchange = new ScriptedExchange();
  clock = new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000);
  errors = [];
});

async function execution(options: Partial<ExecutionOptions> = {}): Promise<Processor> {
  const logger: Logger = { ...SILENT_LOGGER, error: (_, message) => errors.push(message) };
  const writer = new TopicWriter('execution', log.codec);
  const processor = executionProcessor({ writer, exchange, clock, logger, ...options });
  await processor.restore?.(log.replay);
  return processor;
}

async function work(processor: Processor, ...intents: HarvestIntent[]): Promise<void> {
  const deliveries = intents.map((intent) => log.addIntent(intent));
  await log.append(await processor.process(deliveries, log.append));
}

const outcomes = (): string[] => log.reports.map(({ status, reason }) => `${status} ${reason}`);

describe('execution', () => {
  it('sends what the fraction is, reduce-only, and reports what the venue filled', async () => {
    exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
    await work(await execution(), anIntent({ fraction: 0.5 }));
    expect(exchange.calls).toEqual(['rules', 'position', 'place 500']);
    expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED']);
    expect(log.reports[1]).toMatchObject({
      venue: 'scripted',
      position_quantity: 1000,
      requested_quantity: 500,
      rounded_quantity: 500,
      filled_quantity: 500,
      average_price: 107,
      fee: 26.75,
      remaining_quantity: 500,
      submitted_at: OPENED_AT + 3_601_000,
      latency_ms: 80,
      intent: { partition: 0, offset: 0 },
    });
    expect(log.trades).toMatchObject([{ quantity: 500, pnl_quote: 3500, pnl_percent: 7 }]);
  });

  it('EXE-6: asks the venue for what is left where the order does not say', async () => {
    exchange.placements = [{ kind: 'accepted', order: venueOrder({ positionAfter: null, fee: null }) }];
    exchange.positions.push(() => ({ quantity: '480' }));
    await work(await execution(), anIntent());
    expect(log.trades).toMatchObject([{ remaining_quantity: 480, fee_quote: null, r_net: null }]);
  });

  it('reports a part as a part and the whole as the whole', async () => {
    exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledQuantity: '120', positionAfter: '880' }) }];
    await work(await execution(), anIntent());
    expect(log.reports[1]).toMatchObject({
      reason: 'PARTIALLY_FILLED',
      filled_quantity: 120,
      detail: '380 of 500 were cancelled',
    });
    expect(log.trades).toMatchObject([{ quantity: 120, remaining_quantity: 880 }]);
  });

  it("EXE-31: sends the market's maximum where the fraction is more, and says so", async () => {
    exchange.marketRules = { lotStep: '1', minQuantity: '1', maxQuantity: '300', minNotional: '5' };
    exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledQuantity: '300', positionAfter: '700' }) }];
    await work(await execution(), anIntent({ fraction: 0.5 }));
    expect(exchange.calls).toContain('place 300');
    expect(outcomes()).toEqual(['SUBMITTED MAXIMUM_SENT', 'FILLED MAXIMUM_CLOSED']);
    expect(log.reports[1]?.detail).toBe('500 of 1000 is above the maximum 300 of one order');
  });

  it('closes a remainder that could not be closed later, and says so', async () => {
    exchange.positions = [() => ({ quantity: '3' })];
    exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledQuantity: '3', positionAfter: '0' }) }];
    await work(await execution(), anIntent({ fraction: 0.34, mark: 2, entry: 1 }));
    expect(exchange.calls).toContain('place 3');
    expect(outcomes()).toEqual(['SUBMITTED REMAINDER_INCLUDED', 'FILLED REMAINDER_CLOSED']);
    expect(log.reports[1]?.detail).toBe('1 of 3 would leave 2: worth 4, below the minimum 5');
  });

  it('does not act on what is stale, halted or unknown to the venue, and does not ask where it need not', async () => {
    await work(await execution({ killSwitch: { ...NEVER_HALTED, halted: () => Promise.resolve(HALT) } }), anIntent());
    await work(await execution(), anIntent({ minute: 54 }));
    expect(exchange.calls).toEqual([]);
    exchange.marketRules = null;
    await work(await execution(), anIntent({ minute: 56 }));
    exchange.marketRules = { lotStep: '1', minQuantity: '1', maxQuantity: null, minNotional: '5' };
    exchange.positions = [() => ({ quantity: '0' })];
    await work(await execution(), anIntent({ minute: 57 }));
    expect(outcomes()).toEqual([
      'SUPPRESSED KILL_SWITCH',
      'SUPPRESSED STALE_INTENT',
      'SUPPRESSED UNKNOWN_SYMBOL',
      'SUPPRESSED FLAT',
    ]);
    expect(log.reports.map(({ remaining_quantity }) => remaining_quantity)).toEqual([null, null, null, 0]);
  });

  it.each([false, true])('cools down between partial closes only, also after a restart (%s)', async (restart) => {
    let processor = await execution();
    for (const [minute, fraction] of [
      [60, 0.5],
      [89, 0.5],
      [89.5, 1],
      [90, 0.5],
    ] as const) {
      clock.set(OPENED_AT + minute * MINUTE_MS + 1000);
      if (restart) processor = await execution();
      const filledAt = clock.now() + 80;
      exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledAt, filledQuantity: '500' }) }];
      await work(processor, anIntent({ minute, fraction }));
    }
    const ends = outcomes().filter((outcome) => !outcome.startsWith('SUBMITTED'));
    expect(ends).toEqual(['FILLED FILLED', 'SUPPRESSED COOLDOWN', 'FILLED PARTIALLY_FILLED', 'FILLED FILLED']);
  });

  it.each([
    ['reduce-only', 'REJECTED REDUCE_ONLY_REJECTED'],
    ['min-notional', 'REJECTED BELOW_MIN_NOTIONAL'],
    ['min-quantity', 'REJECTED BELOW_MIN_QUANTITY'],
    ['max-quantity', 'REJECTED ABOVE_MAX_QUANTITY'],
    ['precision', 'REJECTED PRECISION_REJECTED'],
    ['margin', 'REJECTED INSUFFICIENT_MARGIN'],
    ['symbol', 'REJECTED SYMBOL_REJECTED'],
    ['price', 'REJECTED PRICE_REJECTED'],
    ['would-take', 'REJECTED WOULD_TAKE'],
    ['busy', 'REJECTED VENUE_BUSY'],
    ['clock', 'REJECTED CLOCK_SKEW'],
    ['other', 'REJECTED VENUE_REJECTED'],
  ] as const)("takes the venue's %s as a definite no", async (meaning, outcome) => {
    exchange.placements = [{ kind: 'rejected', meaning, code: '4711', message: 'no' }];
    await work(await execution(), anIntent());
    expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', outcome]);
    expect(log.reports[1]?.detail).toBe('4711: no');
    expect(exchange.calls).not.toContain('lookUp');
  });

  it("the venue's no to the keys is loud: no order will be taken until they are mended", async () => {
    exchange.placements = [{ kind: 'rejected', meaning: 'keys', code: '-2015', message: 'Invalid API-key' }];
    await work(await execution(), anIntent());
    expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'REJECTED VENUE_REJECTED']);
    expect(errors).toEqual(['the venue refuses the keys: no order can be sent until they are mended']);
  });

  it('EXE-2: resolves a client order id that the venue knows, which may be the order, by asking', async () => {
    exchange.placements = [{ kind: 'rejected', meaning: 'duplicate-id', code: '-4116', message: 'duplicate' }];
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    await work(await execution(), anIntent());
    expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED']);
  });

  it('believes in an absence only at the end of the waits, and never sends again', async () => {
    exchange.placements = [{ kind: 'in-doubt', message: 'time-out' }];
    exchange.lookUps = [{ kind: 'absent' }, { kind: 'absent' }, { kind: 'found', order: venueOrder() }];
    await work(await execution(), anIntent());
    exchange.lookUps = [{ kind: 'absent' }];
    clock.set(OPENED_AT + 91 * MINUTE_MS);
    const before = clock.now();
    await work(await execution(), anIntent({ minute: 91 }));
    expect(clock.now() - before).toBe(10_000);
    expect(outcomes().filter((outcome) => !outcome.startsWith('SUBMITTED'))).toEqual([
      'FILLED FILLED',
      'REJECTED NOT_PLACED',
    ]);
    expect(exchange.calls.filter((call) => call.startsWith('place')).length).toBe(2);
  });

  it('does not take an accepted order that is absent later for unfilled', async () => {
    exchange.placements = [
      { kind: 'accepted', order: venueOrder({ state: 'OPEN', filledQuantity: '0', averagePrice: null }) },
    ];
    await work(await execution(), anIntent());
    expect(outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'UNKNOWN ORDER_VANISHED']);
  });

  it.each([false, true])(
    'an UNKNOWN is logged as an error, blocks its position, and gets its trade when it is resolved (restart %s)',
    async (restart) => {
      exchange.placements = [{ kind: 'in-doubt', message: 'time-out' }];
      exchange.lookUps = [{ kind: 'unavailable', message: 'HTTP 503' }];
      let processor = await execution();
      await work(processor, anIntent({ minute: 60 }));
      expect(errors.length).toBe(1);
      if (restart) processor = await execution();
      await work(processor, anIntent({ minute: 60.5, fraction: 1 }));
      expect(outcomes().slice(1)).toEqual(['UNKNOWN NO_ANSWER', 'SUPPRESSED UNSETTLED_ORDER']);

      if (restart) processor = await execution();
      exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
      exchange.placements = [{ kind: 'accepted', order: venueOrder({ positionAfter: '0' }) }];
      exchange.positions = [() => ({ quantity: '500' })];
      await work(processor, anIntent({ minute: 61, fraction: 1 }));
      expect(outcomes().slice(3)).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED']);
      expect(log.trades.map(({ intent_id }) => intent_id)).toEqual([
        anIntent({ minute: 60 }).intent_id,
        anIntent({ minute: 61 }).intent_id,
      ]);

      const asked = exchange.calls.filter((call) => call === 'lookUp').length;
      await work(await execution(), anIntent({ minute: 61.5, fraction: 1 }));
      expect(exchange.calls.filter((call) => call === 'lookUp').length, 'resolved for ever by its trade').toBe(asked);
    },
  );

  it('an UNKNOWN order that is still open blocks its position until it is done, then counts whole (EXE-4)', async () => {
    const open = venueOrder({ state: 'OPEN', filledQuantity: '120', positionAfter: '880' });
    exchange.placements = [{ kind: 'accepted', order: open }];
    exchange.lookUps = [{ kind: 'found', order: open }];
    const processor = await execution();
    await work(processor, anIntent({ minute: 60 }));
    await work(processor, anIntent({ minute: 60.5, fraction: 1 }));
    expect(outcomes().slice(1)).toEqual(['UNKNOWN STILL_OPEN', 'SUPPRESSED UNSETTLED_ORDER']);
    expect(log.trades).toEqual([]);

    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    exchange.positions = [() => ({ quantity: '0' })];
    await work(processor, anIntent({ minute: 61, fraction: 1 }));
    expect(log.trades).toMatchObject([{ quantity: 500, remaining_quantity: 500 }]);
  });

  it('EXE-6: says so, and makes up no trade, when an UNKNOWN order was filled whose intent the log no longer holds', async () => {
    exchange.placements = [{ kind: 'in-doubt', message: 'time-out' }];
    exchange.lookUps = [{ kind: 'unavailable', message: 'HTTP 503' }];
    await work(await execution(), anIntent({ minute: 60 }));
    log.entries.splice(0, 1);
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    await work(await execution(), anIntent({ minute: 61, fraction: 1 }));
    expect(outcomes().at(-1)).toBe('SUPPRESSED UNSETTLED_ORDER');
    expect(errors.at(-1)).toContain('its intent is gone from the log');
    expect(log.trades).toEqual([]);
  });

  it('lets EXCHANGE_AWAY through and keeps what was decided before it (EXE-5)', async () => {
    const away = new HarvestlineError('EXCHANGE_AWAY', 'HTTP 503');
    const thrown = (): never => {
      throw away;
    };
    exchange.positions = [() => ({ quantity: '0' }), thrown, () => ({ quantity: '0' })];
    const processor = await execution();
    const batch = [anIntent({ minute: 59 }), anIntent({ minute: 60 })].map((intent) => log.addIntent(intent));
    await expect(processor.process(batch, log.append)).rejects.toBe(away);
    expect(outcomes()).toEqual(['SUPPRESSED FLAT']);
    await processor.process(batch, log.append);
    expect(outcomes()).toEqual(['SUPPRESSED FLAT', 'SUPPRESSED FLAT']);
  });

  it('refuses to work before its ledger is restored', async () => {
    const writer = new TopicWriter('execution', log.codec);
    const processor = executionProcessor({ writer, exchange, clock, logger: SILENT_LOGGER });
    await expect(work(processor, anIntent())).rejects.toMatchObject({ code: 'LEDGER_BROKEN' });
  });
});
