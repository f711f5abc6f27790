import { beforeEach, describe, expect, it } from 'vitest';
import type { VenueOrder } from '../../../ports/exchange.ts';
import type { OrderId } from '../../../schemas/generated/records.ts';
import { submittedReport } from '../../../pipelines/execution/reports.ts';
import { sizeOrder } from '../../../pipelines/execution/order-plan.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { MINUTE_MS, anIntent } from '../../fixtures/an-intent.ts';
import { DeskOfTests } from './desk-of-tests.ts';
import { venueOrder } from '../../fixtures/scripted-exchange.ts';

/** EXE-14 of execution-processor.ts. */

let desk: DeskOfTests;

beforeEach(async () => {
  desk = await DeskOfTests.open();
});

const found = (traits: Partial<VenueOrder>) => [{ kind: 'found', order: venueOrder(traits) }] as const;

describe('EXE-14: an order that cannot be finished is set aside at a restart, loudly', () => {
  it.each<[string, Partial<VenueOrder>, RegExp]>([
    [
      'a fill at a price that no market has',
      { averagePrice: '1e308' },
      /order v-1 filled 500 at 1e308: .*exit_price: must be/,
    ],
    ['more than a position can have left', { positionAfter: '1e300' }, /remaining_quantity: must be/],
    ['an order without an id', { orderId: '' as OrderId }, /order_id: must not be empty/],
    ['no number at all', { averagePrice: 'what' }, /order v-1 filled 500 at what: .*DecimalError/],
  ])('%s', async (_, traits, detail) => {
    await desk.announceAndDie(anIntent());
    desk.exchange.lookUps = [...found(traits)];
    const processor = await desk.execution();
    await processor.recover?.([0], desk.log.append);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'UNKNOWN ORDER_SET_ASIDE']);
    expect(desk.log.reports.at(-1)?.detail).toMatch(detail);
    expect(desk.log.trades).toEqual([]);
    expect(desk.errors).toContain('an order cannot be finished and is set aside; its position is left alone');

    // Its position is left alone, and nothing else is.
    desk.exchange.placements = [
      { kind: 'accepted', order: venueOrder({ filledQuantity: '1000', positionAfter: '0' }) },
    ];
    await desk.work(processor, anIntent({ minute: 60.5 }), anIntent({ minute: 60.5, symbol: 'ELSE', fraction: 1 }));
    // EXE-8: nobody says which of the two ends first.
    expect(desk.outcomes.slice(2).toSorted()).toEqual([
      'FILLED FILLED',
      'SUBMITTED ORDER_SENT',
      'SUPPRESSED UNSETTLED_ORDER',
    ]);
    // And a restart gets past it as well.
    await (await desk.execution()).recover?.([0], desk.log.append);
    expect(desk.outcomes).toHaveLength(5);
  });

  it('a fill of more than was asked for has no FILLED, and its trade all the same', async () => {
    await desk.announceAndDie(anIntent());
    desk.exchange.lookUps = [...found({ filledQuantity: '1000', positionAfter: '0' })];
    const processor = await desk.execution();
    await processor.recover?.([0], desk.log.append);
    expect(desk.log.reports.at(-1)).toMatchObject({ reason: 'ORDER_SET_ASIDE' });
    expect(desk.log.reports.at(-1)?.detail).toContain('filled_quantity: must not be above rounded_quantity 500');
    await desk.work(processor, anIntent({ minute: 60.5 }));
    expect(desk.log.trades).toMatchObject([{ quantity: 1000 }]);
  });

  it('an intent that is gone from the log, or that no schema takes any more', async () => {
    await desk.announceAndDie(anIntent());
    const intents = desk.log.entries.findIndex(({ topic }) => topic === TOPICS.harvestIntent.name);
    desk.log.entries.splice(intents, 1);
    desk.exchange.lookUps = [...found({})];
    await (await desk.execution()).recover?.([0], desk.log.append);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'UNKNOWN ORDER_SET_ASIDE']);
    expect(desk.log.reports.at(-1)?.detail).toContain('order v-1 filled 500 at 107: its intent is gone');
  });

  it('and where the order was never placed it needs no intent to have its end', async () => {
    await desk.announceAndDie(anIntent());
    desk.log.entries.splice(0, 1);
    await (await desk.execution()).recover?.([0], desk.log.append);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'REJECTED NOT_PLACED']);
  });

  it('a position that is never shown is waited for a minute, not for ever', async () => {
    await desk.announceAndDie(anIntent());
    desk.exchange.lookUps = [...found({ positionAfter: null })];
    desk.exchange.positions = [() => ({ quantity: null })];
    const waiting = (await desk.execution()).process([], desk.log.append);
    await expect(waiting).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    desk.clock.set(desk.clock.now() + MINUTE_MS + 1);
    await (await desk.execution()).process([], desk.log.append);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'UNKNOWN ORDER_SET_ASIDE']);
    expect(desk.log.reports.at(-1)?.detail).toContain('the venue does not say what order v-1 has left');
  });

  it('one order that the venue gives no answer for keeps no other from its end', async () => {
    await desk.announceAndDie(anIntent());
    const other = desk.log.addIntent(anIntent({ symbol: 'ELSE' }));
    const sizing = sizeOrder('1000', 0.5, 107, { lotStep: '1', minQuantity: '1', maxQuantity: null, minNotional: '5' });
    if (sizing.kind !== 'order') throw new Error('no order');
    const announced = submittedReport(
      other.record,
      other.at,
      'scripted',
      {
        sized: { position: '1000', sizing },
        mark: '107',
        part: 0,
        planned: { style: 'market', quantity: sizing.rounded },
        pricing: { kind: 'market' },
      },
      desk.clock.now(),
    );
    await desk.log.append([
      new TopicWriter('execution', desk.log.codec).encode(TOPICS.executionReport, announced, announced.reported_at),
    ]);
    desk.exchange.lookUps = [...found({ positionAfter: null }), ...found({})];
    desk.exchange.positions = [() => ({ quantity: null })];
    await (await desk.execution()).recover?.([0], desk.log.append);
    expect(desk.outcomes.slice(2)).toEqual(['FILLED FILLED']);
  });

  it('its trade is recorded as soon as it can be', async () => {
    await desk.announceAndDie(anIntent());
    desk.exchange.lookUps = [...found({ averagePrice: '1e308' })];
    await (await desk.execution()).recover?.([0], desk.log.append);
    desk.exchange.lookUps = [...found({})];
    desk.exchange.positions = [() => ({ quantity: '0' })];
    await desk.work(await desk.execution(), anIntent({ minute: 60.5, fraction: 1 }));
    expect(desk.log.trades).toMatchObject([{ exit_price: 107, quantity: 500 }]);
    expect(desk.outcomes.at(-1)).toBe('SUPPRESSED FLAT');
  });
});

it('a refusal of the venue that cannot be recorded is no reason to stand either', async () => {
  desk.exchange.positions = [() => ({ quantity: '1000' }), () => ({ quantity: '1e300' })];
  desk.exchange.placements = [{ kind: 'rejected', meaning: 'reduce-only', code: '-2022', message: 'no' }];
  await desk.work(await desk.execution(), anIntent());
  expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'UNKNOWN ORDER_SET_ASIDE']);
});
