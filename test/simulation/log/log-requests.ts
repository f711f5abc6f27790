/** What a process asks of the broker, and the faults that strike on the way. */
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { FaultBoard, FaultKind } from '../faults.ts';
import type { Fate, Host } from '../host.ts';

/** As connectors/kafka/kafka-client.ts has it. Unit: milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** How soon a broker counts as away that refuses connections: KafkaLog's PATIENCE_MS. Unit: milliseconds. */
const AWAY_MS = 3000;

/** What a slow broker takes, at the least and at the most. Unit: milliseconds. */
const SLOW_MS = [1000, 8000] as const;

type FateOf = readonly (readonly [kind: FaultKind, fate: Fate])[];

const APPEND_FATES: FateOf = [
  ['append_lost', 'lost'],
  ['append_reply_lost', 'reply lost'],
  ['append_late', 'late'],
];
const COMMIT_FATES: FateOf = [['commit_lost', 'lost']];
const READ_FATES: FateOf = [['read_lost', 'lost']];
const NO_FATES: FateOf = [];

/**
 * Every request rejects with BROKER_AWAY (transient) where no answer comes.
 *
 * SIM-62  A write for which the log's disk has no room rejects with DISK_FULL, as the embedded log's does, and nothing of it is written.
 */
export class LogRequests {
  readonly host: Host;
  readonly #faults: FaultBoard;

  constructor(host: Host, faults: FaultBoard) {
    this.host = host;
    this.#faults = faults;
  }

  append(write: () => void): Promise<void> {
    return this.#ask('append', true, () => this.#onDisk(write), APPEND_FATES, this.host.role);
  }

  commit(group: string, commit: () => void): Promise<void> {
    return this.#ask('commit', true, () => this.#onDisk(commit), COMMIT_FATES, group);
  }

  heartbeat(beat: () => void): Promise<void> {
    return this.#ask('heartbeat', false, beat, NO_FATES, this.host.role);
  }

  /** Joins or leaves a group. */
  join<T>(join: () => T | Promise<T>): Promise<T> {
    return this.#ask('join', true, join, NO_FATES, this.host.role);
  }

  topics<T>(effect: () => T): Promise<T> {
    return this.#ask('topics', false, effect, NO_FATES, this.host.role);
  }

  read<T>(operation: 'fetch' | 'offsets' | 'read' | 'committed', effect: () => T | Promise<T>): Promise<T> {
    return this.#ask(operation, false, effect, READ_FATES, this.host.role);
  }

  /** SIM-62. */
  #onDisk(write: () => void): void {
    if (this.#faults.strikes('disk_full', this.host.role) !== null)
      throw new HarvestlineError('DISK_FULL', 'the log has no room');
    write();
  }

  #ask<T>(
    operation: string,
    changes: boolean,
    effect: () => T | Promise<T>,
    fates: FateOf,
    subject: string,
  ): Promise<T> {
    const { host } = this;
    const strikes = (kind: FaultKind, on: string) => (host.isAlive ? this.#faults.strikes(kind, on) : null);
    const isAway = strikes('broker_away', 'log') !== null;
    const slow = isAway ? null : strikes('broker_slow', host.role);
    const struck = isAway ? undefined : fates.find(([kind]) => strikes(kind, subject) !== null);
    const [least, most] = SLOW_MS;
    return host.call({
      port: 'log',
      operation,
      effect,
      fate: isAway ? 'lost' : (struck?.[1] ?? 'answered'),
      slowMs: slow === null ? 0 : Math.floor(least + slow.much * (most - least)),
      unanswered: () => away(`${operation}: no answer from the broker`),
      timeoutMs: isAway ? AWAY_MS : REQUEST_TIMEOUT_MS,
      ...(changes ? { changes } : {}),
    });
  }
}

export function away(what: string): HarvestlineError {
  return new HarvestlineError('BROKER_AWAY', what);
}
