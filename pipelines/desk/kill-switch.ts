/**
 * The state of the kill switch, folded from desk.control. Pure: the same records give the same state.
 *
 * A command is written twice, one record after the other in one partition: under its scope, and under a key that nobody thinks of
 * (`keptKey`). Whoever deletes the first by a tombstone has not taken the command away.
 *
 * F1  The latest command of a scope is in force. In one partition the log says which is later; commands that another program put
 *     into different partitions are compared by their issued_at, and of equal ones the one that stops holds.
 * F2  A record that does not decode or breaks a rule is taken for the safe one of its meanings: its scope is UNKNOWN, and the whole desk
 *     where the scope cannot be told, until a later good command of that scope.
 * F3  A tombstone gives no order. What is acted on is the same before compaction and after it, for every command of this program.
 * F4  A stop that somebody has obeyed and that the topic no longer holds, without a later command, was taken away from outside (a
 *     tombstone on both keys or on another program's command, deleted records, a topic made anew): its scope is UNKNOWN until the
 *     next command. That orders were let go and the record of it is gone changes nothing.
 */
import { formatCoordinates } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { type Stop, isUnknown } from '../../ports/kill-switch.ts';
import type { DeskProcess, ObeyedCommand, ObeyedKind } from '../../schemas/generated/records.ts';
import { formatEventTime } from '../../render/event-time.ts';

/** The scope of the whole desk; any other scope is an account. */
export const WHOLE_DESK = 'desk';

const KEPT = 'kept:';

/** The second key of a scope's commands. */
export function keptKey(scope: string): string {
  return `${KEPT}${scope}`;
}

/** The scope that a key names; null where it names none. */
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

/** Where a record lies, and under which key. */
interface Placed {
  readonly topic: string;
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
}

/** A good command. */
export interface SwitchCommand extends Placed {
  readonly kind: 'command';
  readonly scope: string;
  readonly command: 'HALT' | 'RESUME';
  readonly at: EpochMillis;
  readonly by: string;
  readonly reason: string;
}

/** F2. */
export interface BadRecord extends Placed {
  readonly kind: 'bad';
  /** Every scope that it may be for. */
  readonly scopes: readonly string[];
  /** The record's own timestamp. */
  readonly at: EpochMillis;
  readonly why: string;
}

/** A record with a key and no value. */
export interface Tombstone extends Placed {
  readonly kind: 'tombstone';
  readonly scope: string;
  readonly at: EpochMillis;
}

export type SwitchRecord = SwitchCommand | BadRecord | Tombstone;
type Said = SwitchCommand | BadRecord;

/** What was acted on when it was last seen (F4). */
export type Remembered = ReadonlyMap<string, ObeyedCommand>;

export class KillSwitchState {
  readonly #remembered: Remembered;
  /** The latest record of each key: what compaction keeps. */
  readonly #latest = new Map<string, SwitchRecord>();
  /** By scope all that was read, whatever became of its key. */
  readonly #said = new Map<string, Said[]>();

  /** `remembered` is what was acted on before this topic was read. */
  constructor(remembered: Remembered = new Map()) {
    this.#remembered = remembered;
  }

  /** The records of the topic from its oldest, each partition in its order. */
  apply(record: SwitchRecord): void {
    this.#latest.set(JSON.stringify([record.partition, record.key]), record);
    if (record.kind === 'tombstone') return;
    for (const scope of scopesOf(record)) {
      const said = this.#said.get(scope);
      if (said === undefined) this.#said.set(scope, [record]);
      else said.push(record);
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

  /** What is acted on, by scope: for desk.process, and to be remembered. */
  obeys(): readonly ObeyedCommand[] {
    return this.scopes().flatMap((scope): readonly ObeyedCommand[] => {
      const { stop, at } = this.#verdict(scope);
      if (stop !== null) return [{ scope, command: isUnknown(stop) ? 'UNKNOWN' : 'HALT', issued_at: at }];
      const standing = this.#standing(scope);
      return standing === null ? [] : [{ scope, command: standing.command, issued_at: at }];
    });
  }

  /** The latest time of all that is known of a scope: a command that is issued after it is never taken for an older one. */
  latestAt(scope: string): EpochMillis {
    return Math.max(
      this.#verdict(scope).at,
      this.#remembered.get(scope)?.issued_at ?? -Infinity,
      ...this.#saidOf(scope).map(({ at }) => at),
      ...this.#ofScope(scope).map(({ at }) => at),
    );
  }

  #stopOf(scope: string): Stop | null {
    return this.#verdict(scope).stop;
  }

  /**
   * What stops a scope, if anything does, and since when for F4: later than every RESUME that was read before it, also where another
   * program's clock is behind, so that what is taken away never looks older than what is left.
   */
  #verdict(scope: string): { readonly stop: Stop | null; readonly at: EpochMillis } {
    const said = this.#saidOf(scope);
    const resumedAt = Math.max(-Infinity, ...said.filter((one) => !isStop(one)).map(({ at }) => at));
    const stopped = (at: EpochMillis, stop: Stop) => ({ stop, at: at > resumedAt ? at : resumedAt + 1 });
    const slots = this.#ofScope(scope);
    const standing = this.#standing(scope);
    // F2.
    const bad = slots.find((slot) => slot.kind === 'bad' && (standing === null || !isLater(standing, slot)));
    if (bad?.kind === 'bad') return stopped(bad.at, unknown(scope, bad.at, `${placeOf(bad)} ${bad.why}`));
    // F4, as far as this topic still shows it.
    const last = said.reduce<Said | null>(
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
    // F4, where it does not.
    const remembered = this.#remembered.get(scope);
    if (remembered !== undefined && isForgotten(remembered, said, resumedAt)) {
      const { command, issued_at: at } = remembered;
      return {
        stop: unknown(scope, at, `${words(command)} of ${formatEventTime(at)} was obeyed and is gone from the topic`),
        at,
      };
    }
    if (standing?.command !== 'HALT') return { stop: null, at: Math.max(-Infinity, ...said.map(({ at }) => at)) };
    const { by, at: since, reason } = standing;
    return stopped(since, { scope, by, since, reason });
  }

  /** F1, F3: of the commands that no later record of their key has replaced or deleted. */
  #standing(scope: string): SwitchCommand | null {
    let standing: SwitchCommand | null = null;
    for (const slot of this.#ofScope(scope)) {
      if (slot.kind === 'command' && (standing === null || isLater(slot, standing))) standing = slot;
    }
    return standing;
  }

  #saidOf(scope: string): readonly Said[] {
    return this.#said.get(scope) ?? [];
  }

  #ofScope(scope: string): readonly SwitchRecord[] {
    return [...this.#latest.values()].filter((record) => scopesOf(record).includes(scope));
  }

  /** Every scope that was ever spoken of, the whole desk first. */
  scopes(): readonly string[] {
    const all = new Set([
      ...this.#remembered.keys(),
      ...[...this.#latest.values()].flatMap(scopesOf),
      ...this.#said.keys(),
    ]);
    return [...all].toSorted((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
  }
}

/** What processes obeyed when they were last seen: of each scope what the latest record says that names it. */
export class Witnesses {
  readonly #latest = new Map<string, { readonly seenAt: EpochMillis; readonly obeyed: ObeyedCommand }>();

  apply({ obeys, seen_at: seenAt }: DeskProcess): void {
    for (const obeyed of obeys) {
      const before = this.#latest.get(obeyed.scope);
      if (before === undefined || seenAt >= before.seenAt) this.#latest.set(obeyed.scope, { seenAt, obeyed });
    }
  }

  remembered(): Remembered {
    return new Map([...this.#latest].map(([scope, { obeyed }]) => [scope, obeyed]));
  }
}

/** F4: neither is the record there, so that the order of the log decides, nor was the scope resumed after it. */
function isForgotten({ command, issued_at }: ObeyedCommand, said: readonly Said[], resumedAt: EpochMillis): boolean {
  return command !== 'RESUME' && resumedAt < issued_at && !said.some((one) => isStop(one) && one.at === issued_at);
}

function isLater(one: Said, other: Said): boolean {
  if (one.partition === other.partition) return one.offset > other.offset;
  return one.at === other.at ? isStop(one) && !isStop(other) : one.at > other.at;
}

function isStop(said: Said): boolean {
  return said.kind === 'bad' || said.command === 'HALT';
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

function named(said: Said): string {
  return said.kind === 'bad' ? 'a record that cannot be read' : `the ${said.command} of ${said.by}`;
}

function words(command: ObeyedKind): string {
  return command === 'UNKNOWN' ? 'a record that could not be read' : `the ${command}`;
}

function placeOf({ topic, partition, offset }: Placed): string {
  return formatCoordinates({ topic, partition, offset });
}
