import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { AHEAD_MS } from '../../../schemas/time-bound.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { DeskOfTests } from './desk-of-tests.ts';
import { venueOrder } from '../../fixtures/scripted-exchange.ts';

let desk: DeskOfTests;

beforeEach(async () => {
  desk = await DeskOfTests.open();
  desk.exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
});

const sent = (): string[] => desk.exchange.calls.filter((call) => call.startsWith('place'));

describe('EXE-13: what an order would lead to can be recorded, or nothing is sent', () => {
  it('a position that no schema takes', async () => {
    desk.exchange.positions = [() => ({ quantity: '1e300' })];
    await desk.work(await desk.execution(), anIntent());
    expect(desk.outcomes).toEqual(['SUPPRESSED NOT_RECORDABLE']);
    expect(desk.log.reports[0]?.detail).toContain('execution.report: position_quantity: must be at least 0');
    expect(sent()).toEqual([]);
  });

  it('EXE-19: an opening that lies ahead: no log would take its trade', async () => {
    const openedAt = desk.clock.now() + 5 * 60 * MINUTE_MS;
    // Its observation has a good time, so nothing else would suppress it.
    const { codec } = desk.log;
    const intent: HarvestIntent = { ...anIntent(), opened_at: openedAt };
    expect(() => codec.encode('harvest.intent', intent)).toThrow('opened_at');
    const ahead = { ...intent, observed_at: openedAt };
    await desk.work(await desk.execution(), ahead);
    expect(desk.outcomes).toEqual(['SUPPRESSED STALE_INTENT']);
    expect(sent()).toEqual([]);
  });

  it('EXE-18: whatever is sent has records that every fill from a tenth to tenfold of the mark can be written with', async () => {
    const hit = countedBranches({ FILLED: 20, NOT_RECORDABLE: 3 });
    const magnitude = fc
      .double({ min: -12, max: 12, noNaN: true })
      .map((exponent) => Number((10 ** exponent).toPrecision(4)));
    await fc.assert(
      fc.asyncProperty(
        magnitude,
        fc.double({ min: 0.6, max: 1.9, noNaN: true }),
        fc.constantFrom('1', '1000', '1e9', '1e15', '1e16'),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        fc.constantFrom('LONG', 'SHORT' as const),
        async (entry, move, position, slip, side) => {
          const here = await DeskOfTests.open();
          here.exchange.marketRules = { lotStep: '1', minQuantity: '1', maxQuantity: null, minNotional: '0' };
          here.exchange.positions = [() => ({ quantity: position })];
          const mark = Math.min(1e12, Math.max(1e-12, entry * move));
          const averagePrice = (mark * slip).toPrecision(15);
          const order = venueOrder({ filledQuantity: position, averagePrice, positionAfter: '0', fee: '0' });
          here.exchange.placements = [{ kind: 'accepted', order }];
          const intent = {
            ...anIntent({ side, fraction: 1, entry, mark, stop: null }),
            entry_price: entry,
            mark_price: mark,
          };
          await here.work(await here.execution(), intent);
          const [first, last] = [here.outcomes[0], here.outcomes.at(-1)];
          expect([
            'SUBMITTED ORDER_SENT FILLED FILLED',
            'SUPPRESSED NOT_RECORDABLE SUPPRESSED NOT_RECORDABLE',
          ]).toContain(`${first} ${last}`);
          hit(first === 'SUBMITTED ORDER_SENT' ? 'FILLED' : 'NOT_RECORDABLE');
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("an order is valued at the venue's own mark", () => {
  const limits = { maxOrderNotional: 4900 };

  it('a snapshot of another scale does not lift the limit', async () => {
    desk.exchange.mark = '9.81';
    await desk.work(await desk.execution({ limits }), anIntent({ entry: 9, mark: 9.8 }));
    expect(desk.log.reports[0]).toMatchObject({
      reason: 'MAX_NOTIONAL_SENT',
      rounded_quantity: 499,
      detail: '500 at 9.81 are worth 4905, at most 4900 are allowed',
    });
  });

  it.each([
    ['far above', '60000', 0.078],
    ['far below', '0.078', 60_000],
    ['just beyond the bound', '100.01', 50],
  ])('a mark that is %s decides nothing, and both prices are told', async (_, venues, snapshots) => {
    desk.exchange.mark = venues;
    await desk.work(await desk.execution(), anIntent({ entry: snapshots, mark: snapshots }));
    expect(desk.outcomes).toEqual(['SUPPRESSED MARK_PRICE_DIFFERS']);
    const detail = desk.log.reports[0]?.detail ?? '';
    expect([detail.includes(String(snapshots)), detail.includes(venues)]).toEqual([true, true]);
    expect(sent()).toEqual([]);
  });

  it('a mark within the bound is no reason, and the minimum of an order counts by it', async () => {
    desk.exchange.mark = '100';
    await desk.work(await desk.execution(), anIntent({ entry: 50, mark: 50 }));
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED']);
    // 4 contracts are worth 5 at the venue, 8 by the snapshot: too little to leave.
    desk.exchange.mark = '1.2';
    desk.exchange.positions = [() => ({ quantity: '8' })];
    desk.exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledQuantity: '8', positionAfter: '0' }) }];
    await desk.work(await desk.execution(), anIntent({ entry: 2, mark: 2, symbol: 'ELSE', fraction: 0.5 }));
    expect(desk.outcomes.slice(2)).toEqual(['SUBMITTED REMAINDER_INCLUDED', 'FILLED REMAINDER_CLOSED']);
  });

  it('where the venue names none, nothing is valued and the next intent is worked', async () => {
    desk.exchange.mark = null;
    await desk.work(await desk.execution(), anIntent());
    expect(desk.outcomes).toEqual(['SUPPRESSED NO_MARK_PRICE']);
  });

  it('a flat position is not valued', async () => {
    desk.exchange.mark = null;
    desk.exchange.positions = [() => ({ quantity: '0' })];
    await desk.work(await desk.execution(), anIntent());
    expect(desk.outcomes).toEqual(['SUPPRESSED FLAT']);
  });
});

describe('times', () => {
  /** Delivered as the log has it: with a timestamp of its own. */
  async function workAt(intent: HarvestIntent, timestamp: number, ledgerOf = desk): Promise<void> {
    const delivery = ledgerOf.log.addIntent(intent);
    const processor = await ledgerOf.execution();
    await ledgerOf.log.append(
      await processor.process([{ ...delivery, at: { ...delivery.at, timestamp } }], ledgerOf.log.append),
    );
  }

  it('an intent that is dated ahead is as old as its record', async () => {
    const now = OPENED_AT + 60 * MINUTE_MS;
    desk.clock.set(now);
    await workAt({ ...anIntent(), observed_at: now + AHEAD_MS }, now - 6 * MINUTE_MS);
    expect(desk.outcomes).toEqual(['SUPPRESSED STALE_INTENT']);
    expect(desk.log.reports[0]?.detail).toBe('observed 360000 ms ago, at most 300000 ms are allowed');
  });

  it('a last partial close of the year 2100, from before that was refused, bars nothing', async () => {
    const year2100 = 4_102_444_800_000;
    await desk.work(await desk.execution(), anIntent());
    // As an older version wrote it.
    const [entry] = desk.log.entries.splice(0, 1);
    if (entry === undefined) throw new Error('no intent');
    const value = desk.log.codec.encode('harvest.intent', { ...anIntent(), observed_at: year2100 });
    desk.log.entries.unshift({ ...entry, at: { ...entry.at, value, timestamp: year2100 } });
    await desk.work(await desk.execution(), anIntent({ minute: 60.5 }));
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED', 'SUBMITTED ORDER_SENT', 'FILLED FILLED']);
    // Its own time counts as ever.
    await desk.work(await desk.execution(), anIntent({ minute: 60.9 }));
    expect(desk.outcomes.at(-1)).toBe('SUPPRESSED COOLDOWN');
  });

  it('a fill that the venue dates into the future is recorded as of now, and says so', async () => {
    const now = desk.clock.now();
    desk.exchange.placements = [{ kind: 'accepted', order: venueOrder({ filledAt: now + 8 * 60 * MINUTE_MS }) }];
    await desk.work(await desk.execution(), anIntent());
    expect(desk.log.trades).toMatchObject([{ closed_at: now }]);
    const report = desk.log.reports.at(-1);
    expect(report).toMatchObject({ status: 'FILLED', reported_at: now });
    expect(report?.detail).toContain('the venue dates the fill 28800000 ms ahead of the clock');
    for (const { at } of desk.log.entries) expect(at.timestamp).toBeLessThanOrEqual(now);
  });

  it('an order of an older version, of a position that opens in five hours, has a trade that a log takes', async () => {
    const now = desk.clock.now();
    const opensAt = now + 5 * 60 * MINUTE_MS;
    await desk.announceAndDie(anIntent());
    const intent = { ...anIntent(), opened_at: opensAt, observed_at: opensAt };
    const [entry] = desk.log.entries.splice(0, 1);
    if (entry === undefined) throw new Error('no intent');
    const value = desk.log.codec.encode('harvest.intent', intent);
    desk.log.entries.unshift({ ...entry, at: { ...entry.at, value } });
    desk.exchange.lookUps = [{ kind: 'found', order: venueOrder({ filledAt: now }) }];
    await (await desk.execution()).recover?.([0], desk.log.append);
    expect(desk.outcomes.at(-1)).toBe('FILLED FILLED');
    expect(desk.log.trades).toMatchObject([{ opened_at: now, closed_at: now }]);
  });

  it('what the log refuses for its time is written with one that it takes, and that is said', async () => {
    const refusal = new HarvestlineError('TIMESTAMP_REFUSED', 'out of range');
    const processor = await desk.execution();
    const now = desk.clock.now();
    desk.clock.set(now - MINUTE_MS);
    const delivery = desk.log.addIntent(anIntent());
    const substitutes: unknown[] = [];
    await processor.process([delivery], async (records) => {
      desk.clock.set(now);
      for (const record of records) substitutes.push(record.ifRefused?.(refusal)?.timestamp);
      expect(records[0]?.ifRefused?.(new HarvestlineError('RECORD_TOO_LARGE', 'large'))).toBeNull();
      await desk.log.append(records);
    });
    expect(substitutes[0]).toBe(now);
    expect(desk.errors[0]).toContain('the log refuses the time of a record, which is written as of now');
  });
});
