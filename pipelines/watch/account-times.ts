import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { SignalTimes } from './signal-times.ts';
import { type TimeComeTo, timeOf } from './steady-looks.ts';

/**
 * The time that desks have come to, told by the snapshots of their positions alone: what follows of them is measured by it, whatever
 * clock it was written by. Desks in one log may live years apart.
 *
 * A1  An account's time depends on its own snapshots only. What its models say of it shows that it lives on, and no more.
 * A2  A position's time is that of the source that observes it, so that sources whose clocks differ do not make each other's records
 *     late. A source that falls silent is followed at the distance of a leap by the others of its account.
 */
export class AccountTimes {
  readonly #leapMs: number;
  readonly #signals: SignalTimes;
  readonly #byAccount = new Map<string, TimeComeTo[]>();
  readonly #bySource = new Map<string, TimeComeTo[]>();
  readonly #sourceOf = new Map<PositionId, string>();
  readonly #computed = new Map<TimeComeTo[], EpochMillis>();

  constructor(leapMs: number, signals: SignalTimes) {
    this.#leapMs = leapMs;
    this.#signals = signals;
  }

  add(id: PositionId, observer: { readonly account: string; readonly source: string }, time: TimeComeTo): void {
    const source = JSON.stringify([observer.account, observer.source]);
    this.#sourceOf.set(id, source);
    listOf(this.#byAccount, observer.account).push(time);
    listOf(this.#bySource, source).push(time);
  }

  get accounts(): readonly string[] {
    return [...this.#byAccount.keys()];
  }

  /** -Infinity where nothing of it was observed. */
  ofAccount(account: string): EpochMillis {
    return this.#timeOf(this.#byAccount.get(account));
  }

  /** Until when it is heard of: its models go on where its snapshots do not. */
  heardOf(account: string): EpochMillis {
    return Math.max(this.ofAccount(account), this.#signals.ofAccount(account));
  }

  /** A2; that of the account for a position that was not observed. */
  ofPosition(id: PositionId, account: string): EpochMillis {
    const accountTime = this.ofAccount(account);
    const source = this.#sourceOf.get(id);
    if (source === undefined) return accountTime;
    return Math.max(this.#timeOf(this.#bySource.get(source)), accountTime - this.#leapMs);
  }

  #timeOf(times: TimeComeTo[] | undefined): EpochMillis {
    if (times === undefined) return -Infinity;
    let time = this.#computed.get(times);
    if (time === undefined) this.#computed.set(times, (time = timeOf(times, this.#leapMs)));
    return time;
  }
}

function listOf(lists: Map<string, TimeComeTo[]>, key: string): TimeComeTo[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}
