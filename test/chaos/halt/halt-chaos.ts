/**
 * `npm run chaos:halt -- --tries 50 --seed 1`: `halt` with 0, 1 and 2 execution processes under load, on a Kafka of its own and the local
 * exchange, with the broker suspended for 20 s in some tries and the control topic recreated in others. Its answers are compared with the
 * exchange's log of orders. Needs Java 17. Exits 1 on a violation.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { startOwnBroker } from '../chaos-servers.ts';
import { EXCHANGE_KEYS, mixedTries, runHalts } from './halt-run.ts';

const { values } = parseArgs({
  options: { tries: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});

const clock = new SystemClock();
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'harvestline-halts-'));
Object.assign(process.env, EXCHANGE_KEYS);
const broker = await startOwnBroker(clock, say);
try {
  const tries = mixedTries(Number(values.tries));
  const run = await runHalts({ broker, folder, tries, seed: Number(values.seed), clock, say });
  process.stdout.write(`${JSON.stringify(run, null, 2)}\n`);
  process.exitCode = run.violations.length === 0 ? 0 : 1;
} finally {
  await broker.discard();
  rmSync(folder, { recursive: true, force: true });
}
