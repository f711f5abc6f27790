import { describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Exchange, OrderRequest, Placement } from '../../../ports/exchange.ts';
import type { EncodedRecord } from '../../../schemas/topic-writer.ts';
import { anIntent } from '../../fixtures/an-intent.ts';
import { DeskOfTests } from './desk-of-tests.ts';
import { type ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

/** A venue that answers an order when `answers` says. */
function answering(venue: ScriptedExchange, answers: (request: OrderRequest) => Promise<Placement>): Exchange {
  return {
    venue: venue.venue,
    rules: () => venue.rules(),
    position: () => venue.position(),
    markPrice: (reference) => venue.markPrice(reference),
    lookUp: () => venue.lookUp(),
    cancel: () => venue.cancel(),
    charges: () => venue.charges(),
    resting: () => venue.resting(),
    cancelResting: (symbol, order) => venue.cancelResting(symbol, order),
    place: answers,
  };
}

const filled = (clientOrderId: OrderRequest['clientOrderId']): Placement => ({
  kind: 'accepted',
  order: venueOrder({ clientOrderId }),
});

const ended = (desk: DeskOfTests): string[] =>
  desk.log.reports.filter(({ status }) => status !== 'SUBMITTED').map(({ symbol }) => symbol);

describe('intents of one partition', () => {
  it('EXE-8: an order that the venue is slow with holds up no order of another symbol', async () => {
    const desk = await DeskOfTests.open();
    const otherEnded = Promise.withResolvers<void>();
    const exchange = answering(desk.exchange, async ({ clientOrderId, position }) => {
      if (position.symbol === 'SLOWUSDT') await otherEnded.promise;
      return filled(clientOrderId);
    });
    const onReport = ({ symbol, status }: { symbol: string; status: string }): void => {
      if (symbol === 'QUICKUSDT' && status === 'FILLED') otherEnded.resolve();
    };
    const execution = await desk.execution({ exchange, onReport });
    await desk.work(execution, anIntent({ symbol: 'SLOWUSDT' }), anIntent({ symbol: 'QUICKUSDT' }));
    expect(ended(desk)).toEqual(['QUICKUSDT', 'SLOWUSDT']);
  });

  it('EXE-8: those of one symbol are worked in their order, each when the one before has its end on the log', async () => {
    const desk = await DeskOfTests.open();
    const seen: string[][] = [];
    const exchange = answering(desk.exchange, async ({ clientOrderId }) => {
      seen.push(ended(desk));
      return filled(clientOrderId);
    });
    const execution = await desk.execution({ exchange, limits: { cooldownMs: 0 } });
    await desk.work(
      execution,
      anIntent({ symbol: 'AUSDT', minute: 59 }),
      anIntent({ symbol: 'BUSDT' }),
      anIntent({ symbol: 'AUSDT', fraction: 1 }),
    );
    expect(seen.length).toBe(3);
    expect(seen.at(-1)).toContain('AUSDT');
  });

  it('EXE-8: no more are worked at once than the limit says, whatever waits', async () => {
    const desk = await DeskOfTests.open();
    let working = 0;
    let most = 0;
    const exchange = answering(desk.exchange, async ({ clientOrderId }) => {
      working += 1;
      most = Math.max(most, working);
      // Turns enough for all others that may begin.
      for (let turn = 0; turn < 100; turn++) await Promise.resolve();
      working -= 1;
      return filled(clientOrderId);
    });
    const execution = await desk.execution({ exchange, limits: { maxAtOnce: 3 } });
    await desk.work(execution, ...Array.from({ length: 10 }, (_, index) => anIntent({ symbol: `S${index}USDT` })));
    expect(most).toBe(3);
    expect(ended(desk).length).toBe(10);
  });

  it('EXE-9: once a write has failed, nothing more is begun, and what was begun is finished before the error is thrown', async () => {
    const desk = await DeskOfTests.open();
    const refused = Promise.withResolvers<void>();
    const placed: string[] = [];
    const exchange = answering(desk.exchange, async ({ clientOrderId, position }) => {
      placed.push(position.symbol);
      await refused.promise;
      return filled(clientOrderId);
    });
    const execution = await desk.execution({ exchange, limits: { cooldownMs: 0 } });
    const away = new HarvestlineError('LOG_BUSY', 'away for a moment');
    const write = async (records: readonly EncodedRecord[]): Promise<void> => {
      if (records.some(({ key }) => String(key).endsWith('BROKENUSDT'))) {
        refused.resolve();
        throw away;
      }
      await desk.log.append(records);
    };
    const intents = ['GOODUSDT', 'BROKENUSDT', 'GOODUSDT'].map((symbol, index) =>
      desk.log.addIntent(anIntent({ symbol, minute: 58 + index })),
    );
    await expect(execution.process(intents, write)).rejects.toBe(away);
    expect(placed).toEqual(['GOODUSDT']);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED']);
    // The same batch again, as the runtime has it: the ledger is read back, and nothing is sent twice.
    await execution.process(intents, desk.log.append);
    expect(placed).toEqual(['GOODUSDT', 'BROKENUSDT', 'GOODUSDT']);
  });

  it('an order without an end is looked for beside the others, and one that the venue does not answer for holds up none', async () => {
    const desk = await DeskOfTests.open();
    const intents = ['AUSDT', 'BUSDT'].map((symbol) => desk.log.addIntent(anIntent({ symbol })));
    const died = new Error('killed');
    const announced = (await desk.execution()).process(intents, async (records) => {
      await desk.log.append(records);
      throw died;
    });
    await expect(announced).rejects.toBe(died);
    desk.exchange.lookUps = [{ kind: 'found', order: venueOrder() }];
    const asked: string[] = [];
    const bothAsked = Promise.withResolvers<void>();
    const exchange: Exchange = {
      ...answering(desk.exchange, () => Promise.reject(new Error('nothing is sent'))),
      lookUp: async (_, symbol) => {
        asked.push(symbol);
        if (asked.length === 2) bothAsked.resolve();
        await bothAsked.promise;
        return desk.exchange.lookUp();
      },
    };
    await (await desk.execution({ exchange })).recover?.([0], desk.log.append);
    expect(asked.toSorted()).toEqual(['AUSDT', 'BUSDT']);
    expect(ended(desk).toSorted()).toEqual(['AUSDT', 'BUSDT']);
  });
});
