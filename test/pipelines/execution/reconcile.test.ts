import { beforeEach, describe, expect, it } from 'vitest';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { Processor } from '../../../pipelines/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ClientOrderId, FillId, PositionReconciled, Reduction } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from './an-intent.ts';
import { MemoryLog } from './memory-log.ts';
import { ScriptedExchange, venueOrder } from './scripted-exchange.ts';

const [GOOD_REDUCTION] = GOOD_RECORDS[TOPICS.positionReconciled.name].reductions;

let log: MemoryLog;
let exchange: ScriptedExchange;
let clock: VirtualClock;
let errors: string[];

beforeEach(async () => {
  log = await MemoryLog.open();
  exchange = new ScriptedExchange();
  clock = new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000);
  errors = [];
});

async function execution(): Promise<Processor> {
  const logger: Logger = { ...SILENT_LOGGER, error: (_, message) => errors.push(message) };
  const processor = executionProcessor({ writer: new TopicWriter('execution', log.codec), exchange, clock, logger });
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

describe('E10: a fill that no report tells of', () => {
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

  it('has one trade, however often it is told of, also after a restart', async () => {
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

  it('of an UNKNOWN order of ours settles it', async () => {
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

  it('of an order of ours that was reported as never placed is written all the same, and loud', async () => {
    exchange.placements = [{ kind: 'in-doubt', message: 'the request timed out' }];
    const processor = await execution();
    await processor.process([log.addIntent(anIntent())], log.append);
    expect(log.reports.at(-1)).toMatchObject({ status: 'REJECTED', reason: 'NOT_PLACED' });
    await deliver(processor, reconciled({ client_order_id: own }));
    expect(log.trades).toMatchObject([{ exit_reason: 'filled_after_report', client_order_id: own, intent_id: null }]);
    expect(errors).toEqual(['an order that was reported as not filled has a fill']);
  });

  it('another program may use ids that look like ours', async () => {
    await deliver(await execution(), reconciled({ client_order_id: `hl-${'0'.repeat(32)}` as ClientOrderId }));
    expect(log.trades).toMatchObject([{ origin: 'EXTERNAL', exit_reason: 'external_order' }]);
  });
});

it('an order that a crash left without an end is settled before anything else, even if its intent never comes again', async () => {
  exchange.placements = [{ kind: 'in-doubt', message: 'the reply was lost' }];
  const processor = await execution();
  const crash = new Error('killed');
  const dying = processor.process([log.addIntent(anIntent())], async (records) => {
    await log.append(records);
    throw crash;
  });
  await expect(dying).rejects.toBe(crash);
  expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED']);
  exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
  await deliver(await execution(), reconciled({}));
  expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED', 'FILLED']);
  expect(log.trades.map(({ origin }) => origin)).toEqual(['HARVEST', 'EXTERNAL']);
  expect(exchange.calls.filter((call) => call.startsWith('place'))).toEqual([]);
});

it('a position that the venue does not show is left alone, and -2022 has the position read again', async () => {
  exchange.positions = [() => ({ quantity: null })];
  const processor = await execution();
  await processor.process([log.addIntent(anIntent())], log.append);
  expect(log.reports).toMatchObject([{ status: 'SUPPRESSED', reason: 'NOT_SHOWN', position_quantity: null }]);
  exchange.positions = [() => ({ quantity: '1000' }), () => ({ quantity: '12' })];
  exchange.placements = [{ kind: 'rejected', code: '-2022', message: 'ReduceOnly Order is rejected.' }];
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
