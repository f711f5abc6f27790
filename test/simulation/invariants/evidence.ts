/** What a run left behind, as the invariants look at it: the raw topics, and what the exchange and the people know. */
import type { AuditResult } from '../../../pipelines/replay/audit-intents.ts';
import { DEAD_LETTER_HEADERS } from '../../../pipelines/runtime/dead-letter.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { timesAhead } from '../../../schemas/time-bound.ts';
import { type TopicName, deadLetterTopicOf } from '../../../schemas/topics.ts';
import type { AccountLedger } from '../exchange/account-ledger.ts';
import type { Fault } from '../faults.ts';
import type { TakenMessage } from '../message-target.ts';
import type { Halted } from '../people.ts';
import type { Plan } from '../plan.ts';
import type { Part } from '../simulated-process.ts';
import type { RefusedSlip } from '../slips.ts';

/** What was written last is still being worked. Unit: milliseconds. */
export const WORKED_OFF_WITHIN_MS = 2 * 60_000;

/** The log as it lies, without a request. */
export interface RawLog {
  /** By partition. */
  records(topic: string): readonly (readonly LogRecord[])[];
  /** As `records`, without those of a topic of the same name that was deleted. */
  current(topic: string): readonly (readonly LogRecord[])[];
  /** When the topic was made again last; null: it never was. */
  madeAnewAt(topic: string): EpochMillis | null;
  /**
   * Whether a group may never have read a record: its topic was deleted before the group had, or was made again and has grown beyond the offset at
   * which the group was, before that could notice.
   */
  mayBeUnread(group: string, record: LogRecord): boolean;
  committedOf(group: string, topic: string): ReadonlyMap<number, number>;
  /** When it was written, in true time: its timestamp is by the clock of whoever wrote it. */
  writtenAt(record: LogRecord): EpochMillis;
}

/** A fault that struck, and whom. */
export interface Strike {
  readonly at: EpochMillis;
  readonly fault: Fault;
  readonly subject: string;
}

/** A process, from its start to its end. */
export interface Life {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly from: EpochMillis;
  /** Null: it runs. */
  readonly until: EpochMillis | null;
}

export interface Given<N extends TopicName> {
  readonly record: RecordByTopic[N];
  readonly at: LogRecord;
}

/** Records of a topic that decode and whose times can be, and those that no processor may act on. */
export interface Sorted<N extends TopicName> {
  readonly good: readonly Given<N>[];
  readonly bad: readonly LogRecord[];
}

interface EvidenceParts {
  readonly plan: Plan;
  readonly raw: RawLog;
  readonly codec: RecordCodec;
  readonly ledger: AccountLedger;
  readonly halted: readonly Halted[];
  readonly slips: readonly RefusedSlip[];
  readonly messages: readonly TakenMessage[];
  /** Of the intents, over the log as it lies in the end. */
  readonly audit: AuditResult;
  readonly strikes: readonly Strike[];
  readonly lives: readonly Life[];
  /** Log lines and errors with a secret in them. */
  readonly secretsSpoken: readonly string[];
  readonly startedAt: EpochMillis;
  readonly endedAt: EpochMillis;
}

export class Evidence {
  readonly plan: Plan;
  readonly raw: RawLog;
  readonly ledger: AccountLedger;
  readonly halted: readonly Halted[];
  readonly slips: readonly RefusedSlip[];
  readonly messages: readonly TakenMessage[];
  readonly audit: AuditResult;
  readonly strikes: readonly Strike[];
  readonly lives: readonly Life[];
  readonly secretsSpoken: readonly string[];
  readonly startedAt: EpochMillis;
  readonly endedAt: EpochMillis;
  readonly #codec: RecordCodec;
  readonly #sorted = new Map<TopicName, Sorted<TopicName>>();

  constructor({ codec, ...parts }: EvidenceParts) {
    this.#codec = codec;
    this.plan = parts.plan;
    this.raw = parts.raw;
    this.ledger = parts.ledger;
    this.halted = parts.halted;
    this.slips = parts.slips;
    this.messages = parts.messages;
    this.audit = parts.audit;
    this.strikes = parts.strikes;
    this.lives = parts.lives;
    this.secretsSpoken = parts.secretsSpoken;
    this.startedAt = parts.startedAt;
    this.endedAt = parts.endedAt;
  }

  /** The records of a topic, partition by partition. */
  sorted<N extends TopicName>(topic: N): Sorted<N> {
    const before = this.#sorted.get(topic);
    if (before !== undefined) return before as Sorted<N>;
    const good: Given<N>[] = [];
    const bad: LogRecord[] = [];
    const decode = this.#codec.decoderOf(topic);
    for (const at of this.raw.records(topic).flat()) {
      try {
        const record = decode(at);
        if (timesAhead(topic, record, at.timestamp, null).length > 0) bad.push(at);
        else good.push({ record, at });
      } catch {
        bad.push(at);
      }
    }
    const sorted = { good, bad };
    this.#sorted.set(topic, sorted);
    return sorted;
  }

  good<N extends TopicName>(topic: N): readonly RecordByTopic[N][] {
    return this.sorted(topic).good.map(({ record }) => record);
  }

  letters(topic: TopicName): readonly LogRecord[] {
    return this.raw.records(deadLetterTopicOf(topic)).flat();
  }
}

/** An invariant: its name, what it says, and every place where it does not hold. */
export interface Invariant {
  readonly name: string;
  readonly says: string;
  readonly breaches: (evidence: Evidence) => Iterable<string>;
}

/** Letters by the places of their records: `partition:offset`. Topics of one name, one after the other, have the same places. */
export function placesOf(letters: readonly LogRecord[]): ReadonlyMap<string, readonly LogRecord[]> {
  return Map.groupBy(letters, placeOf);
}

function placeOf({ headers }: LogRecord): string {
  const text = (wanted: string): string =>
    Buffer.from(headers.findLast(([name]) => name === wanted)?.[1] ?? []).toString();
  return `${text(DEAD_LETTER_HEADERS.partition)}:${text(DEAD_LETTER_HEADERS.offset)}`;
}
