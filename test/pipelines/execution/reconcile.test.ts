import { beforeEach, describe, expect, it } from 'vitest';
import { type ExecutionOptions, executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { EVERY_ACCOUNT } from '../../../ports/worked-accounts.ts';
import type {
  ClientOrderId,
  FillId,
  OrderId,
  PositionReconciled,
  Reduction,
} from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { ExecutionLog } from './execution-log.ts';
import { onlyAccount } from './desk-of-tests.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

const [GOOD_REDUCTION] = GOOD_RECORDS[TOPICS.positionReconciled.name].reductions;

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

/** Fills of the position of `anIntent()`. */
function reconciled(...reductions: Partial<Reduction>[]): PositionReconciled {
  const { account, symbol, position_id, side, opened_at } = anIntent();
  return {
    ...GOOD_RECORDS[TOPICS.positionReconciled.name],
    account,
    symbol,
    reductions: reductions.map((traits) => ({ ...GOOD_REDUCTION, position_id, side, opened_at, ...traits })),
    differences: [],
  };
}

async function deliver(processor: Processor, ...records: PositionReconciled[]): Promise<void> {
  const deliveries = records.map((record) => log.addReconciled(record));
  await log.append(await processor.process(deliveries, log.append));
}

const own = clientOrderIdOf(anIntent().intent_id);
const orderId = venueOrder().orderId;

/** Leaves an order that was announced, and of which nothing more is in the log. */
async function crashAfterAnnouncing(): Promise<void> {
  const crash = new Error('killed');
  const dying = (await execution()).process([log.addIntent(anIntent())], async (records) => {
    await log.append(records);
    throw crash;
  });
  await expect(dying).rejects.toBe(crash);
}

/** Leaves an order of which the venue did not say how it ended. */
async function reportUnknown(): Promise<Processor> {
  exchange.placements = [{ kind: 'in-doubt', message: 'the reply was lost' }];
  exchange.lookUps = [{ kind: 'unavailable', message: 'no route' }];
  const processor = await execution();
  await processor.process([log.addIntent(anIntent())], log.append);
  expect(log.reports.at(-1)?.status).toBe('UNKNOWN');
  return processor;
}

describe('EXE-10: a fill that no report covers', () => {
  it.each([
    ['ORDER', 'EXTERNAL', 'external_order'],
    ['STOP', 'EXTERNAL', 'external_stop'],
    ['TAKE_PROFIT', 'EXTERNAL', 'external_take_profit'],
    ['SETTLEMENT', 'EXTERNAL', 'settlement'],
    ['LIQUIDATION', 'LIQUIDATION', 'liquidation'],
    ['ADL', 'LIQUIDATION', 'auto_deleveraging'],
  ] as const)('%s becomes a trade of origin %s', async (cause, origin, exit_reason) => {
    await deliver(
      await execution(),
      reconciled({ cause, quantity: 0.3, price: 99.5, entry_price: 100, remaining_quantity: 0.7, fee_quote: 0.015 }),
    );
    expect(log.trades).toMatchObject([
      {
        origin,
        exit_reason,
        intent_id: null,
        client_order_id: null,
        quantity: 0.3,
        exit_price: 99.5,
        remaining_quantity: 0.7,
        pnl_quote: -0.15,
        pnl_percent: -0.5,
        // (-0.15 - 0.015) / (2 x 0.3)
        r_net: -0.275,
      },
    ]);
    expect(log.reports).toEqual([]);
  });

  it('EXE-43: has one trade, however often it is reconciled, also after a restart', async () => {
    const first = await execution();
    await deliver(first, reconciled({ fill_id: '1' as FillId }), reconciled({ fill_id: '1' as FillId }));
    await deliver(await execution(), reconciled({ fill_id: '1' as FillId }, { fill_id: '2' as FillId }));
    expect(log.trades.map(({ trade_id }) => trade_id)).toHaveLength(2);
    expect(new Set(log.trades.map(({ trade_id }) => trade_id)).size).toBe(2);
  });

  it('of an order of ours that was reported: nothing more is written', async () => {
    exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
    const processor = await execution();
    await processor.process([log.addIntent(anIntent())], log.append);
    await deliver(processor, reconciled({ client_order_id: own }));
    await deliver(await execution(), reconciled({ client_order_id: own }));
    expect(log.trades).toHaveLength(1);
  });

  it('EXE-42: of an UNKNOWN order of ours resolves it', async () => {
    exchange.placements = [{ kind: 'in-doubt', message: 'the reply was lost' }];
    exchange.lookUps = [{ kind: 'unavailable', message: 'no route' }];
    const processor = await execution();
    await processor.process([log.addIntent(anIntent())], log.append);
    expect(log.reports.at(-1)?.status).toBe('UNKNOWN');
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    await deliver(processor, reconciled({ client_order_id: own }));
    expect(log.trades).toMatchObject([{ origin: 'HARVEST', client_order_id: own, quantity: 500 }]);
    // Known by its trade after a restart.
    await deliver(await execution(), reconciled({ client_order_id: own }));
    expect(log.trades).toHaveLength(1);
  });

  it('of an order of ours that was reported as never placed is written all the same, with an error in the log', async () => {
    exchange.placements = [{ kind: 'in-doubt', message: 'the request timed out' }];
    const processor = await execution();
    await processor.process([log.addIntent(anIntent())], log.append);
    expect(log.reports.at(-1)).toMatchObject({ status: 'REJECTED', reason: 'NOT_PLACED' });
    await deliver(processor, reconciled({ client_order_id: own }));
    expect(log.trades).toMatchObject([{ exit_reason: 'filled_after_report', client_order_id: own, intent_id: null }]);
    expect(errors).toEqual(['an order that was reported as not filled has a fill']);
  });

  it.each([false, true])(
    'EXE-44: of an UNKNOWN order is a trade of its own where the venue still does not say how the order ended (restart %s)',
    async (restart) => {
      let processor = await reportUnknown();
      const [one, two] = ['1', '2'].map((id) => ({ client_order_id: own, fill_id: id as FillId, quantity: 250 }));
      await deliver(processor, reconciled({ ...one }));
      if (restart) processor = await execution();
      // What the venue says from now on comes too late: its fills are counted one by one.
      exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
      exchange.placements = [{ kind: 'accepted', order: venueOrder({ positionAfter: '0' }) }];
      await deliver(processor, reconciled({ ...one }, { ...two }));
      expect(log.trades.map(({ exit_reason, quantity }) => [exit_reason, quantity])).toEqual([
        ['filled_after_report', 250],
        ['filled_after_report', 250],
      ]);
      await processor.process([log.addIntent(anIntent({ minute: 60.1, fraction: 1 }))], log.append);
      expect(log.reports.at(-1)?.status, 'the position may be touched again').toBe('FILLED');
      expect(log.trades.map(({ origin }) => origin).slice(2)).toEqual(['HARVEST']);
    },
  );

  it.each([false, true])(
    'EXE-45: that names no client id is of the UNKNOWN order of its position (restart %s)',
    async (restart) => {
      let processor = await reportUnknown();
      const nameless = reconciled({ client_order_id: null, order_id: orderId });
      await deliver(processor, nameless);
      if (restart) processor = await execution();
      exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
      exchange.placements = [{ kind: 'accepted', order: venueOrder({ positionAfter: '0' }) }];
      await deliver(processor, nameless);
      await processor.process([log.addIntent(anIntent({ minute: 60.1, fraction: 1 }))], log.append);
      // Recorded once; the order that is found later is not recorded again.
      expect(log.trades.map(({ exit_reason, client_order_id }) => [exit_reason, client_order_id === own])).toEqual([
        ['filled_after_report', true],
        [anIntent().reason, false],
      ]);
    },
  );

  it('EXE-45: that names no client id is in the trade of the UNKNOWN order where the venue answers for it', async () => {
    const processor = await reportUnknown();
    const nameless = reconciled({ client_order_id: null, order_id: orderId });
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    await deliver(processor, nameless);
    await deliver(await execution(), nameless);
    expect(log.trades.map(({ origin }) => origin)).toEqual(['HARVEST']);
  });

  it('of an order that the venue then denies is written all the same', async () => {
    await crashAfterAnnouncing();
    const processor = await execution();
    await deliver(processor, reconciled({ client_order_id: own }));
    await deliver(await execution(), reconciled({ client_order_id: own }));
    expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED', 'REJECTED']);
    expect(log.trades).toMatchObject([{ exit_reason: 'filled_after_report', client_order_id: own }]);
  });

  it('of an UNKNOWN order whose intent the log no longer holds is a trade of its own', async () => {
    await reportUnknown();
    log.entries.splice(0, 1);
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    await deliver(await execution(), reconciled({ client_order_id: own }));
    await deliver(await execution(), reconciled({ client_order_id: own }));
    expect(log.trades).toMatchObject([{ exit_reason: 'filled_after_report', intent_id: null }]);
  });

  it("EXE-24: is of our order by the venue's id, but not by the same id in another market", async () => {
    exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
    const processor = await execution();
    await processor.process([log.addIntent(anIntent())], log.append);
    const nameless = reconciled({ client_order_id: null, order_id: orderId });
    const other = anIntent({ symbol: 'FHEUSDT' });
    const { symbol, position_id } = other;
    const elsewhere = {
      ...nameless,
      symbol,
      reductions: nameless.reductions.map((one) => ({ ...one, position_id })),
    };
    await deliver(processor, nameless, elsewhere);
    await deliver(await execution(), nameless, elsewhere);
    expect(log.trades.map(({ symbol: market, origin }) => [market, origin])).toEqual([
      ['AIOUSDT', 'HARVEST'],
      ['FHEUSDT', 'EXTERNAL'],
    ]);
  });

  it('another program may use ids that look like ours', async () => {
    await deliver(await execution(), reconciled({ client_order_id: `hl-${'0'.repeat(32)}` as ClientOrderId }));
    expect(log.trades).toMatchObject([{ origin: 'EXTERNAL', exit_reason: 'external_order' }]);
  });
});

describe('what a crash left without an end', () => {
  it('is resolved before anything else, even if its intent never comes again', async () => {
    await crashAfterAnnouncing();
    exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    await deliver(await execution(), reconciled({ order_id: 'another' as OrderId }));
    expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED', 'FILLED']);
    expect(log.trades.map(({ origin }) => origin)).toEqual(['HARVEST', 'EXTERNAL']);
    expect(exchange.calls.filter((call) => call.startsWith('place'))).toEqual([]);
  });

  it('does not keep the start waiting where the venue gives no whole answer, and is asked for again', async () => {
    await crashAfterAnnouncing();
    exchange.lookUps = [{ kind: 'found', order: venueOrder({ positionAfter: null }) }];
    exchange.positions = [() => ({ quantity: null })];
    const processor = await execution();
    await processor.recover?.([0], log.append);
    expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED']);
    exchange.positions = [() => ({ quantity: '480' })];
    await processor.recover?.([0], log.append);
    expect(log.reports.at(-1)).toMatchObject({ status: 'FILLED', remaining_quantity: 480 });
  });

  it.each([
    ['another venue', async () => Object.assign(exchange, { venue: 'elsewhere' }), EVERY_ACCOUNT, 1],
    ['the same venue in another mode', async () => exchange, { ...EVERY_ACCOUNT, sentAsNow: () => false }, 1],
    ['another account, whose own processes ask', async () => exchange, onlyAccount('other'), 0],
  ])('EXE-46: is not asked for at %s, which would deny it', async (_, prepare, accounts, said) => {
    await crashAfterAnnouncing();
    await prepare();
    const processor = await execution({ accounts });
    await processor.recover?.([0], log.append);
    await processor.process([log.addIntent(anIntent())], log.append);
    expect(exchange.calls.filter((call) => call === 'lookUp')).toEqual([]);
    expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED']);
    expect([...new Set(errors)]).toEqual(
      ['an order that this account sent elsewhere has no end: look at that venue'].slice(0, said),
    );
  });

  it('EXE-46: an UNKNOWN order of another venue keeps its position from being touched', async () => {
    await reportUnknown();
    exchange.lookUps = [{ kind: 'absent' }];
    Object.assign(exchange, { venue: 'elsewhere' });
    await (await execution()).process([log.addIntent(anIntent({ minute: 60.1 }))], log.append);
    expect(log.reports.at(-1)).toMatchObject({
      reason: 'UNSETTLED_ORDER',
      detail: `${own} was sent to scripted for desk-1`,
    });
  });
});

it('a position that the venue does not show is left alone, and -2022 has the position read again', async () => {
  exchange.positions = [() => ({ quantity: null })];
  const processor = await execution();
  await processor.process([log.addIntent(anIntent())], log.append);
  expect(log.reports).toMatchObject([{ status: 'SUPPRESSED', reason: 'NOT_SHOWN', position_quantity: null }]);
  exchange.positions = [() => ({ quantity: '1000' }), () => ({ quantity: '12' })];
  exchange.placements = [{ kind: 'rejected', meaning: 'reduce-only', code: '-2022', message: 'no' }];
  await processor.process([log.addIntent(anIntent({ minute: 60.1 }))], log.append);
  expect(log.reports.at(-1)).toMatchObject({ reason: 'REDUCE_ONLY_REJECTED', remaining_quantity: 12 });
});

it("what is left after an order is the venue's word, or nothing where the order filled all there was", async () => {
  const order = venueOrder({ positionAfter: null, filledQuantity: '1000' });
  exchange.placements = [{ kind: 'accepted', order }];
  exchange.positions = [() => ({ quantity: '1000' }), () => ({ quantity: null })];
  const processor = await execution();
  await processor.process([log.addIntent(anIntent({ fraction: 1 }))], log.append);
  expect(log.trades).toMatchObject([{ remaining_quantity: 0 }]);

  exchange.placements = [{ kind: 'accepted', order: { ...order, filledQuantity: '400' } }];
  exchange.positions = [() => ({ quantity: '1000' }), () => ({ quantity: null })];
  const again = processor.process([log.addIntent(anIntent({ fraction: 1, minute: 60.1 }))], log.append);
  await expect(again).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
  expect(log.trades).toHaveLength(1);
});

it('-2022 has its end whatever comes of reading the position again', async () => {
  const away = new HarvestlineError('EXCHANGE_AWAY', 'HTTP 503');
  exchange.positions = [
    () => ({ quantity: '1000' }),
    () => {
      throw away;
    },
  ];
  exchange.placements = [{ kind: 'rejected', meaning: 'reduce-only', code: '-2022', message: 'no' }];
  const processor = await execution();
  const intent = log.addIntent(anIntent());
  await processor.process([intent], log.append);
  await processor.process([intent], log.append);
  expect(log.reports.slice(1)).toMatchObject([
    { status: 'REJECTED', reason: 'REDUCE_ONLY_REJECTED', remaining_quantity: null },
  ]);
  expect(exchange.calls.filter((call) => call.startsWith('place'))).toHaveLength(1);
});
