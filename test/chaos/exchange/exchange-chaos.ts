/**
 * `npm run chaos:exchange -- --intents 10000 --seed 1`: a desk, through ccxt's real client, at a local server of Binance's API with random
 * faults of every kind; then the audit of both, and of whether every healthy position was observed in every cycle. Of thirty symbols
 * (`--positions`) three (`--sick`) are sick at any time, in the ways of sick-symbols.ts. With `--kills 200` the program is killed that often
 * between any two steps. `--order ioc|sliced|post_only` sends orders in that style, into a book with depth. With `--json`, or into a pipe, the
 * summary is JSON. Exits 1 on a violation.
 */
import { parseArgs } from 'node:util';
import { plainTable } from '../../../render/tables.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { type ExchangeProgress, runExchange } from './exchange-run.ts';
import { runKills } from './kill-run.ts';
import { ALL_FAULTS } from './exchange-settings.ts';

const STYLES: readonly string[] = ['market', 'ioc', 'sliced', 'post_only'] satisfies OrderStyle[];

const { values } = parseArgs({
  options: {
    intents: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    kills: { type: 'string' },
    order: { type: 'string', default: 'market' },
    positions: { type: 'string', default: '30' },
    sick: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

/** How often progress is printed. Unit: milliseconds. */
const PRINT_EVERY_MS = 10_000;

const clock = new SystemClock();
const startedAt = clock.now();
const seconds = (): number => Math.round((clock.now() - startedAt) / 1000);
let printedAt = startedAt;

function onProgress(done: ExchangeProgress & { readonly kills?: number }): void {
  if (clock.now() - printedAt < PRINT_EVERY_MS) return;
  printedAt = clock.now();
  const { kills, intents, cycles, observed, healthy, violations } = done;
  const killed = kills === undefined ? '' : `${kills} kills, `;
  process.stderr.write(
    `${seconds()} s: ${killed}${intents} intents, ${cycles} cycles, ${observed} of ${healthy} healthy observed, ${violations} violations\n`,
  );
}

if (!isStyle(values.order)) throw new TypeError(`--order: ${STYLES.join(', ')}`);
const seed = Number(values.seed);
const options = {
  intents: Number(values.intents),
  seed,
  positions: Number(values.positions),
  sick: Number(values.sick),
  chances: ALL_FAULTS,
  order: values.order,
  onProgress,
};
const result =
  values.kills === undefined ? await runExchange(options) : await runKills({ ...options, kills: Number(values.kills) });
const summary = { seed, order: values.order, ...result, seconds: seconds() };
if (values.json || !process.stdout.isTTY) process.stdout.write(`${JSON.stringify(summary)}\n`);
else show(summary);
process.exitCode = result.violations.length === 0 ? 0 : 1;

function isStyle(given: string): given is OrderStyle {
  return STYLES.includes(given);
}

function show({ violations, ends, faults, sick, neverHit, ...figures }: typeof summary): void {
  const rows = [
    ...Object.entries(figures).map(([name, value]) => [name, String(value)]),
    ...Object.entries(ends).map(([name, count]) => [`end ${name}`, String(count)]),
    ...Object.entries(faults).map(([name, count]) => [`fault ${name}`, String(count)]),
    ...neverHit.map((name) => [`fault ${name}`, 'never hit']),
    ...Object.entries(sick).map(([name, count]) => [`sick: ${name}`, String(count)]),
    ['violations', String(violations.length)],
  ];
  process.stdout.write(`${plainTable([{ head: 'what' }, { head: 'count', align: 'right' }], rows).join('\n')}\n`);
  for (const violation of violations) process.stdout.write(`${violation}\n`);
}
