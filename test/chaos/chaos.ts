/**
 * `npm run chaos`: the chain as processes on a Kafka of its own, while they are killed, join and leave, and what they
 * depend on goes away; then an audit of everything they left behind. Needs Java 17.
 *
 * Progress goes to standard error, the figures to standard output. Exit codes: 0 all held, 1 something did not, 2 wrong usage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { plainTable } from '../../render/tables.ts';
import { onShutdownSignal } from '../../connectors/system/process.ts';
import { ConfluentRegistry } from '../../connectors/kafka/confluent-registry.ts';
import { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { auditRun } from './audit-run.ts';
import { type ChaosOptions, runChaos } from './chaos-run.ts';
import { type ChaosServers, startOwnBroker, type OwnCluster, startOwnCluster } from './chaos-servers.ts';

/** How many violations are printed. */
const SHOWN_VIOLATIONS = 50;

interface Outcome {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

interface Flags {
  readonly records?: number;
  readonly brokers: number;
  readonly kills?: number;
  readonly brokerKill?: true;
  readonly registryOutage?: number;
  readonly seed: number;
  readonly json?: true;
}

const clock = new SystemClock();
// So that an interrupted run, too, leaves no process and no folder.
const stop = onShutdownSignal(clock);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { records, brokers, kills, brokerKill, registryOutage, seed, json } = new Command('npm run chaos --')
  .description('Kill the chain again and again while it works, and audit what it leaves behind.')
  .option('--records <n>', 'snapshots to produce; 200,000, or 30,000 beside restarts of brokers', wholeNumber)
  .option(
    '--brokers <n>',
    'more than 1: a cluster, of which one broker after the other is restarted by SIGTERM and kill -9 while a foreign producer writes',
    wholeNumber,
    1,
  )
  .option('--kills <n>', 'how often a process is killed with -9; 10, or 0 beside restarts of brokers', wholeNumber)
  .option('--broker-kill', 'kill -9 the broker in the middle, and start it again')
  .option(
    '--registry-outage <seconds>',
    'kill -9 the registry in the middle, and start it again after so long',
    wholeNumber,
  )
  .option('--seed <n>', 'of the snapshots, the moments and the victims', wholeNumber, 1)
  .option('--json', 'figures as one JSON object')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Flags>();

const { violations, figures } = await inOwnWorld({
  records: records ?? (brokers > 1 ? 30_000 : 200_000),
  kills: kills ?? (brokers > 1 ? 0 : 10),
  brokerKill: brokerKill === true,
  registryOutageMs: registryOutage === undefined ? null : registryOutage * 1000,
  seed,
});
if (json === true) process.stdout.write(`${JSON.stringify({ violations, figures })}\n`);
else show(figures);
for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) say(`violated: ${violation}`);
say(violations.length === 0 ? 'everything held' : `${violations.length} violations`);
process.exitCode = violations.length === 0 ? 0 : 1;

async function inOwnWorld(options: ChaosOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'harvestline-chaos-run-'));
  let broker: ChaosServers | OwnCluster | undefined;
  let log: KafkaLog | undefined;
  try {
    broker = brokers > 1 ? await startOwnCluster(brokers, clock, say) : await startOwnBroker(clock, say);
    const cluster = 'cluster' in broker ? broker.cluster : null;
    log = KafkaLog.open({ brokers: broker.brokers.split(','), clock, logger: SILENT_LOGGER });
    const registry = new ConfluentRegistry({ url: broker.registryUrl });
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    const codec = await RecordCodec.open(registry);
    const run = await runChaos({ log, codec, broker, cluster, folder, clock, say, interrupt: stop.signal }, options);
    say('auditing');
    const { observations } = run;
    const audit = await auditRun(
      { log, codec },
      { folder: join(folder, 'data'), records: options.records, observations, brokers, clock },
    );
    return {
      violations: [...run.violations, ...audit.violations],
      figures: { ...run.figures, ...audit.figures },
    };
  } finally {
    await log?.close();
    await broker?.discard();
    rmSync(folder, { recursive: true, force: true });
    stop.release();
  }
}

function show(counted: Readonly<Record<string, number>>): void {
  const rows = Object.entries(counted).map(([name, value]) => [name, value.toLocaleString('en')]);
  process.stdout.write(`${plainTable([{ head: 'what' }, { head: 'count', align: 'right' }], rows).join('\n')}\n`);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 0 or more.');
  return Number(text);
}
