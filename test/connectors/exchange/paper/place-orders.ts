/**
 * A child process of the integration test: places orders on a paper book until it is killed or has placed them all. Arguments: book file,
 * prefix of the client order ids, number of orders. Prints each acknowledged id.
 */
import { writeSync } from 'node:fs';
import { PaperExchange } from '../../../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import type { ClientOrderId } from '../../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';

const [path = '', prefix = '', count = '0'] = process.argv.slice(2);
const exchange = new PaperExchange({ path, clock: new SystemClock(), random: new SeededRandom(5) });

for (let index = 0; index < Number(count); index++) {
  const opened_at = 1_770_000_000_000 + (index % 3);
  const [account, symbol, side] = ['desk-1', 'AIOUSDT', 'LONG'] as const;
  const placement = await exchange.place({
    clientOrderId: `${prefix}-${index}` as ClientOrderId,
    position: {
      position_id: positionIdOf(account, symbol, side, opened_at),
      account,
      symbol,
      side,
      opened_at,
      observed_at: opened_at,
      quantity: 1_000_000,
      entry_price: 0.18,
      mark_price: 0.186,
    },
    quantity: '100',
    pricing: { kind: 'market' },
  });
  // Written synchronously, so that every id that the parent reads was acknowledged before the kill.
  writeSync(1, `${prefix}-${index} ${placement.kind === 'rejected' ? placement.code : placement.kind}\n`);
}
exchange.close();
