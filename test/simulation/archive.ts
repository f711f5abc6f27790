/** All that was ever written, also what retention has removed since: invariants look at the whole of it. */
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { RawLog } from './invariants/evidence.ts';

/** The log as it is. */
type KeptLog = Pick<RawLog, 'records' | 'committedOf'>;

export class Archive implements RawLog {
  readonly #log: KeptLog;
  readonly #times = new Map<LogRecord, EpochMillis>();
  readonly #topics = new Map<string, LogRecord[][]>();

  constructor(log: KeptLog) {
    this.#log = log;
  }

  keep(record: LogRecord, writtenAt: EpochMillis): void {
    const { topic, partition } = record;
    this.#times.set(record, writtenAt);
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    (partitions[partition] ??= []).push(record);
  }

  records(topic: string): readonly (readonly LogRecord[])[] {
    const kept = this.#topics.get(topic) ?? [];
    return this.#log.records(topic).map((_, partition) => kept[partition] ?? []);
  }

  writtenAt(record: LogRecord): EpochMillis {
    const at = this.#times.get(record);
    if (at === undefined) throw new TypeError('a record that was never written');
    return at;
  }

  committedOf(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#log.committedOf(group, topic);
  }
}
