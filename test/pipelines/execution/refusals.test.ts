import { describe, expect, it } from 'vitest';
import { CloseRate } from '../../../pipelines/execution/limits.ts';
import type { Placement, RefusalMeaning } from '../../../ports/exchange.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { DeskOfTests } from './desk-of-tests.ts';
import { venueOrder } from '../../fixtures/scripted-exchange.ts';

const refused = (code: string, meaning: RefusalMeaning = 'other'): Placement => ({
  kind: 'rejected',
  meaning,
  code,
  message: 'not now',
});
const TAKEN: Placement = { kind: 'accepted', order: venueOrder() };

const sent = (desk: DeskOfTests): number => desk.exchange.calls.filter((call) => call.startsWith('place')).length;

/** A CLOSE every second for so long; the venue answers all of them alike. Returns at which seconds an order went. */
async function closing(desk: DeskOfTests, placement: Placement, seconds: number, restarts = false): Promise<number[]> {
  desk.exchange.placements = [placement];
  let execution = await desk.execution();
  const start = desk.clock.now();
  const went: number[] = [];
  for (let second = 0; second < seconds; second++) {
    desk.clock.set(start + second * 1000);
    const before = sent(desk);
    if (restarts) execution = await desk.execution();
    await desk.work(execution, anIntent({ fraction: 1, minute: (desk.clock.now() - OPENED_AT) / MINUTE_MS }));
    if (sent(desk) > before) went.push(second);
  }
  return went;
}

describe('orders that the venue refuses again and again', () => {
  it.each([false, true])('wait twice as long each time (restarts: %s)', async (restarts) => {
    const desk = await DeskOfTests.open();
    expect(await closing(desk, refused('-4118'), 80, restarts)).toEqual([0, 5, 15, 35, 75]);
    expect(desk.outcomes[2]).toBe('SUPPRESSED REFUSED_RECENTLY');
    expect(desk.log.reports[2]?.detail).toBe('the venue refused the last order, 1000 ms ago; the next waits 5000 ms');
  });

  it('wait fifteen minutes at most', async () => {
    const desk = await DeskOfTests.open();
    const went = await closing(desk, refused('-4131'), 7200);
    const gaps = went.slice(1).map((second, index) => second - (went[index] ?? 0));
    expect(gaps).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900, 900]);
  });

  it('go on at once when one was taken', async () => {
    const desk = await DeskOfTests.open();
    await closing(desk, refused('-4131'), 6);
    desk.clock.set(desk.clock.now() + 60_000);
    expect(await closing(desk, TAKEN, 3)).toEqual([0, 1, 2]);
  });

  it.each(['busy', 'clock'] as const)('%s says nothing of the order: the next intent decides anew', async (meaning) => {
    const desk = await DeskOfTests.open();
    expect(await closing(desk, refused('-1003', meaning), 4)).toEqual([0, 1, 2, 3]);
  });

  it('keep no other position waiting', async () => {
    const desk = await DeskOfTests.open();
    const execution = await desk.execution();
    desk.exchange.placements = [refused('-4131'), TAKEN];
    await desk.work(execution, anIntent({ symbol: 'AUSDT' }), anIntent({ symbol: 'BUSDT' }));
    expect(desk.outcomes).toContain('FILLED FILLED');
  });

  it.each([false, true])('give their place in the close rate back (restart: %s)', async (restart) => {
    const desk = await DeskOfTests.open();
    const limits = { maxClosesPerMinute: 1 };
    const started = () => desk.execution({ limits, closeRate: new CloseRate(desk.clock) });
    let execution = await started();
    desk.exchange.placements = [refused('-4131')];
    await desk.work(execution, anIntent({ symbol: 'AUSDT' }));
    if (restart) execution = await started();
    desk.exchange.placements = [TAKEN];
    await desk.work(execution, anIntent({ symbol: 'BUSDT' }), anIntent({ symbol: 'CUSDT' }));
    expect(desk.outcomes.slice(2).toSorted()).toEqual([
      'FILLED FILLED',
      'SUBMITTED ORDER_SENT',
      'SUPPRESSED CLOSE_RATE',
    ]);
  });
});

it('where not all may go, a CLOSE goes before what closes a part', async () => {
  const desk = await DeskOfTests.open();
  desk.exchange.placements = [TAKEN];
  const execution = await desk.execution({ limits: { maxClosesPerMinute: 1 } });
  await desk.work(
    execution,
    anIntent({ symbol: 'AUSDT', fraction: 0.5 }),
    anIntent({ symbol: 'BUSDT', fraction: 0.5 }),
    anIntent({ symbol: 'CUSDT', fraction: 1 }),
  );
  expect(desk.log.reports.filter(({ status }) => status === 'FILLED').map(({ symbol }) => symbol)).toEqual(['CUSDT']);
});
