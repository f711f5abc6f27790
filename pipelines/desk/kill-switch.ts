/**
 * The state of the kill switch, folded from desk.control. Pure: the same records give the same state.
 *
 * A command is written as two records, one after the other in one partition: under its scope, and under a second key (`keptKey`). A
 * tombstone on the first key, as a person might write, does not take the command away.
 *
 * DSK-21  The latest command of a scope is in force. Within a partition the log decides which is later. Commands that another program wrote
 *         to different partitions are compared by issued_at, and of equal ones the one that stops holds.
 * DSK-22  A record that does not decode or breaks a rule is taken to stop orders: its scope is UNKNOWN, or the whole desk where the scope
 *         cannot be told, until a later good command of that scope.
 * DSK-23  A tombstone is no command. What is obeyed is the same before compaction and after it, for every command of this program.
 * DSK-24  A stop that some process has obeyed, and that the topic no longer holds without a later command, was removed from outside (by
 *         tombstones, deleted records, or a topic made anew): its scope is UNKNOWN until the next command. A RESUME that is gone changes
 *         nothing.
 */
import { formatCoordinates } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { type Stop, isUnknown } from '../../ports/kill-switch.ts';
import type { DeskProcess, ObeyedCommand, ObeyedKind } from '../../schemas/generated/records.ts';
import { formatEventTime } from '../../render/event-time.ts';

/** The scope of the whole desk; any other scope is an account. */
export const WHOLE_DESK = 'desk';

const KEPT = 'kept:';

/** The second key of the commands of a scope. */
export function keptKey(scope: string): string {
  return `${KEPT}${scope}`;
}

/** The scope that a key names; null where the key is no such text. */
export function scopeOfKey(key: Uint8Array | null): string | null {
  if (key === null) return null;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(key);
  } catch {
    return null;
  }
  const scope = text.startsWith(KEPT) ? text.slice(KEPT.length) : text;
  return /^\P{C}{1,256}$/u.test(scope) ? scope : null;
}

/** The place and the key of a record. */
interface Placed {
  readonly topic: string;
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
}

/** A good command. */
interface SwitchCommand extends Placed {
  readonly kind: 'command';
  readonly scope: string;
  readonly command: 'HALT' | 'RESUME';
  readonly at: EpochMillis;
  readonly by: string;
  readonly reason: string;
}

/** A record that cannot be acted on (DSK-22). */
interface BadRecord extends Placed {
  readonly kind: 'bad';
  /** The scopes that it may be for. */
  readonly scopes: readonly string[];
  /** The record's own timestamp. */
  readonly at: EpochMillis;
  readonly why: string;
}

/** A record with a key and no value. */
interface Tombstone extends Placed {
  readonly kind: 'tombstone';
  readonly scope: string;
  readonly at: EpochMillis;
}

export type SwitchRecord = SwitchCommand | BadRecord | Tombstone;
type Instruction = SwitchCommand | BadRecord;

/** By scope, what was obeyed when it was last seen (DSK-24). */
export type LastObeyed = ReadonlyMap<string, ObeyedCommand>;

export class KillSwitchState {
  readonly #lastObeyed: LastObeyed;
  /** The latest record of each key, which is what compaction keeps. */
  readonly #latest = new Map<string, SwitchRecord>();
  /** By scope, every command and bad record that was read. */
  readonly #instructions = new Map<string, Instruction[]>();

  /** `lastObeyed`: before this topic was read. */
  constructor(lastObeyed: LastObeyed = new Map()) {
    this.#lastObeyed = lastObeyed;
  }

  /** Expects the records of the topic from its oldest, each partition in its order. */
  apply(record: SwitchRecord): void {
    this.#latest.set(JSON.stringify([record.partition, record.key]), record);
    if (record.kind === 'tombstone') return;
    for (const scope of scopesOf(record)) {
      const instructions = this.#instructions.get(scope);
      if (instructions === undefined) this.#instructions.set(scope, [record]);
      else instructions.push(record);
    }
  }

  /** Everything that stops orders, by scope, the whole desk first. */
  stops(): readonly Stop[] {
    return this.scopes().flatMap((scope) => this.#stopOf(scope) ?? []);
  }

  /** What stops the orders of an account; null: nothing. */
  stopOf(account: string): Stop | null {
    return this.#stopOf(WHOLE_DESK) ?? this.#stopOf(account);
  }

  /** What is obeyed, by scope, as desk.process has it. */
  obeys(): readonly ObeyedCommand[] {
    return this.scopes().flatMap((scope): readonly ObeyedCommand[] => {
      const { stop, at } = this.#verdict(scope);
      if (stop !== null) return [{ scope, command: isUnknown(stop) ? 'UNKNOWN' : 'HALT', issued_at: at }];
      const standing = this.#standing(scope);
      return standing === null ? [] : [{ scope, command: standing.command, issued_at: at }];
    });
  }

  /** The latest time that is known of a scope: a command issued later is never taken for an older one. */
  latestAt(scope: string): EpochMillis {
    return Math.max(
      this.#verdict(scope).at,
      this.#lastObeyed.get(scope)?.issued_at ?? -Infinity,
      ...this.#instructionsOf(scope).map(({ at }) => at),
      ...this.#latestOf(scope).map(({ at }) => at),
    );
  }

  #stopOf(scope: string): Stop | null {
    return this.#verdict(scope).stop;
  }

  /**
   * What stops a scope, if anything does, and since when (DSK-24): later than every RESUME read before it, even where another program's clock
   * is slow, so that a removed stop never looks older than what is left.
   */
  #verdict(scope: string): { readonly stop: Stop | null; readonly at: EpochMillis } {
    const instructions = this.#instructionsOf(scope);
    const resumedAt = Math.max(-Infinity, ...instructions.filter((one) => !isStop(one)).map(({ at }) => at));
    const stopped = (at: EpochMillis, stop: Stop) => ({ stop, at: at > resumedAt ? at : resumedAt + 1 });
    const slots = this.#latestOf(scope);
    const standing = this.#standing(scope);
    // DSK-22.
    const bad = slots.find((slot) => slot.kind === 'bad' && (standing === null || !isLater(standing, slot)));
    if (bad?.kind === 'bad') return stopped(bad.at, unknown(scope, bad.at, `${placeOf(bad)} ${bad.why}`));
    // DSK-24, where the topic still shows what was removed.
    const last = instructions.reduce<Instruction | null>(
      (latest, one) => (latest === null || isLater(one, latest) ? one : latest),
      null,
    );
    if (last !== null && isStop(last) && (standing === null || isLater(last, standing))) {
      const why = `${named(last)} at ${placeOf(last)} was deleted, or replaced under its key`;
      return stopped(last.at, unknown(scope, last.at, why));
    }
    const tombstone = slots.find(({ kind }) => kind === 'tombstone');
    if (standing === null && tombstone !== undefined && last === null) {
      const why = `${placeOf(tombstone)} is a tombstone, and what it deleted is gone`;
      return stopped(tombstone.at, unknown(scope, tombstone.at, why));
    }
    // DSK-24, where it does not.
    const lastObeyed = this.#lastObeyed.get(scope);
    if (lastObeyed !== undefined && isForgotten(lastObeyed, instructions, resumedAt)) {
      const { command, issued_at: at } = lastObeyed;
      return {
        stop: unknown(
          scope,
          at,
          `${obeyedText(command)} of ${formatEventTime(at)} was obeyed and is gone from the topic`,
        ),
        at,
      };
    }
    if (standing?.command !== 'HALT')
      return { stop: null, at: Math.max(-Infinity, ...instructions.map(({ at }) => at)) };
    const { by, at: since, reason } = standing;
    return stopped(since, { scope, by, since, reason });
  }

  /** DSK-21, DSK-23: the latest command that no later record of its key has replaced or deleted. */
  #standing(scope: string): SwitchCommand | null {
    let standing: SwitchCommand | null = null;
    for (const slot of this.#latestOf(scope)) {
      if (slot.kind === 'command' && (standing === null || isLater(slot, standing))) standing = slot;
    }
    return standing;
  }

  #instructionsOf(scope: string): readonly Instruction[] {
    return this.#instructions.get(scope) ?? [];
  }

  #latestOf(scope: string): readonly SwitchRecord[] {
    return [...this.#latest.values()].filter((record) => scopesOf(record).includes(scope));
  }

  /** Every scope that any record names, the whole desk first. */
  scopes(): readonly string[] {
    const all = new Set([
      ...this.#lastObeyed.keys(),
      ...[...this.#latest.values()].flatMap(scopesOf),
      ...this.#instructions.keys(),
    ]);
    return [...all].toSorted((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
  }
}

/** What processes obeyed when they were last seen: for each scope, as the latest record on desk.process says that names it. */
export class ObeyedByProcesses {
  readonly #latest = new Map<string, { readonly seenAt: EpochMillis; readonly obeyed: ObeyedCommand }>();

  apply({ obeys, seen_at: seenAt }: DeskProcess): void {
    for (const obeyed of obeys) {
      const before = this.#latest.get(obeyed.scope);
      if (before === undefined || seenAt >= before.seenAt) this.#latest.set(obeyed.scope, { seenAt, obeyed });
    }
  }

  lastObeyed(): LastObeyed {
    return new Map([...this.#latest].map(([scope, { obeyed }]) => [scope, obeyed]));
  }
}

/** DSK-24: the record of the stop is gone, and the scope was not resumed after it. */
function isForgotten(
  { command, issued_at }: ObeyedCommand,
  instructions: readonly Instruction[],
  resumedAt: EpochMillis,
): boolean {
  return (
    command !== 'RESUME' && resumedAt < issued_at && !instructions.some((one) => isStop(one) && one.at === issued_at)
  );
}

function isLater(one: Instruction, other: Instruction): boolean {
  if (one.partition === other.partition) return one.offset > other.offset;
  return one.at === other.at ? isStop(one) && !isStop(other) : one.at > other.at;
}

function isStop(instructions: Instruction): boolean {
  return instructions.kind === 'bad' || instructions.command === 'HALT';
}

function scopesOf(record: SwitchRecord): readonly string[] {
  return record.kind === 'bad' ? record.scopes : [record.scope];
}

function rank(scope: string): number {
  return scope === WHOLE_DESK ? 0 : 1;
}

function unknown(scope: string, since: EpochMillis, why: string): Stop {
  return { scope, since, why };
}

function named(instructions: Instruction): string {
  return instructions.kind === 'bad'
    ? 'a record that cannot be read'
    : `the ${instructions.command} of ${instructions.by}`;
}

function obeyedText(command: ObeyedKind): string {
  return command === 'UNKNOWN' ? 'a record that could not be read' : `the ${command}`;
}

function placeOf({ topic, partition, offset }: Placed): string {
  return formatCoordinates({ topic, partition, offset });
}
