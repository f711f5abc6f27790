import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { CloseRate } from '../../../pipelines/execution/limits.ts';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import { perPartition } from '../../../pipelines/runtime/per-partition.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { ExecutionLog } from './execution-log.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

it('counts each order of the last minute once, but the one that asks', () => {
  const anEvent = fc.record({ intent: fc.integer({ min: 0, max: 5 }), pause: fc.integer({ min: 0, max: 40_000 }) });
  fc.assert(
    fc.property(fc.array(anEvent, { maxLength: 30 }), (events) => {
      const clock = new VirtualClock(OPENED_AT);
      const rate = new CloseRate(clock);
      const latest = new Map<number, number>();
      for (const { intent, pause } of events) {
        clock.set(clock.now() + pause);
        const others = [...latest].filter(([other, at]) => other !== intent && at > clock.now() - 60_000);
        expect(rate.others(String(intent) as ClientOrderId)).toBe(others.length);
        rate.announced(String(intent) as ClientOrderId, clock.now());
        latest.set(intent, clock.now());
      }
    }),
  );
});

it('what is read back from long ago does not count', () => {
  const clock = new VirtualClock(OPENED_AT);
  const rate = new CloseRate(clock);
  rate.announced('old' as ClientOrderId, OPENED_AT - 60_000);
  rate.announced('new' as ClientOrderId, OPENED_AT - 59_999);
  expect(rate.others('this' as ClientOrderId)).toBe(1);
});

it('partitions that decide at the same time do not pass the bound together', async () => {
  const log = await ExecutionLog.open();
  const clock = new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000);
  const exchange = new ScriptedExchange();
  exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
  const writer = new TopicWriter('execution', log.codec);
  const limits = { maxClosesPerMinute: 2 };
  const shared = { writer, exchange, clock, logger: SILENT_LOGGER, limits, closeRate: new CloseRate(clock) };
  const processor = perPartition(() => executionProcessor(shared));
  await processor.restore?.(log.replay);
  const intents = ['A', 'B', 'C', 'D', 'E', 'F'].map((symbol, partition) =>
    log.addIntent(anIntent({ symbol: `${symbol}USDT`, fraction: 1 }), partition),
  );
  await Promise.all(intents.map((intent) => processor.process([intent], log.append)));
  const reasons = log.reports.map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === 'ORDER_SENT')).toHaveLength(2);
  expect(reasons.filter((reason) => reason === 'CLOSE_RATE')).toHaveLength(4);
});
