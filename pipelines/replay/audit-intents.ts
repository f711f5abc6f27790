import { formatProblems, isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { Batch, LogRecord, PartitionOffsets, EventLog } from '../../ports/event-log.ts';
import type { CalibrationVersions } from '../scoring/confidence-map.ts';
import { type AuditedDifference, type Unverifiable, auditIntent, locatedDifferences } from './audit-intent.ts';
import { AuditedPolicies } from './audited-policies.ts';
import type { Policy } from '../scoring/policy.ts';
import type { Examined } from '../../schemas/record-codec.ts';
import { topicBeside } from '../../schemas/desk-names.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibration/decisions.ts';
import { readPolicyHistory } from '../scoring/policy-history.ts';
import { type ReadableTopics, decodedOrNull } from '../runtime/topic-cursor.ts';
import { type ReplayWindow, fixWindow } from './replay-window.ts';

/** More would not be read; all are counted. */
const LISTED = 10_000;
const UNVERIFIABLE_LISTED = 100;

const INTENTS = TOPICS.harvestIntent.name;
const SNAPSHOTS = TOPICS.positionSnapshot.name;

export interface AuditOptions {
  readonly window: ReplayWindow;
  /** By id; for what policy.applied does not tell. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly onTotal?: (intents: number) => void;
  readonly onIntents?: (intents: number) => void;
}

/** An intent that could not be recomputed. */
interface UnverifiableIntent {
  readonly reason: Unverifiable;
  /** The name of what is not known, or the input's coordinates. */
  readonly what: string;
  readonly partition: number;
  readonly offset: number;
}

/** What an audit found, as `replay --audit --json` prints it. */
export interface AuditResult {
  /** Intents that were recomputed. */
  readonly audited: number;
  /** Of those, with any difference. */
  readonly differing: number;
  readonly differences: readonly AuditedDifference[];
  readonly unverifiable: {
    readonly total: number;
    readonly reasons: Readonly<Partial<Record<Unverifiable, number>>>;
    /** The first of them. */
    readonly listed: readonly UnverifiableIntent[];
  };
  /** What is no difference of any intent, and still worth a look. */
  /** Records of policy.applied that cannot be read: what decided may be among them, so nothing is proved. */
  readonly policies_unreadable: number;
  readonly warnings: readonly string[];
  readonly ranges: readonly PartitionOffsets[];
}

/**
 * Recomputes recorded intents from their snapshots, and the policies and maps that were in force (audited-policies.ts). Intents of a
 * partition rest on snapshots of the partition of that number in ascending order, so both are walked together; whatever else an
 * intent names is jumped to. Constant memory, but for the differences listed.
 */
export async function auditIntents(world: ReadableTopics, options: AuditOptions): Promise<AuditResult> {
  const { log } = world;
  const ranges = await fixWindow(log, INTENTS, options.window);
  const versions = await readVersions(world);
  options.onTotal?.(ranges.reduce((sum, { begin, end }) => sum + end - begin, 0));
  const policies = new AuditedPolicies(await readPolicyHistory(world), options.policies);
  const cursor = await RecordCursor.open(log, SNAPSHOTS);
  const audit = new Audit(world, cursor, versions, policies);
  try {
    for (const { partition, begin, end } of ranges) {
      if (begin >= end) continue;
      for await (const batch of log.read(INTENTS, { from: new Map([[partition, begin]]), partitions: [partition] })) {
        await audit.batch(batch, end);
        options.onIntents?.(batch.records.length);
        if (batch.nextOffset >= end) break;
      }
    }
  } finally {
    await cursor.close();
  }
  return { ...audit.result(), ranges };
}

class Audit {
  readonly #world: ReadableTopics;
  readonly #cursor: RecordCursor;
  readonly #versions: CalibrationVersions;
  readonly #policies: AuditedPolicies;
  readonly #differences: AuditedDifference[] = [];
  readonly #reasons = new Map<Unverifiable, number>();
  readonly #unverifiable: UnverifiableIntent[] = [];
  #audited = 0;
  #differing = 0;
  /** Whose schemas were fetched last. */
  #prepared: Batch | undefined;

  constructor(world: ReadableTopics, cursor: RecordCursor, versions: CalibrationVersions, policies: AuditedPolicies) {
    this.#world = world;
    this.#cursor = cursor;
    this.#versions = versions;
    this.#policies = policies;
  }

  async batch(batch: Batch, end: number): Promise<void> {
    await this.#world.codec.prepare(INTENTS, batch.records);
    // Batch.topic is the table's name, whatever the desk's own is.
    const snapshots = topicBeside(batch.records[0]?.topic ?? INTENTS, SNAPSHOTS);
    for (const at of batch.records) {
      if (at.offset >= end) return;
      const examined = this.#examine(at);
      if (examined === null) continue;
      const { record: intent } = examined;
      const { topic, partition, offset } = intent.input;
      const input = `${topic}[${partition}]@${offset}`;
      if (topic !== snapshots) {
        this.#setAside('input_of_another_topic', input, at);
        continue;
      }
      const finding = this.#cursor.find(partition, offset);
      const found = finding instanceof Promise ? await finding : finding;
      if ('absent' in found) {
        this.#setAside(found.absent, input, at);
        continue;
      }
      if (found.batch !== this.#prepared) {
        await this.#world.codec.prepare(SNAPSHOTS, found.batch.records);
        this.#prepared = found.batch;
      }
      this.#recompute(examined, at, found.record, input);
    }
  }

  result(): Omit<AuditResult, 'ranges'> {
    return {
      audited: this.#audited,
      differing: this.#differing,
      differences: this.#differences,
      unverifiable: {
        total: [...this.#reasons.values()].reduce((sum, n) => sum + n, 0),
        reasons: Object.fromEntries(this.#reasons),
        listed: this.#unverifiable,
      },
      policies_unreadable: this.#policies.unreadable,
      warnings: this.#policies.warnings(),
    };
  }

  /** An intent that breaks a rule is compared like any other: that may be how it was altered. */
  #examine(at: LogRecord): Examined<typeof INTENTS> | null {
    try {
      return this.#world.codec.examine(INTENTS, at);
    } catch (error) {
      if (!isKind(error, 'poison')) throw error;
      this.#setAside('intent_undecodable', messageOf(error), at);
      return null;
    }
  }

  #recompute(
    { record: intent, problems }: Examined<typeof INTENTS>,
    at: LogRecord,
    record: LogRecord,
    input: string,
  ): void {
    const { policy, calibration_version: version, differences: named } = this.#policies.basisOf(intent, at);
    if (policy === null) {
      this.#setAside('unknown_policy', intent.policy, at);
      return;
    }
    const map = version === null ? null : (this.#versions.find(version)?.records[0].map ?? undefined);
    if (map === undefined) {
      this.#setAside('unknown_calibration_version', String(version), at);
      return;
    }
    const snapshot = decodedOrNull(this.#world.codec, SNAPSHOTS, record);
    if (snapshot === null) {
      this.#setAside('input_undecodable', input, at);
      return;
    }
    try {
      const differences = [...named, ...auditIntent(intent, snapshot, policy, map)];
      this.#audited += 1;
      // It is what its snapshot gives, and still breaks a rule: scoring of another version wrote it.
      if (differences.length === 0 && problems.length > 0)
        this.#setAside('intent_breaks_a_rule', formatProblems(problems), at);
      if (differences.length === 0) return;
      this.#differing += 1;
      if (this.#differences.length < LISTED) this.#differences.push(...locatedDifferences(intent, at, differences));
    } catch (error) {
      if (!isKind(error, 'poison')) throw error;
      this.#setAside('input_unscorable', input, at);
    }
  }

  #setAside(reason: Unverifiable, what: string, { partition, offset }: LogRecord): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#unverifiable.length < UNVERIFIABLE_LISTED) this.#unverifiable.push({ reason, what, partition, offset });
  }
}

/** Nearer records are reached by reading on; to those farther ahead it is cheaper to jump. Unit: offsets. */
const READ_ON = 20_000;

/** What is to be found at an offset: the record, or why there is none. */
export type Found =
  { readonly record: LogRecord; readonly batch: Batch } | { readonly absent: 'input_removed' | 'input_missing' };

/**
 * Finds records of one topic by their coordinates. Invariants:
 * RC1  Asked in ascending order it reads each partition once; a step back or a long one ahead jumps.
 * RC2  Memory is one batch a partition.
 */
class RecordCursor {
  readonly #log: EventLog;
  readonly #topic: string;
  readonly #partitions: ReadonlyMap<number, PartitionOffsets>;
  readonly #places = new Map<number, Place>();

  private constructor(log: EventLog, topic: string, offsets: readonly PartitionOffsets[]) {
    this.#log = log;
    this.#topic = topic;
    this.#partitions = new Map(offsets.map((part) => [part.partition, part]));
  }

  static async open(log: EventLog, topic: string): Promise<RecordCursor> {
    return new RecordCursor(log, topic, await log.offsets(topic));
  }

  /** A promise only where a batch must be read. */
  find(partition: number, offset: number): Found | Promise<Found> {
    const bounds = this.#partitions.get(partition);
    if (bounds === undefined || offset >= bounds.end) return { absent: 'input_missing' };
    if (offset < bounds.begin) return { absent: 'input_removed' };
    const batch = this.#places.get(partition)?.batch;
    if (batch !== undefined && offset >= firstOf(batch) && offset < batch.nextOffset) return within(batch, offset);
    return this.#seek(partition, offset);
  }

  async close(): Promise<void> {
    for (const { batches } of this.#places.values()) await batches.return?.();
    this.#places.clear();
  }

  async #seek(partition: number, offset: number): Promise<Found> {
    let place = this.#places.get(partition);
    const reached = place?.batch?.nextOffset ?? 0;
    if (place === undefined || offset < reached || offset - reached > READ_ON) {
      await place?.batches.return?.();
      const range = { from: new Map([[partition, offset]]), partitions: [partition] };
      place = { batches: this.#log.read(this.#topic, range)[Symbol.asyncIterator](), batch: undefined };
      this.#places.set(partition, place);
    }
    for (;;) {
      const next = await place.batches.next();
      if (next.done === true) {
        // Whatever comes next starts over.
        this.#places.delete(partition);
        return { absent: 'input_missing' };
      }
      place.batch = next.value;
      if (offset < next.value.nextOffset) return within(next.value, offset);
    }
  }
}

interface Place {
  readonly batches: AsyncIterator<Batch>;
  batch: Batch | undefined;
}

function firstOf({ records, nextOffset }: Batch): number {
  return records[0]?.offset ?? nextOffset;
}

/** Offsets may have gaps, so it is searched by halves. */
function within(batch: Batch, offset: number): Found {
  const { records } = batch;
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.offset ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  const record = records[low];
  return record === undefined || record.offset !== offset ? { absent: 'input_missing' } : { record, batch };
}
