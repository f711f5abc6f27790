import { beforeEach, describe, expect, it } from 'vitest';
import { PositionSource } from '../../../pipelines/snapshots/position-source.ts';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import type { Signals } from '../../../pipelines/snapshots/signals.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { Candle } from '../../../ports/market.ts';
import type { RestingOrder } from '../../../ports/exchange.ts';
import type {
  ClientOrderId,
  ModelSignal,
  OrderId,
  PositionReconciled,
  PositionSnapshot,
} from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { recordChecker } from '../../../schemas/check-record.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { aFill, aHolding, ScriptedVenue } from './a-venue.ts';

const START = 1_770_000_000_000;
const MINUTE_MS = 60_000;
const CYCLE_MS = 30_000;

const checkSnapshot = recordChecker(TOPICS.positionSnapshot);
const checkReconciled = recordChecker(TOPICS.positionReconciled);

let venue: ScriptedVenue;
let clock: VirtualClock;
let said: readonly ModelSignal[];

beforeEach(() => {
  venue = new ScriptedVenue();
  clock = new VirtualClock(START + 60 * MINUTE_MS);
  said = [];
  venue.allFills['BTCUSDT'] = [aFill('1', 'BUY', '4', { at: START })];
  venue.shown = [aHolding('LONG', '4', { updatedAt: START })];
});

const signals: Signals = {
  refresh: () => Promise.resolve(),
  latest: () => said.at(-1) ?? null,
  at: (_, symbol, openedAt) =>
    Promise.resolve(said.find((signal) => signal.symbol === symbol && signal.emitted_at <= openedAt) ?? null),
};

function source(): PositionSource {
  return new PositionSource({ venue, account: 'desk-1', clock, signals, symbols: null });
}

/** Observes, checks every record as it would be when written, and moves on to the next cycle. */
async function cycle(observed: PositionSource): Promise<ObservedCycle> {
  const seen = await observed.observe();
  for (const snapshot of seen.snapshots) expect(checkSnapshot(snapshot)).toEqual([]);
  for (const record of seen.reconciled) expect(checkReconciled(record)).toEqual([]);
  clock.set(clock.now() + CYCLE_MS);
  return seen;
}

function sold(quantity: string, left: string, traits: { orderId?: string; price?: string } = {}): void {
  const at = clock.now() - 1000;
  const fills = venue.allFills['BTCUSDT'] ?? [];
  venue.allFills['BTCUSDT'] = [...fills, aFill(String(fills.length + 1), 'SELL', quantity, { at, ...traits })];
  venue.shown = left === '0' ? [] : [aHolding('LONG', left, { updatedAt: at })];
}

const brief = ({ reconciled }: ObservedCycle) =>
  reconciled.flatMap(({ reductions, differences }) => [
    ...reductions.map((one) => `${one.quantity} by ${one.cause}, ${one.remaining_quantity} left`),
    ...differences.map(({ kind }) => kind),
  ]);

const ID = positionIdOf('desk-1', 'BTCUSDT', 'LONG', START);

/** A stop of the whole position. */
function aStop(price: string, placedAt: number | null): RestingOrder {
  const orderId = `stop-${price}` as OrderId;
  return { orderId, isConditional: true, kind: 'STOP', quantity: null, price, placedAt, wholePosition: true };
}

describe('the position source', () => {
  it('SNA-7: the fill that ended a position is told of, also where it is late and looks like one before it', async () => {
    const observed = source();
    await cycle(observed);
    sold('2', '2');
    expect(brief(await cycle(observed))).toEqual(['2 by ORDER, 2 left']);
    sold('2', '0');
    const late = venue.allFills['BTCUSDT'] ?? [];
    venue.allFills['BTCUSDT'] = late.slice(0, -1);
    // Counted back from nothing, the fill that is there seems to have ended it.
    expect(brief(await cycle(observed))).toEqual(['NOT_SHOWN']);
    venue.allFills['BTCUSDT'] = late;
    expect(brief(await cycle(observed))).toEqual(['2 by ORDER, 0 left']);
    expect(brief(await cycle(observed))).toEqual([]);
  });

  it('observes a position that the venue opened some milliseconds ahead of its measured clock', async () => {
    const opened = clock.now() + 35;
    venue.allFills['BTCUSDT'] = [aFill('1', 'BUY', '4', { at: opened })];
    venue.shown = [aHolding('LONG', '4', { updatedAt: opened })];
    expect((await cycle(source())).snapshots).toMatchObject([{ opened_at: opened, observed_at: opened }]);
  });

  it('SNA-5: names a position by the fill that opened it, and asks for fills only when it changed', async () => {
    const observed = source();
    const first = await cycle(observed);
    expect(first.snapshots).toMatchObject([
      { position_id: ID, opened_at: START, quantity: 4, initial_quantity: 4, entry_price: 100, mark_price: 107 },
    ]);
    expect(first.snapshots[0]).toMatchObject({ venue: 'scripted', source: 'ccxt', confidence: null, regime: null });
    venue.asked.length = 0;
    venue.shown = [aHolding('LONG', '4', { updatedAt: START, markPrice: '111' })];
    const second = await cycle(observed);
    expect(second.snapshots).toMatchObject([{ mark_price: 111, peak_price: 111, r_history: [3.5, 5.5] }]);
    expect(venue.asked.filter((question) => question.startsWith('fills'))).toEqual([]);
  });

  it('remembers peak, R and entry across a restart', async () => {
    const written: PositionSnapshot[] = [];
    const reconciled: PositionReconciled[] = [];
    const observed = source();
    for (const markPrice of ['112', '109']) {
      venue.shown = [aHolding('LONG', '4', { updatedAt: START, markPrice })];
      const seen = await cycle(observed);
      written.push(...seen.snapshots);
      reconciled.push(...seen.reconciled);
    }
    sold('1', '3');
    const restarted = source();
    restarted.restore(written, reconciled);
    const after = await cycle(restarted);
    expect(after.snapshots).toMatchObject([
      { position_id: ID, quantity: 3, initial_quantity: 4, peak_price: 112, r_history: [6, 4.5, 3.5] },
    ]);
    expect(brief(after)).toEqual(['1 by ORDER, 3 left']);
  });

  it('SNA-7: tells of every fill once, with what its order was', async () => {
    const observed = source();
    await cycle(observed);
    venue.origins = {
      stop: { clientOrderId: 'web_2' as ClientOrderId, cause: 'STOP' },
      dead: { clientOrderId: 'autoclose-1' as ClientOrderId, cause: 'LIQUIDATION' },
    };
    sold('1', '3', { orderId: 'stop' });
    const partly = await cycle(observed);
    expect(brief(partly)).toEqual(['1 by STOP, 3 left']);
    expect(brief(await cycle(observed))).toEqual([]);
    sold('3', '0', { orderId: 'dead', price: '80' });
    const gone = await cycle(observed);
    expect(gone.snapshots).toEqual([]);
    expect(gone.reconciled).toMatchObject([
      {
        account: 'desk-1',
        venue: 'scripted',
        reductions: [
          { position_id: ID, cause: 'LIQUIDATION', client_order_id: 'autoclose-1', price: 80, entry_price: 100 },
        ],
      },
    ]);
    venue.asked.length = 0;
    expect(await cycle(observed)).toMatchObject({ snapshots: [], reconciled: [] });
    expect(venue.asked).toEqual(['holdings']);
  });

  it('a restart tells of no fill again that was told of, and of all that happened meanwhile', async () => {
    const before = source();
    const first = await cycle(before);
    sold('1', '3');
    const second = await cycle(before);
    sold('1', '2');
    sold('2', '0');
    const at = clock.now();
    const fills = venue.allFills['BTCUSDT'] ?? [];
    venue.allFills['BTCUSDT'] = [...fills, aFill('9', 'SELL', '5', { at })];
    venue.shown = [aHolding('SHORT', '5', { updatedAt: at })];
    clock.set(at + CYCLE_MS);
    const restarted = source();
    restarted.restore([...first.snapshots, ...second.snapshots], [...first.reconciled, ...second.reconciled]);
    const after = await cycle(restarted);
    expect(brief(after)).toEqual(['1 by ORDER, 2 left', '2 by ORDER, 0 left']);
    expect(after.snapshots).toMatchObject([{ side: 'SHORT', opened_at: at, quantity: 5 }]);
    // Positions that ended are not taken up again.
    const again = source();
    again.restore(first.snapshots, [...second.reconciled, ...after.reconciled]);
    venue.shown = [];
    expect(await cycle(again)).toMatchObject({ snapshots: [], reconciled: [] });
  });

  it('SNA-6: an empty answer closes nothing, and says so until it is explained', async () => {
    const observed = source();
    await cycle(observed);
    const shown = venue.shown;
    venue.shown = [];
    const lost = await cycle(observed);
    expect(lost.snapshots).toEqual([]);
    expect(lost.reconciled).toMatchObject([
      {
        reductions: [],
        differences: [{ kind: 'NOT_SHOWN', position_id: ID, recorded_quantity: 4, venue_quantity: null }],
      },
    ]);
    expect((await cycle(observed)).reconciled).toEqual([]);
    venue.shown = shown;
    const back = await cycle(observed);
    expect(back.reconciled).toMatchObject([{ reductions: [], differences: [] }]);
    expect(back.snapshots).toMatchObject([{ position_id: ID, r_history: [3.5, 3.5] }]);
  });

  it('a failed question about positions fails the cycle, and closes nothing', async () => {
    const observed = source();
    await cycle(observed);
    venue.silent.add('holdings');
    await expect(observed.observe()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    venue.silent.clear();
    expect((await cycle(observed)).snapshots).toHaveLength(1);
  });

  it('SNA-5: a position whose opening is out of reach counts from its last change, is a difference, and is followed', async () => {
    // It was changed long ago, and no fill of it is left.
    venue.allFills['BTCUSDT'] = [];
    const changed = START - 300 * 24 * 60 * MINUTE_MS;
    venue.shown = [aHolding('LONG', '4', { updatedAt: changed })];
    said = [{ ...GOOD_RECORDS[TOPICS.modelSignal.name], symbol: 'BTCUSDT', side: 'LONG', emitted_at: changed }];
    const observed = source();
    const seen = await cycle(observed);
    const id = positionIdOf('desk-1', 'BTCUSDT', 'LONG', changed);
    expect(seen.snapshots).toMatchObject([
      { position_id: id, opened_at: changed, initial_quantity: 4, confidence_at_entry: null, regime_at_entry: null },
    ]);
    expect(seen.reconciled).toMatchObject([{ differences: [{ kind: 'OPENING_UNKNOWN', position_id: id }] }]);
    expect((await cycle(observed)).reconciled).toEqual([]);
    // Also after a restart its fills are told of, up to the last.
    sold('1', '3');
    const restarted = source();
    restarted.restore(seen.snapshots, seen.reconciled);
    const partly = await cycle(restarted);
    expect([brief(partly), partly.snapshots[0]?.quantity]).toEqual([['1 by ORDER, 3 left', 'OPENING_UNKNOWN'], 3]);
    sold('3', '0');
    expect(brief(await cycle(restarted))).toEqual(['3 by ORDER, 0 left']);
    expect(await cycle(restarted)).toMatchObject({ snapshots: [], reconciled: [] });
  });

  it('SNA-5: a position without an opening is held back while its fills disagree', async () => {
    venue.allFills['BTCUSDT'] = [];
    venue.shown = [aHolding('LONG', '4', { updatedAt: START })];
    const observed = source();
    await cycle(observed);
    venue.shown = [aHolding('LONG', '3', { updatedAt: clock.now() - 10 })];
    const lagging = await cycle(observed);
    expect([brief(lagging), lagging.snapshots]).toEqual([['FILLS_DISAGREE', 'OPENING_UNKNOWN'], []]);
    sold('1', '3');
    expect(brief(await cycle(observed))).toEqual(['1 by ORDER, 3 left', 'OPENING_UNKNOWN']);
  });

  it('SNA-5: the opening of a young position is waited for, once', async () => {
    const at = clock.now() - 2000;
    venue.allFills['BTCUSDT'] = [];
    venue.shown = [aHolding('LONG', '4', { updatedAt: at })];
    const observed = source();
    const early = await cycle(observed);
    expect(early.snapshots).toEqual([]);
    expect(early.reconciled).toMatchObject([{ differences: [{ kind: 'OPENING_UNKNOWN', position_id: null }] }]);
    venue.allFills['BTCUSDT'] = [aFill('1', 'BUY', '4', { at: at - 1 })];
    const told = await cycle(observed);
    expect(told.snapshots).toMatchObject([{ opened_at: at - 1 }]);
    expect(told.reconciled).toMatchObject([{ differences: [] }]);
  });

  it('SNA-5: fills that lag behind the position hold its snapshot back until they agree', async () => {
    const observed = source();
    await cycle(observed);
    venue.shown = [aHolding('LONG', '3', { updatedAt: clock.now() - 10 })];
    const lagging = await cycle(observed);
    expect([brief(lagging), lagging.snapshots.length]).toEqual([['FILLS_DISAGREE'], 0]);
    sold('1', '3');
    const agreed = await cycle(observed);
    expect([brief(agreed), agreed.snapshots.length]).toEqual([['1 by ORDER, 3 left'], 1]);
  });

  it('fills that came after the positions were asked for wait for the next cycle', async () => {
    const observed = source();
    await cycle(observed);
    const asked = clock.now();
    venue.allFills['BTCUSDT'] = [
      aFill('1', 'BUY', '4', { at: START }),
      aFill('2', 'SELL', '1', { at: asked - 2000 }),
      aFill('3', 'SELL', '1', { at: asked + 5 }),
    ];
    venue.shown = [aHolding('LONG', '3', { updatedAt: asked - 2000 })];
    const seen = await cycle(observed);
    expect([brief(seen), seen.snapshots[0]?.quantity]).toEqual([['1 by ORDER, 3 left'], 3]);
    venue.shown = [aHolding('LONG', '2', { updatedAt: asked + 5 })];
    expect(brief(await cycle(observed))).toEqual(['1 by ORDER, 2 left']);
  });

  it('SNA-8: a symbol without answers costs only itself, and what is missing is said', async () => {
    venue.allFills['ETHUSDT'] = [aFill('5', 'SELL', '2', { at: START })];
    venue.shown = [...venue.shown, aHolding('SHORT', '2', { symbol: 'ETHUSDT', updatedAt: START, markPrice: '95' })];
    venue.silent.add('fills ETHUSDT');
    venue.silent.add('candles BTCUSDT');
    const observed = source();
    const seen = await cycle(observed);
    expect(seen.snapshots).toMatchObject([{ symbol: 'BTCUSDT', volatility_gradient: null, regime: null }]);
    expect(seen.missing.map(({ symbol, what }) => `${symbol} ${what}`).toSorted()).toEqual([
      'BTCUSDT candles',
      'ETHUSDT fills',
    ]);
    expect(seen.reconciled).toMatchObject([{ symbol: 'ETHUSDT', differences: [{ kind: 'NO_ANSWER' }] }]);
    venue.silent.clear();
    const answered = await cycle(observed);
    expect(answered.snapshots.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(answered.reconciled).toMatchObject([{ symbol: 'ETHUSDT', differences: [] }]);
  });

  it('a venue that denies the order of a fill is asked three times before it is believed', async () => {
    const observed = source();
    await cycle(observed);
    venue.denied.add('lost');
    sold('1', '3', { orderId: 'lost' });
    expect(brief(await cycle(observed))).toEqual(['NO_ANSWER']);
    expect(brief(await cycle(observed))).toEqual([]);
    const told = await cycle(observed);
    expect(brief(told)).toEqual(['1 by ORDER, 3 left']);
    expect(told.reconciled[0]?.reductions[0]?.client_order_id).toBeNull();
  });

  it('a reopened position is a new one, and begins without the memory of the old', async () => {
    const observed = source();
    venue.shown = [aHolding('LONG', '4', { updatedAt: START, markPrice: '120' })];
    await cycle(observed);
    const at = clock.now() - 2000;
    venue.allFills['BTCUSDT'] = [
      aFill('1', 'BUY', '4', { at: START }),
      aFill('2', 'SELL', '4', { at: at - 5 }),
      aFill('3', 'BUY', '4', { at }),
    ];
    venue.shown = [aHolding('LONG', '4', { updatedAt: at })];
    const seen = await cycle(observed);
    expect(seen.snapshots).toMatchObject([
      { position_id: positionIdOf('desk-1', 'BTCUSDT', 'LONG', at), opened_at: at, peak_price: 107, r_history: [3.5] },
    ]);
    expect(brief(seen)).toEqual(['4 by ORDER, 0 left']);
  });

  it('takes confidence and regime at entry from what the models said then, and nothing from silence', async () => {
    const signal = { ...GOOD_RECORDS[TOPICS.modelSignal.name], symbol: 'BTCUSDT', side: 'LONG' } as const;
    said = [
      { ...signal, emitted_at: START - 1000, confidence: 0.8, regime: 'bull' },
      { ...signal, emitted_at: START + 1000, confidence: 0.55, regime: 'bear' },
    ];
    const observed = source();
    expect((await cycle(observed)).snapshots).toMatchObject([
      {
        confidence_at_entry: 0.8,
        regime_at_entry: 'bull',
        confidence: 0.55,
        regime: 'bear',
        model_id: signal.model_id,
      },
    ]);
    // SNA-12: what is said for the other side is not turned round. SNA-13: and in the models' words, not the candles'.
    said = [...said, { ...signal, side: 'SHORT', emitted_at: START + 2000, confidence: 0.9, regime: 'chop' }];
    expect((await cycle(observed)).snapshots).toMatchObject([{ confidence: null, regime: 'chop' }]);
    said = [];
    expect((await cycle(observed)).snapshots).toMatchObject([
      { confidence: null, regime: null, confidence_at_entry: 0.8 },
    ]);
  });

  it('reads gradient and regime from candles, fetched only when another has closed', async () => {
    const candle = (index: number): Candle => {
      const close = 100 + index;
      return {
        closedAt: START + index * 5 * MINUTE_MS,
        open: close - 1,
        high: close + 1,
        low: close - 2,
        close,
        volume: 1,
      };
    };
    const candles = Array.from({ length: 200 }, (_, index) => candle(index - 188));
    venue.closed = candles.slice(0, 189 + 11);
    clock.set(START + 11 * 5 * MINUTE_MS + 1000);
    venue.closed = candles;
    const observed = source();
    expect((await cycle(observed)).snapshots).toMatchObject([{ regime: 'TREND_UP', volatility_gradient: 0 }]);
    venue.asked.length = 0;
    await cycle(observed);
    expect(venue.asked.filter((question) => question.startsWith('candles'))).toEqual([]);
    // The venue goes silent: what was known ages, and is then unknown.
    venue.silent.add('candles');
    clock.set(clock.now() + 6 * MINUTE_MS);
    expect((await cycle(observed)).snapshots).toMatchObject([{ regime: 'TREND_UP' }]);
    clock.set(clock.now() + 6 * MINUTE_MS);
    expect((await cycle(observed)).snapshots).toMatchObject([{ regime: null, volatility_gradient: null }]);
  });

  it('SNA-14: takes a stop seen at the opening for the risk the position began with', async () => {
    clock.set(START + MINUTE_MS);
    venue.stopsOf = { stopPrice: '96', takeProfitPrice: '130', resting: [aStop('96', START + MINUTE_MS)] };
    const observed = source();
    expect((await cycle(observed)).snapshots).toMatchObject([
      { initial_stop_price: 96, stop_price: 96, take_profit_price: 130, r_history: [1.75] },
    ]);
    const trailed = aStop('104', START + 30 * MINUTE_MS);
    venue.stopsOf = { stopPrice: '104', takeProfitPrice: null, resting: [trailed] };
    expect((await cycle(observed)).snapshots).toMatchObject([{ initial_stop_price: 96, stop_price: 104 }]);
    clock.set(START + 60 * MINUTE_MS);
    expect((await cycle(source())).snapshots).toMatchObject([
      {
        initial_stop_price: null,
        stop_price: 104,
        resting: [
          {
            order_id: 'stop-104',
            kind: 'STOP',
            quantity: null,
            price: 104,
            placed_at: trailed.placedAt,
            whole_position: true,
          },
        ],
      },
    ]);
  });

  it('takes no stop for it that was placed before the opening, long after it, or nobody knows when', async () => {
    clock.set(START + MINUTE_MS);
    const others = [START - 1, START + 6 * MINUTE_MS, null].map((placedAt) => aStop('98', placedAt));
    venue.stopsOf = { stopPrice: '98', takeProfitPrice: null, resting: others };
    expect((await cycle(source())).snapshots).toMatchObject([{ initial_stop_price: null, stop_price: 98 }]);
    venue.stopsOf = { stopPrice: '98', takeProfitPrice: null, resting: [...others, aStop('95', START)] };
    expect((await cycle(source())).snapshots).toMatchObject([{ initial_stop_price: 95, stop_price: 98 }]);
  });

  it('names what rests: nothing where there is nothing, null where the venue does not say', async () => {
    clock.set(START + MINUTE_MS);
    expect((await cycle(source())).snapshots).toMatchObject([{ resting: [] }]);
    venue.silent.add('stops');
    expect((await cycle(source())).snapshots).toMatchObject([{ resting: null, stop_price: null }]);
  });
});

describe('SNA-8: a position that the venue shows in part', () => {
  const SICK = {
    symbol: 'SOLUSDT',
    side: 'SHORT',
    quantity: '11.9',
    entryPrice: '168.041',
    lacks: 'a mark price',
  } as const;

  it('is a difference of its own with what is known, once, and costs no other its snapshot', async () => {
    venue.incomplete = [SICK];
    const observed = source();
    const first = await cycle(observed);
    expect(first.snapshots.map(({ symbol }) => symbol)).toEqual(['BTCUSDT']);
    expect(first.reconciled).toMatchObject([
      {
        symbol: 'SOLUSDT',
        reductions: [],
        differences: [
          {
            kind: 'NO_ANSWER',
            venue_quantity: 11.9,
            detail: expect.stringContaining('SHORT of 11.9 entered at 168.041, without a mark price'),
          },
        ],
      },
    ]);
    const second = await cycle(observed);
    expect([second.snapshots.length, second.reconciled.length]).toEqual([1, 0]);
    expect(second.missing).toEqual([{ symbol: 'SOLUSDT', what: 'positions', why: 'a mark price' }]);
  });

  it('is not taken for closed, and goes on under its id when it is whole again', async () => {
    const observed = source();
    await cycle(observed);
    const whole = venue.shown;
    venue.shown = [];
    venue.incomplete = [{ ...SICK, symbol: 'BTCUSDT', side: 'LONG', quantity: '4' }];
    const sick = await cycle(observed);
    expect([sick.snapshots, brief(sick)]).toEqual([[], ['NO_ANSWER']]);
    venue.shown = whole;
    venue.incomplete = [];
    const well = await cycle(observed);
    expect(well.snapshots.map(({ position_id }) => position_id)).toEqual([ID]);
    expect(well.reconciled).toMatchObject([{ differences: [] }]);
  });
});

describe('SNA-9: fills are no precondition', () => {
  it('a size that no fill explains is observed from the second cycle on, under its id, and the difference stands', async () => {
    const observed = source();
    await cycle(observed);
    venue.shown = [aHolding('LONG', '8', { updatedAt: clock.now() - 10, markPrice: '120' })];
    await cycle(observed);
    for (let index = 0; index < 3; index++) {
      const seen = await cycle(observed);
      expect(seen.snapshots).toMatchObject([{ position_id: ID, quantity: 8, mark_price: 120 }]);
      expect(seen.reconciled, 'said once').toEqual([]);
    }
    // The fill turns up late.
    venue.allFills['BTCUSDT'] = [
      aFill('1', 'BUY', '4', { at: START }),
      aFill('2', 'BUY', '4', { at: clock.now() - 500 }),
    ];
    const explained = await cycle(observed);
    expect(explained.reconciled).toMatchObject([{ differences: [] }]);
    expect(explained.snapshots).toMatchObject([{ position_id: ID, quantity: 8 }]);
  });

  it('what reduced it meanwhile is told of as soon as the fills agree again', async () => {
    const observed = source();
    await cycle(observed);
    venue.shown = [aHolding('LONG', '3', { updatedAt: clock.now() - 10 })];
    await cycle(observed);
    await cycle(observed);
    sold('1', '3');
    expect(brief(await cycle(observed))).toEqual(['1 by ORDER, 3 left']);
  });

  it.each([
    ['its last change was its opening, which is known then', START],
    ['it was changed since, keeps its name, and has its opening', START + MINUTE_MS],
  ])('a symbol without fills is observed as OPENING_UNKNOWN after one cycle: %s', async (_, updatedAt) => {
    venue.silent.add('fills');
    venue.shown = [aHolding('LONG', '4', { updatedAt })];
    const observed = source();
    expect((await cycle(observed)).snapshots).toEqual([]);
    const second = await cycle(observed);
    const position_id = positionIdOf('desk-1', 'BTCUSDT', 'LONG', updatedAt);
    expect(second.snapshots).toMatchObject([{ position_id, quantity: 4 }]);
    expect(brief(second)).toEqual(['NO_ANSWER', 'OPENING_UNKNOWN']);
    expect((await cycle(observed)).snapshots).toHaveLength(1);
    venue.silent.clear();
    const told = await cycle(observed);
    expect(told.snapshots).toMatchObject([{ position_id, opened_at: START }]);
    expect(brief(told)).toEqual([]);
    // Each of its fills is told of once, whatever is known of its opening.
    sold('1', '3');
    expect(brief(await cycle(observed))).toEqual(['1 by ORDER, 3 left']);
    sold('3', '0');
    expect(brief(await cycle(observed))).toEqual(['3 by ORDER, 0 left']);
  });

  it.each([START, START + MINUTE_MS])(
    'all of its fills at once are told of once (last change at %i)',
    async (updatedAt) => {
      venue.silent.add('fills');
      venue.shown = [aHolding('LONG', '4', { updatedAt })];
      const observed = source();
      await cycle(observed);
      await cycle(observed);
      venue.silent.clear();
      sold('4', '0');
      expect(brief(await cycle(observed))).toEqual(['4 by ORDER, 0 left']);
    },
  );

  it('a known position goes on where the fills fail for good', async () => {
    const observed = source();
    await cycle(observed);
    venue.silent.add('fills');
    venue.shown = [aHolding('LONG', '3', { updatedAt: clock.now() })];
    await cycle(observed);
    for (let index = 0; index < 3; index++) {
      expect((await cycle(observed)).snapshots).toMatchObject([{ position_id: ID, quantity: 3 }]);
    }
  });

  it('one that was opened before the oldest fill that the venue tells of goes on under its id, also after a restart', async () => {
    const observed = source();
    const seen = await cycle(observed);
    venue.fillsKeptSince = START + 30 * MINUTE_MS;
    const restarted = source();
    restarted.restore(seen.snapshots, seen.reconciled);
    expect((await cycle(restarted)).snapshots).toMatchObject([{ position_id: ID, quantity: 4 }]);
    sold('1', '3');
    const reduced = await cycle(restarted);
    expect([brief(reduced), reduced.snapshots[0]?.position_id]).toEqual([['1 by ORDER, 3 left'], ID]);
    sold('3', '0');
    expect(brief(await cycle(restarted))).toEqual(['3 by ORDER, 0 left']);
  });
});
