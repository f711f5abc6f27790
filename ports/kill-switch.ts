import type { EpochMillis } from './clock.ts';

/** Orders are stopped, by a person. */
export interface Halt {
  /** The whole desk, or one account. */
  readonly scope: string;
  readonly by: string;
  readonly reason: string;
  readonly since: EpochMillis;
}

/** Orders are stopped, because the kill switch cannot be read. */
export interface UnknownSwitch {
  readonly scope: string;
  readonly why: string;
  readonly since: EpochMillis;
}

/** Why no order may be sent. */
export type Stop = Halt | UnknownSwitch;

export function isUnknown(stop: Stop): stop is UnknownSwitch {
  return 'why' in stop;
}

/**
 * Calls `send`, which puts an order on the wire at once, where the kill switch lets it go at that moment; else throws
 * WithheldOrder and `send` is not called.
 */
export type SendGate = <T>(send: () => Promise<T>) => Promise<T>;

/** The order was not sent: nothing of it has left the process. */
export class WithheldOrder extends Error {
  override readonly name = 'WithheldOrder';
  /** Null: what withheld it is no halt. */
  readonly stop: Stop | null;

  constructor(stop: Stop | string) {
    super(typeof stop === 'string' ? stop : describeStop(stop));
    this.stop = typeof stop === 'string' ? null : stop;
  }
}

/** The desk's kill switch. */
export interface KillSwitch {
  /** What stops the account's orders; null: nothing. Throws a transient error while the log is away. */
  halted(account: string): Promise<Stop | null>;
  /** For the moment of sending. */
  gate(account: string): SendGate;
}

/** A gate that is always open. */
export const OPEN_GATE: SendGate = (send) => send();

/** A kill switch that is never on, where nobody could use one: simulations and tests. */
export const NEVER_HALTED: KillSwitch = { halted: () => Promise.resolve(null), gate: () => OPEN_GATE };

/** A stop in words, with the time at which it began. */
export function describeStop(stop: Stop): string {
  const since = timeText(stop.since);
  return isUnknown(stop)
    ? `whether ${stop.scope} is halted is not known since ${since}: ${stop.why}`
    : `${stop.scope} halted by ${stop.by} at ${since}: ${stop.reason}`;
}

/** The last moment that a Date can name (ECMA-262); a command may carry any whole number. */
const LAST_DATE_MS = 8.64e15;

function timeText(at: EpochMillis): string {
  return Math.abs(at) <= LAST_DATE_MS ? new Date(at).toISOString() : String(at);
}
