import { expect, it } from 'vitest';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { Side } from '../../schemas/generated/records.ts';
import { AnExchange, START } from './exchange/an-exchange.ts';
import { MARKETS } from './exchange/simulated-market.ts';
import { Openings } from './openings.ts';
import { HOUR_MS } from './plan.ts';

const HOURS = 6;
const LAST_LOOK_MS = 7 * 60_000;

/** Six hours of openings: each as `symbol side`, and the most sides of a symbol that were open at once. */
async function openedIn(isHedged: boolean) {
  const { kernel, account } = new AnExchange({ isHedged });
  const endsAt = START + HOURS * HOUR_MS;
  const random = new SeededRandom(7);
  const openings = new Openings({ kernel, account, markets: MARKETS, random, startsAt: START, endsAt });
  openings.look();
  let most = 0;
  while (kernel.now < endsAt) {
    await kernel.run(kernel.now + LAST_LOOK_MS);
    most = Math.max(most, ...[...account.books.values()].map((book) => book.open().length));
  }
  return { most, opened: account.ledger.handMade.filter(({ what }) => what === 'opened'), endsAt };
}

it('both sides of a symbol are open at once on a hedged account, and on no other', async () => {
  const [hedged, oneWay] = [await openedIn(true), await openedIn(false)];
  expect([hedged.most, oneWay.most]).toEqual([2, 1]);
});

it('the second side of a symbol shifts nothing for the first', async () => {
  const first = ({ opened }: Awaited<ReturnType<typeof openedIn>>): ReadonlyMap<string, Side> =>
    new Map(opened.filter(({ at }) => at === START).map(({ symbol, side }) => [symbol, side]));
  const [hedged, oneWay] = [await openedIn(true), await openedIn(false)];
  expect(first(hedged)).toEqual(first(oneWay));
  expect(first(oneWay).size).toBe(MARKETS.length);
});

it('nothing is opened near the end', async () => {
  const { opened, endsAt } = await openedIn(true);
  expect(Math.max(...opened.map(({ at }) => at))).toBeLessThanOrEqual(endsAt - HOUR_MS / 2);
});
