import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger, type OrderFate, restoreLedger } from '../../../pipelines/execution/ledger.ts';
import { CloseRate } from '../../../pipelines/execution/limits.ts';
import type { Replay } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { ExecutionReport, HarvestIntent, OrderId, PositionId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { AHEAD_MS } from '../../../schemas/time-bound.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { anIntent } from '../../fixtures/an-intent.ts';
import { type Entry, aLog, externalTradeOf, reportOf, tradeOf, venueIdOf } from './ledger-stories.ts';

/** As execution does it: each record when it is written. */
function write(ledger: Ledger, entries: readonly Entry[]): Ledger {
  for (const entry of entries) {
    if ('trade' in entry) ledger.traded(entry.trade);
    else {
      ledger.apply(entry.report);
      ledger.remember(entry.intent);
    }
  }
  return ledger;
}

const REPORT = TOPICS.executionReport.name;
const TRADE = TOPICS.tradeClosed.name;

/** As it is after a restart: from what is in the log, and all its intents. */
function restored(entries: readonly Entry[], intents: readonly HarvestIntent[]): Promise<Ledger> {
  const records: Record<string, readonly unknown[]> = {
    [REPORT]: entries.flatMap((entry) => ('report' in entry ? [entry.report] : [])),
    [TRADE]: entries.flatMap((entry) => ('trade' in entry ? [entry.trade] : [])),
    [TOPICS.harvestIntent.name]: intents,
  };
  const replay = async function* (topic: string) {
    for (const record of records[topic] ?? []) yield await Promise.resolve({ record });
  } as unknown as Replay;
  return restoreLedger(replay, new CloseRate(new VirtualClock(0)), () => Promise.resolve(true));
}

/** All that a ledger says about what is in the log. */
function stateOf(ledger: Ledger, entries: readonly Entry[]) {
  const byText = (texts: Iterable<unknown>): readonly string[] =>
    [...texts].map((one) => JSON.stringify(one)).toSorted();
  const records = entries.map((entry) => ('trade' in entry ? entry.trade : entry.report));
  const positions = [...new Set(records.map(({ position_id }) => position_id))].toSorted();
  const reports = entries.flatMap((entry) => ('report' in entry ? [entry.report] : []));
  const orders = new Map(reports.map((report) => [report.client_order_id, report]));
  return {
    open: byText(ledger.openOrders()),
    needed: byText(ledger.neededIntents()),
    orders: [...orders.values()]
      .map(({ symbol, intent_id, client_order_id }) => {
        const byName = { symbol, client_order_id, order_id: 'unheard' as OrderId };
        const byVenue = { symbol, client_order_id: null, order_id: venueIdOf(client_order_id) };
        return {
          order: client_order_id,
          finished: ledger.isFinished(intent_id),
          submitted: ledger.submitted(intent_id) ?? null,
          trades: ledger.tradesOf(intent_id),
          fates: [ledger.fateOf(byName), ledger.fateOf(byVenue)],
          pending: [ledger.pending(byName), ledger.pending(byVenue)],
        };
      })
      .toSorted((a, b) => (a.order < b.order ? -1 : 1)),
    positions: positions.map((position) => ({
      position,
      unresolved: ledger.unresolved(position),
      partial: ledger.lastPartialObservedAt(position),
      refusals: ledger.refusals(position),
    })),
    external: entries.map((entry) => 'trade' in entry && ledger.hasExternal(entry.trade.trade_id)).filter(Boolean)
      .length,
  };
}

const intentsOf = (entries: readonly Entry[]): readonly HarvestIntent[] => [
  ...new Map(entries.flatMap((entry) => ('intent' in entry ? [[entry.intent.intent_id, entry.intent]] : []))).values(),
];

describe('the ledger of a log', () => {
  it('EXE-20, EXE-21, EXE-24, EXE-26: knows the fate of each order, however the records of positions lie between each other', () => {
    const branch = countedBranches<OrderFate>({ open: 20, unresolved: 20, traded: 60, unfilled: 60, foreign: 20 });
    fc.assert(
      fc.property(aLog, ({ log, inTurn, fates }) => {
        const ledger = write(new Ledger(), log);
        expect(stateOf(ledger, inTurn)).toEqual(stateOf(write(new Ledger(), inTurn), inTurn));
        for (const [order, symbol, fate] of fates) {
          branch(fate);
          const names = { symbol, client_order_id: order, order_id: 'unheard' as OrderId };
          expect(ledger.fateOf(names)).toBe(fate);
          expect(ledger.pending(names) !== null).toBe(fate === 'open' || fate === 'unresolved');
          expect(ledger.fateOf({ ...names, symbol: 'ELSE', client_order_id: null })).toBe('foreign');
        }
      }),
    );
  });

  it('EXE-20: is the same where a crash brings the last records once more', () => {
    fc.assert(
      fc.property(aLog, fc.nat(), fc.nat(), ({ log }, cut, again) => {
        const place = cut % (log.length + 1);
        const before = log.slice(0, place);
        const repeated = before.slice(before.length - (again % (before.length + 1)));
        const ledger = write(new Ledger(), [...before, ...repeated, ...log.slice(place)]);
        expect(stateOf(ledger, log)).toEqual(stateOf(write(new Ledger(), log), log));
      }),
    );
  });

  it('EXE-23: restored at any record, then written on, is the one that saw all, and needs no other intent', async () => {
    await fc.assert(
      fc.asyncProperty(aLog, fc.nat(), async ({ log }, cut) => {
        const place = cut % (log.length + 1);
        const ledger = await restored(log.slice(0, place), intentsOf(log));
        expect(stateOf(ledger, log.slice(0, place))).toEqual(
          stateOf(write(new Ledger(), log.slice(0, place)), log.slice(0, place)),
        );
        expect(stateOf(write(ledger, log.slice(place)), log)).toEqual(stateOf(write(new Ledger(), log), log));
      }),
    );
  });
});

const POSITION: PositionId = anIntent().position_id;

describe('the last partial close of a position', () => {
  const intent = anIntent();
  const end = (status: ExecutionReport['status'], traits: Partial<ExecutionReport> = {}, of = intent): Entry => ({
    report: reportOf(of, status, traits),
    intent: of,
  });

  it.each([
    ['is that of a fill', [end('FILLED', { remaining_quantity: 5 })], intent.observed_at],
    ['is that of an order with an unknown end', [end('UNKNOWN')], intent.observed_at],
    ['is none that was refused', [end('REJECTED')], null],
    ['is not one that closed the whole position', [end('FILLED', { action: 'CLOSE', remaining_quantity: 5 })], null],
    [
      'is gone with the position',
      [
        end('FILLED', { remaining_quantity: 5 }),
        end('SUPPRESSED', { remaining_quantity: 0 }, anIntent({ minute: 70 })),
      ],
      null,
    ],
    [
      'is the latest one',
      [end('FILLED', { remaining_quantity: 5 }), end('FILLED', { remaining_quantity: 4 }, anIntent({ minute: 70 }))],
      anIntent({ minute: 70 }).observed_at,
    ],
    [
      'has its time from a clock that may be ahead a little',
      [end('FILLED', { reported_at: intent.observed_at - AHEAD_MS })],
      intent.observed_at,
    ],
    [
      'has no time where the clock was wrong',
      [end('FILLED', { reported_at: intent.observed_at - AHEAD_MS - 1 })],
      null,
    ],
  ])('EXE-22: %s', (_, entries, observedAt) => {
    expect(write(new Ledger(), entries).lastPartialObservedAt(POSITION)).toBe(observedAt);
  });

  it('EXE-23: keeps no intent that neither it nor an order without an end needs', () => {
    const [earlier, later] = [intent, anIntent({ minute: 70 })];
    const ledger = write(new Ledger(), [
      end('SUBMITTED', {}, earlier),
      end('FILLED', { remaining_quantity: 5 }, earlier),
    ]);
    expect([...ledger.neededIntents()]).toEqual([earlier.intent_id]);
    write(ledger, [end('SUBMITTED', {}, later), end('UNKNOWN', {}, later)]);
    expect([...ledger.neededIntents()]).toEqual([later.intent_id]);
    expect(ledger.unresolved(POSITION)).toMatchObject([{ intent: later }]);
    write(ledger, [
      { trade: tradeOf(later) },
      end('FILLED', { remaining_quantity: 0 }, anIntent({ minute: 80, fraction: 1 })),
    ]);
    expect([...ledger.neededIntents()]).toEqual([]);
    // What no order needed yet was not kept for later either.
    const next = anIntent({ minute: 90 });
    ledger.remember(next);
    ledger.apply(reportOf(next, 'SUBMITTED'));
    expect(ledger.openOrders()).toMatchObject([{ intent: null }]);
    ledger.remember(next);
    expect(ledger.openOrders()).toMatchObject([{ intent: next }]);
  });
});

describe('the refusals of a position', () => {
  const reasons = (...ends: [ExecutionReport['status'], string][]): Ledger =>
    write(
      new Ledger(),
      ends.map(([status, reason], minute) => {
        const intent = anIntent({ minute });
        return { report: reportOf(intent, status, { reason, reported_at: 1000 + minute }), intent };
      }),
    );

  it.each([
    [
      'are counted, with the time of the latest',
      [
        ['REJECTED', 'VENUE_REJECTED'],
        ['REJECTED', 'PRECISION_REJECTED'],
      ],
      2,
      1001,
    ],
    [
      'are none that the venue would take the next time',
      [
        ['REJECTED', 'VENUE_BUSY'],
        ['REJECTED', 'NO_FILL'],
      ],
      0,
      0,
    ],
    [
      'outlast what was not sent',
      [
        ['REJECTED', 'VENUE_REJECTED'],
        ['SUPPRESSED', 'REFUSED_RECENTLY'],
      ],
      1,
      1000,
    ],
    [
      'outlast an order that the venue was too busy for',
      [
        ['REJECTED', 'VENUE_REJECTED'],
        ['REJECTED', 'VENUE_BUSY'],
      ],
      1,
      1000,
    ],
    [
      'end with an order that it took',
      [
        ['REJECTED', 'VENUE_REJECTED'],
        ['FILLED', 'FILLED'],
      ],
      0,
      0,
    ],
    [
      'end with an order that it may have taken',
      [
        ['REJECTED', 'VENUE_REJECTED'],
        ['UNKNOWN', 'NO_ANSWER'],
      ],
      0,
      0,
    ],
    [
      'begin anew after it',
      [
        ['REJECTED', 'VENUE_REJECTED'],
        ['FILLED', 'FILLED'],
        ['REJECTED', 'VENUE_REJECTED'],
      ],
      1,
      1002,
    ],
  ] satisfies [string, [ExecutionReport['status'], string][], number, number][])(
    'EXE-25: %s',
    (_, ends, count, latestAt) => {
      expect(reasons(...ends).refusals(POSITION)).toEqual(count === 0 ? null : { count, latestAt });
    },
  );
});

describe('an order of several', () => {
  const intent = anIntent();
  const submitted = (part: number): Entry => ({ intent, report: reportOf(intent, 'SUBMITTED', { part }) });

  it('EXE-26: only the latest is without an end, and the trades of the ones before are listed in their order until the intent ends', () => {
    const ledger = write(new Ledger(), [submitted(0), { trade: tradeOf(intent, 0) }, submitted(1), submitted(2)]);
    expect(ledger.submitted(intent.intent_id)?.part).toBe(2);
    write(ledger, [{ trade: tradeOf(intent, 2) }]);
    const [first, third] = [tradeOf(intent, 0), tradeOf(intent, 2)].map(({ trade_id }) => trade_id);
    expect(ledger.tradesOf(intent.intent_id).map(({ trade_id }) => trade_id)).toEqual([first, third]);
    write(ledger, [{ intent, report: reportOf(intent, 'FILLED', { part: 2 }) }]);
    expect(ledger.tradesOf(intent.intent_id)).toEqual([]);
    const fates = [0, 1, 2].map((part) =>
      ledger.fateOf({
        symbol: intent.symbol,
        client_order_id: clientOrderIdOf(intent.intent_id, part),
        order_id: 'unheard' as OrderId,
      }),
    );
    expect(fates).toEqual(['traded', 'unfilled', 'traded']);
  });
});

describe('EXE-24: an order that a fill names by the id of the venue', () => {
  const intent = anIntent();
  const clientOrderId = clientOrderIdOf(intent.intent_id);
  const names = { symbol: intent.symbol, client_order_id: null, order_id: venueIdOf(clientOrderId) };

  it.each([
    ['its report', [reportOf(intent, 'UNKNOWN', { order_id: names.order_id })], 'unresolved'],
    ['its trade', [reportOf(intent, 'SUBMITTED'), tradeOf(intent)], 'traded'],
    ['nothing', [reportOf(intent, 'UNKNOWN')], 'foreign'],
  ])('is ours where %s names it, too, in the same market', (_, records, fate) => {
    const ledger = new Ledger();
    for (const record of records) {
      if ('trade_id' in record) ledger.traded(record);
      else ledger.apply(record);
    }
    expect(ledger.fateOf(names)).toBe(fate);
    expect(ledger.fateOf({ ...names, symbol: 'ELSE' })).toBe('foreign');
  });
});

describe('EXE-24: trades that are none of an order of ours', () => {
  it('of fills by others are found by their trade id, and imported history is no fill of this execution', () => {
    const ledger = new Ledger();
    const external = externalTradeOf(anIntent(), null);
    const imported = tradeOf(anIntent(), 0, { intent_id: null, origin: 'BACKFILL' });
    ledger.traded(external);
    ledger.traded(imported);
    expect(ledger.hasExternal(external.trade_id)).toBe(true);
    expect(ledger.hasExternal(imported.trade_id)).toBe(false);
  });
});
