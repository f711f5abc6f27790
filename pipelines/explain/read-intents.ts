import type { LogRecord } from '../../ports/event-log.ts';
import type { EpochMillis, HarvestIntent } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitRange } from '../runtime/topic-cursor.ts';
import type { TopicReader } from './topic-reader.ts';

export interface FoundIntent {
  readonly intent: HarvestIntent;
  readonly at: LogRecord;
}

/** From `at` on intents of the model name `version`. */
export interface VersionChange {
  readonly at: EpochMillis;
  readonly model: string | null;
  readonly version: string | null;
}

/** From `at` on intents of a partition name `policy`. */
export interface PolicyChange {
  readonly at: EpochMillis;
  readonly policy: string;
}

export interface ReadIntents {
  /** All of the position, in the order of its partition. */
  readonly found: readonly FoundIntent[];
  /** The one that was asked for by its id. */
  readonly selected: FoundIntent | null;
  /** In time: which policy intents of any position name. */
  readonly policies: readonly PolicyChange[];
  /** In time: which map scored at which time. Approvals live by another clock than a simulated market. */
  readonly versions: readonly VersionChange[];
}

/**
 * The intents of a position, or of the position of one intent, in one pass. Only once an intent is found is its position known: of
 * the intents before it those since the position's first one are read again.
 */
export async function readIntents(topics: ReadableTopics, reader: TopicReader, id: string): Promise<ReadIntents> {
  const topic = TOPICS.harvestIntent.name;
  const found: FoundIntent[] = [];
  const versions: VersionChange[] = [];
  const current = new Map<string, string | null>();
  const selected: FoundIntent[] = [];
  /** Where each position's intents begin in the partition that is being read. */
  const begins = new Map<string, number>();
  let reading = -1;
  const policies: PolicyChange[] = [];
  const currentPolicy = new Map<number, string>();
  await reader.visit(topic, (intent, at) => {
    const { timestamp, partition } = at;
    if (currentPolicy.get(partition) !== intent.policy) {
      currentPolicy.set(partition, intent.policy);
      policies.push({ at: timestamp, policy: intent.policy });
    }
    const key = JSON.stringify([partition, intent.model_id]);
    if (current.get(key) !== intent.calibration_version) {
      current.set(key, intent.calibration_version);
      versions.push({ at: timestamp, model: intent.model_id, version: intent.calibration_version });
    }
    if (selected.length === 0) {
      if (partition !== reading) begins.clear();
      reading = partition;
      if (!begins.has(intent.position_id)) begins.set(intent.position_id, at.offset);
    }
    if (intent.intent_id === id && selected.length === 0) selected.push({ intent, at });
    const position = selected[0]?.intent.position_id ?? id;
    if (intent.position_id === position) found.push({ intent, at });
  });
  const [one = null] = selected;
  if (one !== null)
    found.unshift(...(await intentsBefore(topics, one, begins.get(one.intent.position_id) ?? one.at.offset)));
  return {
    found,
    selected: one,
    policies: policies.toSorted((a, b) => a.at - b.at),
    versions: versions.toSorted((a, b) => a.at - b.at),
  };
}

/** The policy that the nearest intents name: those before that time, else the first ones after it; null without any. */
export function policyAt(policies: readonly PolicyChange[], at: EpochMillis): string | null {
  return (policies.findLast((change) => change.at <= at) ?? policies[0])?.policy ?? null;
}

/** The version that scored a model at a time, as its intents tell; null: raw confidence, or nothing told of it. */
export function versionAt(versions: readonly VersionChange[], model: string | null, at: EpochMillis): string | null {
  return versions.findLast((change) => change.model === model && change.at <= at)?.version ?? null;
}

async function intentsBefore(
  topics: ReadableTopics,
  { intent, at }: FoundIntent,
  begin: number,
): Promise<readonly FoundIntent[]> {
  const found: FoundIntent[] = [];
  const range = { partition: at.partition, begin, end: at.offset };
  const keep = (other: HarvestIntent, place: LogRecord): void => {
    if (other.position_id === intent.position_id) found.push({ intent: other, at: place });
  };
  await visitRange(topics, TOPICS.harvestIntent.name, range, keep);
  return found;
}
