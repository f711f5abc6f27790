import { expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { type ClosedSide, blockingOrders, clearResting } from '../../../pipelines/execution/resting.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RestingCancellation, RestingOrder } from '../../../ports/exchange.ts';
import type { OrderId } from '../../../schemas/generated/records.ts';

const CLOSED: ClosedSide = { position_id: 'desk-1:BTCUSDT:LONG:1', symbol: 'BTCUSDT', side: 'LONG', closedAt: 5000 };

function order(orderId: string, placedAt: number | null): RestingOrder {
  const order_id = orderId as OrderId;
  return {
    orderId: order_id,
    isConditional: true,
    kind: 'STOP',
    quantity: '1',
    price: '90',
    placedAt,
    wholePosition: false,
  };
}

/** A venue with these orders; `cancel` may throw. */
function deskWith(resting: () => readonly RestingOrder[], cancel: () => RestingCancellation) {
  const cancelled: string[] = [];
  const exchange = {
    resting: async () => resting(),
    cancelResting: async (_: string, { orderId }: RestingOrder) => {
      cancelled.push(orderId);
      return cancel();
    },
  };
  return { desk: { exchange, logger: SILENT_LOGGER, leaveResting: false }, cancelled };
}

const unavailable = (): never => {
  throw new HarvestlineError('EXCHANGE_AWAY', 'HTTP 503');
};

it('EXE-49: only orders placed before the close are cancelled; one of an unknown time is named and left', async () => {
  const orders = [order('before', 4000), order('at the close', 5000), order('after', 5001), order('unknown', null)];
  const { desk, cancelled } = deskWith(
    () => orders,
    () => ({ kind: 'cancelled' }),
  );
  const reported = await clearResting(CLOSED, desk);
  expect(cancelled).toEqual(['before', 'at the close']);
  expect(reported?.map(({ order_id, fate }) => [order_id, fate])).toEqual([
    ['before', 'CANCELLED'],
    ['at the close', 'CANCELLED'],
    ['unknown', 'NOT_CANCELLED'],
  ]);
});

it('EXE-51: a venue without an answer holds up nothing, and what still rests is reported', async () => {
  const silent = deskWith(unavailable, () => ({ kind: 'cancelled' }));
  expect(await clearResting(CLOSED, silent.desk)).toBeNull();
  expect(await blockingOrders(CLOSED, silent.desk)).toBeNull();
  const deaf = deskWith(() => [order('before', 4000)], unavailable);
  expect(await clearResting(CLOSED, deaf.desk)).toMatchObject([{ order_id: 'before', fate: 'NOT_CANCELLED' }]);
});
