import { existsSync } from 'node:fs';
import { EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import { logFile } from '../../connectors/embedded/database.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { clmProcessor } from '../../pipelines/clm/clm-processor.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { openKafka } from './log-session.ts';
import { type WorldOptions, chosenKafka } from '../options/log-options.ts';
import type { OutcomesMade } from '../../pipelines/clm/import-summary.ts';
import type { ImportTarget } from '../../pipelines/clm/import-trades.ts';

/** Nothing waits for a batch here: each is one sync to disk and one look at the gate. Unit: records. */
const BATCH_RECORDS = 10_000;

export interface ImportWorld {
  readonly target: ImportTarget;
  /** Has CLM work off what was imported. */
  workOff(onRecords: (count: number) => void): Promise<OutcomesMade>;
  close(): Promise<void>;
}

/** Opens the log that the options choose. The embedded one is made where it is missing, but not for a dry run. */
export async function openImportWorld(options: WorldOptions, dryRun: boolean): Promise<ImportWorld> {
  const connections = chosenKafka(options);
  const names = new DeskNames(options.desk);
  if (connections !== null) {
    const { log, registry } = openKafka(connections, SILENT_LOGGER, names);
    const close = () => log.close();
    try {
      const codec = await RecordCodec.open(registry);
      return { target: { log, codec }, workOff: () => Promise.resolve('by the clm processor'), close };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  }
  const clock = new SystemClock();
  if (dryRun && !existsSync(logFile(options.data)))
    return { target: null, workOff: () => Promise.resolve(0), close: () => Promise.resolve() };
  const opened = dryRun ? EmbeddedLog.openReadOnly(options.data, clock) : EmbeddedLog.open(options.data, clock);
  const log = new EmbeddedDeskLog(opened, names);
  if (!dryRun) {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
  }
  const codec = await RecordCodec.open(log.registry);
  return {
    target: { log, codec },
    workOff: (onRecords) => workOffClm(log, codec, onRecords),
    close: () => log.close(),
  };
}

async function workOffClm(
  log: EmbeddedDeskLog,
  codec: RecordCodec,
  onRecords: (count: number) => void,
): Promise<OutcomesMade> {
  const processor = clmProcessor({ writer: new TopicWriter('clm', codec), logger: SILENT_LOGGER });
  const { options, handler } = wireProcessor({
    processor,
    log,
    codec,
    clock: new SystemClock(),
    logger: SILENT_LOGGER,
  });
  const consumer = log.consumer({ ...options, maxBatchRecords: BATCH_RECORDS }, async (batch, append) => {
    onRecords(batch.records.length);
    return handler(batch, append);
  });
  try {
    if (!(await consumer.join())) return 'by the running dev';
    const before = processor.gate().final;
    await consumer.pump();
    return processor.gate().final - before;
  } finally {
    await consumer.stop();
  }
}
