import { CalibrationVersions } from '../../pipelines/calibration/versions.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../read-topic.ts';

/** All that was proposed and decided so far. */
export async function readVersions(world: ReadableTopics): Promise<CalibrationVersions> {
  const versions = new CalibrationVersions();
  await visitTopic(world, TOPICS.confidenceCalibration.name, {}, (record) => versions.apply(record));
  return versions;
}
