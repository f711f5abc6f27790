/**
 * `npm run chaos:exchange -- --intents 10000 --seed 1`: execution and reconciliation through ccxt's real client on a local server of
 * Binance's API that misbehaves in every way it knows, at random, and the audit of what both say. Of thirty symbols (`--positions`) three
 * (`--sick`) are sick at any time, each in a way of sick-symbols.ts, and every other one must be observed. `--kills 200` instead kills
 * the program between any two steps so many times. `--order ioc|sliced|post_only` sends orders that way, into a book with depth. Exits 1 on a violation.
 */
import { parseArgs } from 'node:util';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { runExchange } from './exchange-run.ts';
import { runKills } from './kill-run.ts';
import { ALL_FAULTS } from './random-faults.ts';

const { values } = parseArgs({
  options: {
    intents: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    kills: { type: 'string' },
    order: { type: 'string', default: 'market' },
    positions: { type: 'string', default: '30' },
    sick: { type: 'string', default: '3' },
  },
});

/** How often progress is said. Unit: intents. */
const SAY_EVERY = 500;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const seed = Number(values.seed);
const order = values.order as OrderStyle;
const result =
  values.kills === undefined
    ? await runExchange({
        intents: Number(values.intents),
        seed,
        positions: Number(values.positions),
        sick: Number(values.sick),
        chances: ALL_FAULTS,
        order,
        logger: SILENT_LOGGER,
        onProgress: (done) => {
          if (done % SAY_EVERY === 0) say(`${done} intents`);
        },
      })
    : await runKills({
        kills: Number(values.kills),
        seed,
        order,
        positions: Number(values.positions),
        sick: Number(values.sick),
        say,
      });
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exitCode = result.violations.length === 0 ? 0 : 1;
