import { join } from 'node:path';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Access, openAdminWorld } from './admin-world.ts';
import type { WorldOptions } from '../options/world-options.ts';
import type { ReadableTopics } from '../../pipelines/runtime/read-topic.ts';

/** Opens the log that the options choose for as long as `work` takes. */
export async function withLog<T>(
  options: WorldOptions,
  access: Access,
  work: (world: ReadableTopics) => Promise<T>,
): Promise<T> {
  const { log, registry, close } = openAdminWorld(options, access);
  try {
    return await work({ log, codec: await RecordCodec.open(registry) });
  } finally {
    await close();
  }
}

/** Makes a proposal or a decision durable: one record, so that it is there whole or not at all (event-log.ts L1). */
export async function appendDecision({ log, codec }: ReadableTopics, record: ConfidenceCalibration): Promise<void> {
  const writer = new TopicWriter('calibration', codec);
  await log.append([writer.encode(TOPICS.confidenceCalibration, record, record.decided_at)]);
}

/** Where reports and exported rows live unless said otherwise. */
export function calibrationsFolder({ data }: Pick<WorldOptions, 'data'>): string {
  return join(data, 'calibrations');
}
