/**
 * `npm run chaos:cluster`: appends to a Kafka of three brokers of its own while these are restarted one after the other, in order and by
 * kill -9; then compares the log with what was acknowledged. Needs Java 17.
 *
 * Progress goes to standard error, the figures to standard output. Exit codes: 0 all held, 1 something did not, 2 wrong usage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { onShutdownSignal } from '../../../connectors/system/process.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { JARS_CACHE, provideJars, findJava } from '../../../tools/kafka/java-tools.ts';
import { startTestCluster } from '../../tools/kafka/test-cluster.ts';
import { rejectAt } from '../chaos-servers.ts';
import { type AppendRun, type ClientName, runAppends } from './append-run.ts';

const BROKERS = 3;

const clock = new SystemClock();
// So that an interrupted run, too, leaves no process and no folder.
const stop = onShutdownSignal(clock);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { rounds, records, client } = new Command('npm run chaos:cluster --')
  .description(
    'Restart the brokers of a cluster while records are appended, and look for acknowledged ones that are missing.',
  )
  .option('--rounds <n>', 'how often each broker is restarted, in order and by kill -9', wholeNumber, 10)
  .option('--records <n>', 'records to append at least, half of them in each kind of restart', wholeNumber, 1)
  .addOption(
    new Option('--client <name>', 'kafkajs: its own producer, which loses some; to see that this would be found')
      .choices(['harvestline', 'kafkajs'])
      .default('harvestline'),
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ readonly rounds: number; readonly records: number; readonly client: ClientName }>();

const folder = mkdtempSync(join(tmpdir(), 'harvestline-cluster-'));
const tools = { folder, java: findJava(), jars: provideJars(JARS_CACHE, say), clock };
const runs: AppendRun[] = [];
const cluster = await startTestCluster(BROKERS, folder, tools);
try {
  for (const how of ['stop', 'kill'] as const) {
    const running = runAppends({ cluster, rounds, how, records: Math.ceil(records / 2), client, clock, say });
    const run = await Promise.race([running, rejectAt(stop.signal)]);
    process.stdout.write(`${JSON.stringify({ client, how, ...run })}\n`);
    runs.push(run);
  }
} finally {
  await cluster.discard();
  rmSync(folder, { recursive: true, force: true });
  stop.release();
}
const held = runs.every(({ missing, doubled, disordered }) => missing === 0 && doubled === 0 && disordered === 0);
say(held ? 'everything held' : 'acknowledged records are missing, there twice, or out of order');
process.exitCode = held ? 0 : 1;

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 1 or more.');
  return Number(text);
}
