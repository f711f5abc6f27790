import * as fc from 'fast-check';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { rulesForPrice } from '../../../connectors/exchange/paper/market-rules.ts';
import { DEFAULT_TERMS, type OrderTerms } from '../../../pipelines/execution/order-plan.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { anIntent } from '../../fixtures/an-intent.ts';
import type { Interruption } from './interruptions.ts';
import type { Story } from './rough-world.ts';

/** Prices of four magnitudes, so that lot steps run from 0.00001 to 1. */
const MARKETS = [
  { symbol: 'AIOUSDT', side: 'LONG', price: 0.1863 },
  { symbol: 'FHEUSDT', side: 'SHORT', price: 3.37 },
  { symbol: 'BERAUSDT', side: 'LONG', price: 107 },
  { symbol: 'BTCUSDT', side: 'SHORT', price: 65_000.5 },
] as const;

const anInterruption: fc.Arbitrary<Interruption> = fc.record({
  when: fc.constantFrom('before', 'after'),
  how: fc.constantFrom('crash', 'transient'),
});

/** Some intents over a few positions, and how the venue, the log and the process fail them. */
export const aStory: fc.Arbitrary<Story> = fc
  .record({
    seed: fc.integer(),
    lots: fc.tuple(...MARKETS.map(() => fc.integer({ min: 1, max: 400 }))),
    /** Of a lot step: a foreign position need not be a whole number of lots. */
    excess: fc.constantFrom(0, 0, 0.37),
    moves: fc.array(
      fc.record({
        market: fc.nat({ max: MARKETS.length - 1 }),
        fraction: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(100)).map((percent) => percent / 100),
        pauseMinutes: fc.constantFrom(1, 20, 30, 45),
        lagMs: fc.constantFrom(0, 1000, 1000, 1000, 1000, 1000, 400_000),
        move: fc.double({ min: 0.9, max: 1.2, noNaN: true }),
        grownLots: fc.constantFrom(0, 0, 0, 13),
      }),
      { minLength: 1, maxLength: 14 },
    ),
    faults: fc.constantFrom(
      DEFAULT_FAULTS,
      { ...DEFAULT_FAULTS, lostReply: 0.5, timeoutBefore: 0.2, partialFill: 0.3 },
      { ...DEFAULT_FAULTS, reject: 0.3, partialFill: 0.6 },
      { ...DEFAULT_FAULTS, blackout: 0.3, slow: 0.3, lostReply: 0.2 },
    ),
    // A bound below the paper venue's usual slippage, so that orders fill in part and are followed by others.
    order: fc.constantFrom('market', 'ioc', 'sliced', 'post_only').map((style): OrderTerms => {
      return { ...DEFAULT_TERMS, style, maxSlippageBps: 2, slices: 3, postOnlyMs: 10_000 };
    }),
    backlog: fc.constantFrom(0, 0.2),
    interruptions: fc.array(fc.tuple(fc.nat({ max: 90 }), anInterruption), { maxLength: 12 }),
  })
  .map(({ seed, lots, excess, moves, faults, order, backlog, interruptions }) => {
    let minute = 60;
    const intents = moves.map(({ market, fraction, pauseMinutes, lagMs, move, grownLots }, index) => {
      minute += pauseMinutes;
      const { symbol, side, price } = MARKETS[market] ?? MARKETS[0];
      const step = new Exact(rulesForPrice(price).lotStep);
      const quantity = step.mul((lots[market] ?? 1) + excess).toNumber();
      const intent = anIntent({ symbol, side, fraction, quantity, entry: price, mark: price * move, minute });
      const growth = grownLots === 0 ? null : { id: `growth-${index}`, quantity: step.mul(grownLots).toFixed() };
      return { intent, lagMs, growth };
    });
    return { seed, faults, order, intents, backlog, interruptions: new Map(interruptions) };
  });
