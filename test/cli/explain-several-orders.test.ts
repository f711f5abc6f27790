import { beforeEach, describe, expect, it } from 'vitest';
import { explainedLines } from '../../cli/explain.ts';
import type { Explanation } from '../../pipelines/explain/explanation.ts';
import type { ClientOrderId, ExecutionReport, OrderId } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../fixtures/memory-log.ts';

const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const { intent_id, position_id } = INTENT;
const START = INTENT.observed_at;

/** What comes of the orders of one intent, in time: the style of each that is sent, and what it fills. */
type Sent = readonly [style: NonNullable<ExecutionReport['order_style']>, filled: number];

let world: MemorySession;

beforeEach(async () => {
  world = await memorySession();
  await world.write(TOPICS.harvestIntent, INTENT, START);
});

async function send(...orders: readonly Sent[]): Promise<void> {
  const good = { ...GOOD_RECORDS[TOPICS.executionReport.name], intent_id, position_id, submitted_at: START };
  let at = START;
  for (const [part, [order_style, filled]] of orders.entries()) {
    const client_order_id = `hl-${part}` as ClientOrderId;
    const order = { ...good, order_style, part, client_order_id };
    const submitted = { status: 'SUBMITTED', reason: 'ORDER_SENT', filled_quantity: 0, average_price: null } as const;
    await world.write(TOPICS.executionReport, { ...order, ...submitted, order_id: null, fee: null }, (at += 10));
    const own = { intent_id, position_id, client_order_id, order_id: `${part}` as OrderId, quantity: filled };
    if (filled > 0) {
      const trade = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], ...own, trade_id: `trade-${part}` as never };
      await world.write(TOPICS.tradeClosed, trade, (at += 10));
    }
  }
  const part = orders.length - 1;
  const filled_quantity = orders.reduce((sum, [, filled]) => sum + filled, 0);
  const end = { ...good, order_style: orders[part]?.[0] ?? null, part, client_order_id: `hl-${part}` as ClientOrderId };
  const sizes = { requested_quantity: filled_quantity, rounded_quantity: filled_quantity, filled_quantity };
  await world.write(TOPICS.executionReport, { ...end, ...sizes }, at + 10);
}

async function explained(id: string, json: boolean): Promise<string> {
  const lines = await explainedLines(world, id, null, json, { columns: 400 });
  return lines.join('\n').replaceAll('\u00A0', ' ');
}

describe('an intent that led to several orders', () => {
  it.each<readonly [string, readonly Sent[], RegExp]>([
    ['market', [['market', 1]], /SUBMITTED \(.*slice 1 at .*FILLED 1 \(/],
    [
      'post_only, then ioc',
      [
        ['post_only', 0],
        ['ioc', 1],
      ],
      /SUBMITTED post_only \(.*SUBMITTED ioc order 2 \(.*slice 1 at .*FILLED 1 in 2 orders \(/,
    ],
    [
      'sliced',
      [
        ['sliced', 1],
        ['sliced', 1],
        ['sliced', 1],
      ],
      /SUBMITTED sliced \(.*slice 1 .*SUBMITTED sliced order 2 \(.*SUBMITTED sliced order 3 \(.*FILLED 3 in 3 orders \(/,
    ],
  ])('%s: the screen names style and number of each', async (_, orders, words) => {
    await send(...orders);
    expect(await explained(position_id, false)).toMatch(words);
  });

  it('one intent has the id of each order, and JSON has style and part of each record', async () => {
    await send(['post_only', 0], ['ioc', 1]);
    expect(await explained(intent_id, false)).toMatch(
      /SUBMITTED post_only \([^)]*\) order hl-0 .*SUBMITTED ioc order 2 \([^)]*\) order hl-1/,
    );
    const { steps } = JSON.parse(await explained(intent_id, true)) as Explanation;
    expect(steps.map(({ order, what }) => [order?.client_order_id, order?.order_style, order?.part, what])).toEqual([
      [undefined, undefined, undefined, expect.stringContaining(INTENT.action)],
      ['hl-0', 'post_only', 0, expect.stringMatching(/^SUBMITTED .*, post_only order hl-0$/)],
      ['hl-1', 'ioc', 1, expect.stringMatching(/^SUBMITTED .*, ioc order hl-1, number 2 of its intent$/)],
      ['hl-1', 'ioc', 1, expect.stringMatching(/ 1 at /)],
      ['hl-1', 'ioc', 1, expect.stringMatching(/^FILLED .* filled 1 of 1 .*, 2 orders, the last hl-1$/)],
    ]);
  });
});
