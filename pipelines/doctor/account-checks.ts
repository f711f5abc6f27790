/** The checks of an account at an exchange. */
import { plain } from '../../render/figures.ts';
import type { AccountProbe } from '../../ports/desk-probe.ts';
import { type Check, type Finding, fine, trouble } from './check.ts';
import { clockFinding } from './clock-finding.ts';

const NEW_KEY = "Make a key at the exchange without the right to withdraw, and put it in this one's place.";

/** `orders`: whether orders go to the account; else it is followed on paper, for which a key that may only read is enough. */
export function accountChecks(
  probe: AccountProbe,
  orders: boolean,
  symbols: readonly string[] | null,
): readonly Check[] {
  const { venue } = probe;
  // One measurement for both.
  let skew: Promise<number> | null = null;
  const skewMs = (): Promise<number> => (skew ??= probe.skewMs());
  const exchange: readonly Check[] = [
    {
      name: 'exchange',
      blocks: 'the exchange does not answer',
      examine: async () => {
        await skewMs();
        return fine(`${venue} answers`);
      },
    },
    {
      name: 'exchange clock',
      needs: ['exchange'],
      blocks: 'the clocks differ',
      examine: async () => clockFinding(await skewMs(), `${venue}'s`),
    },
  ];
  const named: Check = {
    name: 'symbols',
    needs: ['exchange'],
    blocks: 'symbols are unknown',
    examine: async () => {
      await probe.symbols();
      return fine(`${venue} has ${symbols?.join(', ')}`);
    },
  };
  const ofAll = symbols === null ? exchange : [...exchange, named];
  if (!probe.hasKeys) return ofAll;
  return [
    ...ofAll,
    {
      name: 'keys',
      needs: ['exchange'],
      blocks: 'the exchange does not take the keys',
      examine: async () => {
        await probe.tryKeys();
        return fine(orders ? 'accepted; orders are found by their client order ids' : 'accepted');
      },
    },
    {
      name: 'key rights',
      needs: ['keys'],
      blocks: 'the key has other rights',
      examine: () => rightsFinding(probe, orders),
    },
    {
      name: 'position mode',
      needs: ['keys'],
      blocks: 'the position mode is unknown',
      examine: async () => fine(await probe.positionMode()),
    },
    { name: 'margin', needs: ['keys'], blocks: 'the margin is unknown', examine: () => marginFinding(probe) },
  ];
}

/** A key that may withdraw is refused: whoever takes it from this machine takes the account. */
async function rightsFinding(probe: AccountProbe, orders: boolean): Promise<Finding> {
  if (probe.stake === 'demo') return fine('not asked: a practice account holds nothing to withdraw');
  const rights = await probe.keyRights();
  if (rights === null || rights.withdraw === null)
    return trouble(
      `not known: ${probe.venue} has no request for them`,
      `See on the page of your keys at ${probe.venue} that this one may not withdraw.`,
    );
  if (rights.withdraw) return trouble('the key may withdraw', NEW_KEY);
  if (orders && rights.trade === false)
    return trouble('the key may not trade futures', 'Give the key the right to trade futures, at the exchange.');
  const bound = rights.anyAddress === true ? '; works from every address' : '';
  return fine(`${rights.trade === true ? 'may trade' : 'may read'}, may not withdraw${bound}`);
}

async function marginFinding(probe: AccountProbe): Promise<Finding> {
  const held = (await probe.margin()).filter(({ total }) => total !== 0);
  const text = held.map(({ currency, total, free }) => `${plain(free)} of ${plain(total)} ${currency} free`).join(', ');
  if (held.length === 0)
    return trouble('the account holds no margin', 'See whether these are the keys of the account that is meant.');
  if (held.every(({ free }) => free <= 0))
    return trouble(text, 'Add margin, or close positions: with none free the exchange may close them.');
  return fine(text);
}
