import { readFileSync } from 'node:fs';
import type { AvroRecord } from './avro-schema.ts';

/**
 * The topic table: names, keys, subjects, partitions, cleanup and writers. Creation, wiring, ownership, documentation
 * and tests derive from it; no topic name is written anywhere else.
 */

/** Who may write a topic. Processors carry these names, and most of them as their consumer group; `calibration` is the calibrate commands, `desk` the commands halt, resume, desk and dlq discard, and each process on its own behalf. */
export type Writer = 'models' | 'snapshots' | 'scoring' | 'execution' | 'clm' | 'calibration' | 'desk' | 'watch';

type TopicKey =
  | 'account:symbol'
  | 'account'
  | 'position_id'
  | 'model_id'
  | 'process'
  | 'scope'
  | 'scope:name'
  | 'target:scope:name'
  | 'letter_id'
  | 'as received';

export interface TopicSpec {
  readonly name: string;
  readonly key: TopicKey;
  readonly partitions: number;
  readonly cleanup: 'delete' | 'compact';
  /** Unit: milliseconds; null keeps records forever. */
  readonly retentionMs: number | null;
}

interface RecordTopicSpec extends TopicSpec {
  readonly writer: Writer;
  readonly summary: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Enough to spread a desk of some hundred symbols over several processes; equal on all topics of the chain, so that they are co-partitioned. */
const PARTITIONS = 6;

/** Signals only matter to the next snapshots; a month allows for looking back at a bad week. */
const SHORT_RETENTION_MS = 30 * DAY_MS;

/** "Long": a quarter's decisions can be replayed against a candidate policy. */
const LONG_RETENTION_MS = 120 * DAY_MS;

export const TOPICS = {
  modelSignal: {
    name: 'model.signal',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: SHORT_RETENTION_MS,
    writer: 'models',
    summary: "An ensemble's confidence and regime for a symbol.",
  },
  positionSnapshot: {
    name: 'position.snapshot',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: LONG_RETENTION_MS,
    writer: 'snapshots',
    summary: 'Everything known about one open position at one moment.',
  },
  harvestIntent: {
    name: 'harvest.intent',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: LONG_RETENTION_MS,
    writer: 'scoring',
    summary: 'A command to close a position or a fraction of it, with every factor that led to it.',
  },
  executionReport: {
    name: 'execution.report',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: LONG_RETENTION_MS,
    writer: 'execution',
    summary: "What became of an intent; execution's write-ahead ledger.",
  },
  tradeClosed: {
    name: 'trade.closed',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: null,
    writer: 'execution',
    summary: 'One realised slice of a position.',
  },
  clmOutcome: {
    name: 'clm.outcome',
    key: 'position_id',
    partitions: PARTITIONS,
    cleanup: 'compact',
    retentionMs: null,
    writer: 'clm',
    summary: 'The truth about one position, accumulated over its slices.',
  },
  confidenceCalibration: {
    name: 'confidence.calibration',
    key: 'model_id',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: null,
    writer: 'calibration',
    summary: 'Versions of a confidence map: proposed by evidence, approved, rejected or rolled back by a person.',
  },
  positionReconciled: {
    name: 'position.reconciled',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: LONG_RETENTION_MS,
    writer: 'snapshots',
    summary: 'Fills that reduced a position at the venue, whoever ordered them, and where venue and record differ.',
  },
  deskControl: {
    name: 'desk.control',
    key: 'scope',
    partitions: PARTITIONS,
    cleanup: 'compact',
    retentionMs: null,
    writer: 'desk',
    summary:
      'The kill switch: halt and resume, commanded by a person. Each command is there twice, under its scope and under `kept:` and its scope, so that a tombstone takes none away.',
  },
  deskClaim: {
    name: 'desk.claim',
    key: 'account',
    // One partition: the order of claims counts across accounts, too.
    partitions: 1,
    // Not compacted: the first claim in the order of the log is in force, whatever came later.
    cleanup: 'delete',
    retentionMs: null,
    writer: 'desk',
    summary: 'Who works an account: at which venue, in which mode.',
  },
  deskProcess: {
    name: 'desk.process',
    key: 'process',
    partitions: PARTITIONS,
    cleanup: 'compact',
    retentionMs: null,
    writer: 'desk',
    summary: 'The processes that work accounts, and the commands of the kill switch that they obey.',
  },
  shadowDecision: {
    name: 'shadow.decision',
    key: 'account:symbol',
    partitions: PARTITIONS,
    cleanup: 'delete',
    retentionMs: LONG_RETENTION_MS,
    writer: 'scoring',
    summary: 'What a candidate policy would have done, beside what was done. Never executed.',
  },
  policyApplied: {
    name: 'policy.applied',
    key: 'scope',
    partitions: PARTITIONS,
    cleanup: 'delete',
    // A record is in force until the next one, whatever its age; one is written at each change.
    retentionMs: null,
    writer: 'scoring',
    summary: 'From which snapshot on which policy and which confidence maps decided: what a HOLD rests on.',
  },
  letterDiscarded: {
    name: 'letter.discarded',
    key: 'letter_id',
    partitions: PARTITIONS,
    cleanup: 'compact',
    retentionMs: null,
    writer: 'desk',
    summary: 'Dead letters that a person has given up, by whom and why.',
  },
  deskAlert: {
    name: 'desk.alert',
    key: 'scope:name',
    // One: whoever is assigned it is the one watch that works.
    partitions: 1,
    cleanup: 'compact',
    retentionMs: null,
    writer: 'watch',
    summary: 'What needs a person: alerts as they are raised and cleared.',
  },
  notifyDelivered: {
    name: 'notify.delivered',
    key: 'target:scope:name',
    // With desk.alert: one watch works both.
    partitions: 1,
    cleanup: 'compact',
    retentionMs: null,
    writer: 'watch',
    summary: 'Messages about alerts that a target has taken, so that none is sent again after a restart.',
  },
} as const satisfies Record<string, RecordTopicSpec>;

export type Topic = (typeof TOPICS)[keyof typeof TOPICS];
export type TopicName = Topic['name'];

const BY_NAME: ReadonlyMap<string, Topic> = new Map(Object.values(TOPICS).map((topic) => [topic.name, topic]));

/** The chain's topic of that name, or undefined. */
export function findTopic(name: string): Topic | undefined {
  return BY_NAME.get(name);
}

export function subjectOf(topic: Topic): string {
  return `${topic.name}-value`;
}

const DEAD_LETTER_SUFFIX = '.dlq';

/** Where records of `topic` go that its consumers cannot process. */
export function deadLetterTopicOf(topicName: string): string {
  return `${topicName}${DEAD_LETTER_SUFFIX}`;
}

export function isDeadLetterTopic(topicName: string): boolean {
  return topicName.endsWith(DEAD_LETTER_SUFFIX);
}

/** The topic whose records a dead-letter topic holds; null for another topic. */
export function sourceTopicOf(topicName: string): string | null {
  return isDeadLetterTopic(topicName) ? topicName.slice(0, -DEAD_LETTER_SUFFIX.length) : null;
}

/** How much larger a dead letter may be than a record of its source: the headers that are added have at most 20 KB. Unit: bytes. */
export const DEAD_LETTER_ROOM_BYTES = 64 * 1024;

/** Every topic to create: the table's, and a dead-letter topic for each. */
export function allTopicSpecs(): readonly TopicSpec[] {
  const deadLetters = Object.values(TOPICS).map((topic): TopicSpec => ({
    name: deadLetterTopicOf(topic.name),
    key: 'as received',
    partitions: topic.partitions,
    cleanup: 'delete',
    retentionMs: LONG_RETENTION_MS,
  }));
  return [...Object.values(TOPICS), ...deadLetters];
}

/** The schema of a topic's value, `schemas/<topic>.avsc`. Throws when the file is missing or not JSON: that is a broken checkout. */
export function loadSchema(topic: Topic): AvroRecord {
  return JSON.parse(readFileSync(new URL(`./${topic.name}.avsc`, import.meta.url), 'utf8')) as AvroRecord;
}

/** The schema as the text that is registered and looked up: some registries compare texts. */
export function schemaText(topic: Topic): string {
  return JSON.stringify(loadSchema(topic));
}
