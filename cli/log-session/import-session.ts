import { existsSync } from 'node:fs';
import { EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import { logFile } from '../../connectors/embedded/database.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { clmProcessor } from '../../pipelines/clm/clm-processor.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { openLog } from './log-session.ts';
import { type LogOptions, chosenKafka } from '../options/log-options.ts';
import type { OutcomesMade } from '../../pipelines/clm/import-summary.ts';
import type { ImportTarget } from '../../pipelines/clm/import-trades.ts';

/** Large: nothing waits for a batch here, and each costs a sync to disk and an evaluation of the gate. Unit: records. */
const BATCH_RECORDS = 10_000;

/** A session that trades are imported into. */
interface ImportSession {
  readonly target: ImportTarget;
  /** Lets CLM process the imported trades. */
  workOff(onRecords: (count: number) => void): Promise<OutcomesMade>;
  close(): Promise<void>;
}

/** Opens the log that the options choose. The embedded one is made where it is missing, but not for a dry run. */
export async function openImportSession(options: LogOptions, dryRun: boolean): Promise<ImportSession> {
  if (dryRun && chosenKafka(options) === null && !existsSync(logFile(options.data)))
    return { target: null, workOff: () => Promise.resolve(0), close: () => Promise.resolve() };
  const session = openLog(options, dryRun ? 'read' : 'write');
  const { log, registry, close } = session;
  try {
    const embedded = log instanceof EmbeddedDeskLog ? log : null;
    if (embedded !== null && !dryRun) {
      await log.createTopics(allTopicSpecs());
      await registerSchemas(registry);
    }
    const codec = await session.openCodec();
    const workOff: ImportSession['workOff'] = (onRecords) =>
      embedded === null ? Promise.resolve('by the clm processor') : workOffClm(embedded, codec, onRecords);
    return { target: { log, codec }, workOff, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
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
