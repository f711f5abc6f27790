/**
 * All that was ever written, also what retention or the deletion of a topic has removed since: invariants look at the whole of it.
 *
 * SIM-41  What nobody can be blamed for not having read is known: what a group had not acknowledged of a topic when that was deleted, and what came
 *         to the next topic of that name below the old one's end before a consumer could learn that there is another.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { RawLog } from './invariants/evidence.ts';

/** Longer than a consumer stands still, or the broker is away. Unit: milliseconds. */
const NOTICED_WITHIN_MS = 6 * 60_000;

/** Where a topic was when it was deleted. */
interface Recreation {
  readonly at: EpochMillis;
  /** By partition: how many of the kept records are of the topic that was deleted, and of those before it. */
  readonly kept: readonly number[];
  /** By partition: where the deleted topic ended. */
  readonly ends: readonly number[];
}

/** The log as it is. */
type KeptLog = Pick<RawLog, 'records' | 'committedOf'>;

export class Archive implements RawLog {
  readonly #log: KeptLog;
  readonly #groups: readonly string[];
  readonly #times = new Map<LogRecord, EpochMillis>();
  readonly #topics = new Map<string, LogRecord[][]>();
  readonly #recreations = new Map<string, Recreation>();
  /** By group: what it had not acknowledged of topics that were deleted. */
  readonly #unread = new Map<string, Set<LogRecord>>();
  readonly #unnoticed = new Set<LogRecord>();

  /** `groups`: those that work what they read. */
  constructor(log: KeptLog, groups: readonly string[]) {
    this.#log = log;
    this.#groups = groups;
  }

  keep(record: LogRecord, writtenAt: EpochMillis): void {
    const { topic, partition, offset } = record;
    this.#times.set(record, writtenAt);
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    (partitions[partition] ??= []).push(record);
    const recreation = this.#recreations.get(topic);
    if (recreation === undefined || writtenAt > recreation.at + NOTICED_WITHIN_MS) return;
    if (offset < (recreation.ends[partition] ?? 0)) this.#unnoticed.add(record);
  }

  /** To be called before the records are gone. */
  recreated(topic: string, at: EpochMillis): void {
    const current = this.current(topic);
    for (const group of this.#groups) {
      const committed = this.#log.committedOf(group, topic);
      const unread = this.#unread.get(group) ?? new Set();
      this.#unread.set(group, unread);
      for (const [partition, records] of current.entries()) {
        const next = committed.get(partition) ?? 0;
        for (const record of records) if (record.offset >= next) unread.add(record);
      }
    }
    this.#recreations.set(topic, {
      at,
      kept: this.records(topic).map(({ length }) => length),
      ends: current.map((records) => (records.at(-1)?.offset ?? -1) + 1),
    });
  }

  records(topic: string): readonly (readonly LogRecord[])[] {
    const kept = this.#topics.get(topic) ?? [];
    return this.#log.records(topic).map((_, partition) => kept[partition] ?? []);
  }

  current(topic: string): readonly (readonly LogRecord[])[] {
    const before = this.#recreations.get(topic)?.kept ?? [];
    return this.records(topic).map((records, partition) => records.slice(before[partition] ?? 0));
  }

  writtenAt(record: LogRecord): EpochMillis {
    const at = this.#times.get(record);
    if (at === undefined) throw new TypeError('a record that was never written');
    return at;
  }

  madeAnewAt(topic: string): EpochMillis | null {
    return this.#recreations.get(topic)?.at ?? null;
  }

  mayBeUnread(group: string, record: LogRecord): boolean {
    return this.#unnoticed.has(record) || this.#unread.get(group)?.has(record) === true;
  }

  committedOf(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#log.committedOf(group, topic);
  }
}
