import { CalibrationVersions } from '../scoring/versions.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/** All that was proposed and decided so far. */
export async function readVersions(world: ReadableTopics): Promise<CalibrationVersions> {
  const versions = new CalibrationVersions();
  await visitTopic(world, TOPICS.confidenceCalibration.name, {}, (record) => versions.apply(record));
  return versions;
}
