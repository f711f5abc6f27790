/**
 * `npm run chaos:desks -- --kills 10 --seed 1`: two desks with three execution processes on a Kafka of its own, killed and restarted at
 * random, while others that must be refused are started (desks-run.ts). Needs Java 17. Exits 1 on a violation.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { onShutdownSignal } from '../../../connectors/system/process.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { allTopicSpecs } from '../../../schemas/topics.ts';
import { type OwnBroker, startOwnBroker } from '../chaos-servers.ts';
import { runDesks } from './desks-run.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});

const clock = new SystemClock();
// An interrupted run must leave no process and no folder either.
const stop = onShutdownSignal(clock);
const begun = clock.now();
const say = (line: string): void =>
  void process.stderr.write(`${((clock.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'harvestline-desks-'));
let broker: OwnBroker | undefined;
let log: KafkaLog | undefined;
try {
  broker = await startOwnBroker(clock, say);
  log = KafkaLog.open({ brokers: [broker.brokers], clock, logger: SILENT_LOGGER });
  const registry = new ConfluentRegistry({ url: broker.registryUrl });
  await log.createTopics(allTopicSpecs());
  await registerSchemas(registry);
  const codec = await RecordCodec.open(registry);
  const { brokers, registryUrl } = broker;
  const world = { log, codec, brokers, registryUrl, folder, clock, say, interrupt: stop.signal };
  const result = await runDesks(world, { kills: Number(values.kills), seed: Number(values.seed) });
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
} finally {
  await log?.close();
  await broker?.discard();
  rmSync(folder, { recursive: true, force: true });
  stop.release();
}
