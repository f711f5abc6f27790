import { beforeEach, describe, expect, it } from 'vitest';
import { LivePaper, type RealMarket, PaperMirror } from '../../../../connectors/exchange/paper/live-paper.ts';
import { PaperExchange } from '../../../../connectors/exchange/paper/paper-exchange.ts';
import type { ObservedCycle } from '../../../../pipelines/snapshots/cycle.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { HarvestlineError } from '../../../../errors/harvestline-error.ts';
import { VirtualClock } from '../../../../ports/clock.ts';
import type { ClientOrderId, FillId, PositionSnapshot, Reduction } from '../../../../schemas/generated/records.ts';
import { TOPICS } from '../../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../../fixtures/good-records.ts';

const NOW = 1_770_003_600_000;
const RULES = { tick: '0.5', lotStep: '0.25', minQuantity: '0.25', maxQuantity: null, minNotional: '5' };
const [GOOD_REDUCTION] = GOOD_RECORDS[TOPICS.positionReconciled.name].reductions;

let paper: PaperExchange;

beforeEach(() => {
  paper = new PaperExchange({
    path: ':memory:',
    clock: new VirtualClock(NOW),
    random: new SeededRandom(1),
    faults: { lostReply: 0, timeoutBefore: 0, reject: 0, partialFill: 0, blackout: 0, slow: 0 },
  });
});

const snapshot = (quantity: number): PositionSnapshot => ({
  ...GOOD_RECORDS[TOPICS.positionSnapshot.name],
  venue: 'paper',
  quantity,
});

function cycle(snapshots: readonly PositionSnapshot[], reductions: readonly Partial<Reduction>[] = []): ObservedCycle {
  const reconciled = {
    ...GOOD_RECORDS[TOPICS.positionReconciled.name],
    reductions: reductions.map((traits) => ({ ...GOOD_REDUCTION, ...traits })),
  };
  return { now: NOW, snapshots, reconciled: reductions.length === 0 ? [] : [reconciled], missing: [] };
}

describe('the paper venue at real prices', () => {
  const market: RealMarket = {
    rules: (symbol) => Promise.resolve(symbol === 'NONE' ? null : RULES),
    markPrice: () => Promise.resolve('200'),
  };
  const order = (clientOrderId: string, quantity: string) => ({
    clientOrderId: clientOrderId as ClientOrderId,
    position: snapshot(4),
    quantity,
    pricing: { kind: 'market' } as const,
  });

  it("fills at the exchange's price of that moment and by its rules, whatever the intent saw", async () => {
    const live = new LivePaper(paper, market);
    expect(await live.rules(snapshot(4).symbol)).toEqual(RULES);
    expect(await live.rules('NONE')).toBeNull();
    await live.place(order('hl-1', '1.25'));
    const [placed] = paper.orders();
    expect(placed?.quantity).toBe('1.25');
    for (const fill of placed?.fills ?? []) {
      // Slippage is a few basis points, and prices are whole ticks.
      expect(Number(fill.price)).toBeGreaterThan(199);
      expect(Number(fill.price) % 0.5).toBe(0);
    }
    expect(await live.position(snapshot(4))).toEqual({ quantity: '2.75' });
    expect((await live.lookUp('hl-1' as ClientOrderId)).kind).toBe('found');
    expect(await live.place(order('hl-2', '0.3'))).toMatchObject({ kind: 'rejected', code: '-1111' });
  });

  it('places nothing where there is no price', async () => {
    const away = new HarvestlineError('EXCHANGE_AWAY', 'no route');
    const live = new LivePaper(paper, { ...market, markPrice: () => Promise.reject(away) });
    expect(await live.place(order('hl-1', '1'))).toMatchObject({
      kind: 'rejected',
      code: 'NO_PRICE',
      message: 'no route',
    });
    expect([...paper.orders()]).toEqual([]);
  });
});

describe('a real account in the paper book', () => {
  const fill = (id: string, quantity: number, left: number) => ({
    fill_id: id as FillId,
    quantity,
    remaining_quantity: left,
    price: 107,
  });

  it('PAP-1: keeps the size that a position was first seen with', async () => {
    const mirror = new PaperMirror(paper);
    expect((await mirror.mirror(cycle([snapshot(4)]))).snapshots).toMatchObject([{ quantity: 4 }]);
    expect((await mirror.mirror(cycle([snapshot(6)]))).snapshots).toMatchObject([{ quantity: 4 }]);
  });

  it('PAP-2: follows the shares that the account closes, each fill once', async () => {
    paper.defineMarket(snapshot(4).symbol, RULES);
    const mirror = new PaperMirror(paper);
    await mirror.mirror(cycle([snapshot(4)]));
    // A third of the real position: 1.33 of the paper one, in whole lots 1.25.
    const third = cycle([snapshot(4)], [fill('7', 2, 4)]);
    const seen = await mirror.mirror(third);
    expect(seen.reconciled[0]?.reductions).toMatchObject([
      { quantity: 1.25, remaining_quantity: 2.75, fee_quote: null },
    ]);
    expect(seen.snapshots).toMatchObject([{ quantity: 2.75 }]);
    const again = await new PaperMirror(paper).mirror(third);
    expect(again.reconciled[0]?.reductions).toMatchObject([{ quantity: 1.25, remaining_quantity: 2.75 }]);
    const rest = await mirror.mirror(cycle([], [fill('8', 4, 0)]));
    expect(rest.reconciled[0]?.reductions).toMatchObject([{ quantity: 2.75, remaining_quantity: 0 }]);
    const [position] = paper.positions();
    expect([position?.initialQuantity, position?.grownQuantity, position?.quantity]).toEqual(['4', '-4', '0']);
  });

  it('PAP-3: what is flat on paper is seen no more, and a fill of what the book never had is not', async () => {
    const mirror = new PaperMirror(paper);
    await mirror.mirror(cycle([snapshot(4)]));
    await paper.place({
      clientOrderId: 'hl-1' as ClientOrderId,
      position: snapshot(4),
      quantity: '4',
      pricing: { kind: 'market' },
    });
    const seen = await mirror.mirror(cycle([snapshot(4)], [fill('9', 4, 0)]));
    expect(seen.snapshots).toEqual([]);
    expect(seen.reconciled[0]?.reductions).toEqual([]);
    const other = await mirror.mirror(
      cycle([], [{ ...fill('10', 1, 0), position_id: 'other' as Reduction['position_id'] }]),
    );
    expect(other.reconciled[0]?.reductions).toEqual([]);
  });
});
