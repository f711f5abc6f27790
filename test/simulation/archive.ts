/** All that was ever written, also what retention has removed since: invariants look at the whole of it. */
import type { LogRecord } from '../../ports/event-log.ts';
import type { RawLog } from './invariants/evidence.ts';

export class Archive implements RawLog {
  readonly #log: RawLog;
  readonly #topics = new Map<string, LogRecord[][]>();

  constructor(log: RawLog) {
    this.#log = log;
  }

  keep(record: LogRecord): void {
    const { topic, partition } = record;
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    (partitions[partition] ??= []).push(record);
  }

  records(topic: string): readonly (readonly LogRecord[])[] {
    const kept = this.#topics.get(topic) ?? [];
    return this.#log.records(topic).map((_, partition) => kept[partition] ?? []);
  }

  committedOf(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#log.committedOf(group, topic);
  }
}
