import type { ErrorCode } from '../../errors/codes.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Producer } from './producers.ts';

/** One batch that a processor has dealt with; what it caused is not acknowledged yet. */
export interface WorkedBatch {
  readonly topic: string;
  readonly records: number;
  readonly outputs: readonly OutgoingRecord[];
  /** From the delivery of the batch to its outputs, waiting included. Unit: milliseconds. */
  readonly tookMs: number;
}

/** Is told what a processor goes through, for health and metrics. Every call returns at once and never throws. */
export interface ProcessorObserver {
  /** Partitions were given to it; its state is being restored. */
  restoring(): void;
  /** Its state is restored, batches may come. */
  assigned(): void;
  /** It has no partitions until `restoring` comes again: the log is away. */
  dropped(): void;
  worked(batch: WorkedBatch): void;
  deadLettered(topic: string, code: ErrorCode): void;
  /** The log refused a dead letter of that topic for its size: what is large is left out of it. */
  leftOut(topic: string): void;
  /** A record of that producer was set aside for a time that cannot be; `deadLettered` is told as well. */
  timesAhead(topic: string, producer: Producer): void;
  /** Retention removed that many records of the topic before the group read them. */
  neverRead(topic: string, records: number): void;
  /** A transient error made `what` (restoring, or a partition) wait; once for every wait. */
  backedOff(what: string, code: ErrorCode): void;
  /** `what` goes on, or was given up; only after `backedOff`. */
  recovered(what: string): void;
}

export const NO_OBSERVER: ProcessorObserver = {
  restoring() {},
  assigned() {},
  dropped() {},
  worked() {},
  deadLettered() {},
  leftOut() {},
  timesAhead() {},
  neverRead() {},
  backedOff() {},
  recovered() {},
};
