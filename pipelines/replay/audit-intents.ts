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

/** More would not be read. All are counted. Unit: differences. */
const LISTED = 10_000;

/** Unit: intents. */
const UNVERIFIABLE_LISTED = 100;

const INTENTS = TOPICS.harvestIntent.name;
const SNAPSHOTS = TOPICS.positionSnapshot.name;

interface AuditOptions {
  readonly window: ReplayWindow;
  /** By id: for intents that no record of policy.applied covers. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** Called once with the number of intents to read. */
  readonly onTotal?: (intents: number) => void;
  /** Called with the number of intents read since. */
  readonly onRecords?: (intents: number) => void;
}

/** An intent that could not be recomputed. */
interface UnverifiableIntent {
  readonly reason: Unverifiable;
  /** The name of what is unknown, or the coordinates of the input. */
  readonly what: string;
  readonly partition: number;
  readonly offset: number;
}

/** The result of an audit, as `replay --audit --json` prints it. */
export interface AuditResult {
  /** Intents recomputed. */
  readonly audited: number;
  /** Of those, intents with any difference. */
  readonly differing: number;
  readonly differences: readonly AuditedDifference[];
  readonly unverifiable: {
    readonly total: number;
    readonly reasons: Readonly<Partial<Record<Unverifiable, number>>>;
    /** The first of them. */
    readonly listed: readonly UnverifiableIntent[];
  };
  /** Records of policy.applied that cannot be read: the deciding policy may be among them, so the audit is inconclusive. */
  readonly policies_unreadable: number;
  /** Findings that are no difference of a single intent. */
  readonly warnings: readonly string[];
  readonly ranges: readonly PartitionOffsets[];
}

/**
 * Recomputes recorded intents from their snapshots and from the policies and maps that were in force (audited-policies.ts). Scoring
 * works a partition in order, so the intents of a partition and its snapshots are read side by side; any other snapshot is looked up by
 * its offset. Memory: constant, but for the differences listed.
 */
export async function auditIntents(world: ReadableTopics, options: AuditOptions): Promise<AuditResult> {
  const { log } = world;
  const ranges = await fixWindow(log, INTENTS, options.window);
  const versions = await readVersions(world);
  options.onTotal?.(ranges.reduce((sum, { begin, end }) => sum + end - begin, 0));
  const policies = new AuditedPolicies(await readPolicyHistory(world), options.policies);
  const snapshots = await RecordLookup.open(log, SNAPSHOTS);
  const audit = new Audit(world, snapshots, versions, policies);
  try {
    for (const { partition, begin, end } of ranges) {
      if (begin >= end) continue;
      for await (const batch of log.read(INTENTS, { from: new Map([[partition, begin]]), partitions: [partition] })) {
        await audit.batch(batch, end);
        options.onRecords?.(batch.records.length);
        if (batch.nextOffset >= end) break;
      }
    }
  } finally {
    await snapshots.close();
  }
  return { ...audit.result(), ranges };
}

class Audit {
  readonly #world: ReadableTopics;
  readonly #snapshots: RecordLookup;
  readonly #versions: CalibrationVersions;
  readonly #policies: AuditedPolicies;
  readonly #differences: AuditedDifference[] = [];
  readonly #reasons = new Map<Unverifiable, number>();
  readonly #unverifiable: UnverifiableIntent[] = [];
  #audited = 0;
  #differing = 0;
  /** The last snapshot batch whose schemas were fetched. */
  #prepared: Batch | undefined;

  constructor(
    world: ReadableTopics,
    snapshots: RecordLookup,
    versions: CalibrationVersions,
    policies: AuditedPolicies,
  ) {
    this.#world = world;
    this.#snapshots = snapshots;
    this.#versions = versions;
    this.#policies = policies;
  }

  async batch(batch: Batch, end: number): Promise<void> {
    await this.#world.codec.prepare(INTENTS, batch.records);
    // An intent names the topic of its desk, with the desk's prefix.
    const snapshotTopic = topicBeside(batch.records[0]?.topic ?? INTENTS, SNAPSHOTS);
    for (const at of batch.records) {
      if (at.offset >= end) return;
      const examined = this.#examine(at);
      if (examined === null) continue;
      const { record: intent } = examined;
      const { topic, partition, offset } = intent.input;
      const input = `${topic}[${partition}]@${offset}`;
      if (topic !== snapshotTopic) {
        this.#addUnverifiable('input_of_another_topic', input, at);
        continue;
      }
      const finding = this.#snapshots.find(partition, offset);
      const found = finding instanceof Promise ? await finding : finding;
      if ('absent' in found) {
        this.#addUnverifiable(found.absent, input, at);
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

  /** An intent that breaks a record rule is compared too: breaking it may be the alteration. */
  #examine(at: LogRecord): Examined<typeof INTENTS> | null {
    try {
      return this.#world.codec.examine(INTENTS, at);
    } catch (error) {
      if (!isKind(error, 'poison')) throw error;
      this.#addUnverifiable('intent_undecodable', messageOf(error), at);
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
      this.#addUnverifiable('unknown_policy', intent.policy, at);
      return;
    }
    const map = version === null ? null : (this.#versions.find(version)?.records[0].map ?? undefined);
    if (map === undefined) {
      this.#addUnverifiable('unknown_calibration_version', String(version), at);
      return;
    }
    const snapshot = decodedOrNull(this.#world.codec, SNAPSHOTS, record);
    if (snapshot === null) {
      this.#addUnverifiable('input_undecodable', input, at);
      return;
    }
    try {
      const differences = [...named, ...auditIntent(intent, snapshot, policy, map)];
      this.#audited += 1;
      // The same as its snapshot gives, yet it breaks a rule: another version of scoring wrote it.
      if (differences.length === 0 && problems.length > 0)
        this.#addUnverifiable('intent_breaks_a_rule', formatProblems(problems), at);
      if (differences.length === 0) return;
      this.#differing += 1;
      if (this.#differences.length < LISTED) this.#differences.push(...locatedDifferences(intent, at, differences));
    } catch (error) {
      if (!isKind(error, 'poison')) throw error;
      this.#addUnverifiable('input_unscorable', input, at);
    }
  }

  #addUnverifiable(reason: Unverifiable, what: string, { partition, offset }: LogRecord): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#unverifiable.length < UNVERIFIABLE_LISTED) this.#unverifiable.push({ reason, what, partition, offset });
  }
}

/** Up to so far ahead reading on is cheaper than starting to read anew. Unit: offsets. */
const READ_ON = 20_000;

/** The record at an offset, or why there is none. */
type Found =
  { readonly record: LogRecord; readonly batch: Batch } | { readonly absent: 'input_removed' | 'input_missing' };

/**
 * Finds records of one topic by partition and offset. Memory: one batch a partition.
 *
 * RPL-3  Asked for ascending offsets it reads each partition once; a step back, or a long one ahead, starts to read anew.
 */
class RecordLookup {
  readonly #log: EventLog;
  readonly #topic: string;
  readonly #partitions: ReadonlyMap<number, PartitionOffsets>;
  readonly #readers = new Map<number, PartitionReader>();

  private constructor(log: EventLog, topic: string, offsets: readonly PartitionOffsets[]) {
    this.#log = log;
    this.#topic = topic;
    this.#partitions = new Map(offsets.map((part) => [part.partition, part]));
  }

  static async open(log: EventLog, topic: string): Promise<RecordLookup> {
    return new RecordLookup(log, topic, await log.offsets(topic));
  }

  /** A promise only where a batch must be read. */
  find(partition: number, offset: number): Found | Promise<Found> {
    const bounds = this.#partitions.get(partition);
    if (bounds === undefined || offset >= bounds.end) return { absent: 'input_missing' };
    if (offset < bounds.begin) return { absent: 'input_removed' };
    const batch = this.#readers.get(partition)?.batch;
    if (batch !== undefined && offset >= firstOf(batch) && offset < batch.nextOffset) return within(batch, offset);
    return this.#seek(partition, offset);
  }

  async close(): Promise<void> {
    for (const { batches } of this.#readers.values()) await batches.return?.();
    this.#readers.clear();
  }

  async #seek(partition: number, offset: number): Promise<Found> {
    let reader = this.#readers.get(partition);
    const reached = reader?.batch?.nextOffset ?? 0;
    if (reader === undefined || offset < reached || offset - reached > READ_ON) {
      await reader?.batches.return?.();
      const range = { from: new Map([[partition, offset]]), partitions: [partition] };
      reader = { batches: this.#log.read(this.#topic, range)[Symbol.asyncIterator](), batch: undefined };
      this.#readers.set(partition, reader);
    }
    for (;;) {
      const next = await reader.batches.next();
      if (next.done === true) {
        this.#readers.delete(partition);
        return { absent: 'input_missing' };
      }
      reader.batch = next.value;
      if (offset < next.value.nextOffset) return within(next.value, offset);
    }
  }
}

interface PartitionReader {
  readonly batches: AsyncIterator<Batch>;
  batch: Batch | undefined;
}

function firstOf({ records, nextOffset }: Batch): number {
  return records[0]?.offset ?? nextOffset;
}

/** A binary search: offsets may have gaps. */
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
