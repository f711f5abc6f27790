/**
 * Every kind of fault, as data: what does it, for how long it stands, and what it strikes. A plan (plan.ts) names when each one comes; whatever
 * simulates the part that it strikes asks `FaultBoard` whether it stands.
 */
import type { EpochMillis } from '../../ports/clock.ts';

interface KindSpec {
  /**
   * - `next`    strikes the next matching request, once, and is forgotten where none comes within `lastsMs`
   * - `window`  strikes every matching request for `lastsMs`
   * - `action`  the world does it at its time
   */
  readonly form: 'next' | 'window' | 'action';
  /** What a fault of the kind names: a process, a symbol, a topic, a consumer group, or nothing. */
  readonly strikes: 'process' | 'symbol' | 'topic' | 'group' | 'anything';
  /** The longest that it stands, or waits for a request. Unit: milliseconds. */
  readonly lastsMs: number;
  readonly means: string;
}

const MINUTE = 60_000;

export const FAULT_KINDS = {
  // The log.
  broker_away: { form: 'window', strikes: 'anything', lastsMs: 2 * MINUTE, means: 'no request to the log is answered' },
  broker_slow: {
    form: 'window',
    strikes: 'process',
    lastsMs: 5 * MINUTE,
    means: 'the log answers a process after seconds',
  },
  append_lost: { form: 'next', strikes: 'process', lastsMs: 10 * MINUTE, means: 'an append never arrives' },
  append_reply_lost: {
    form: 'next',
    strikes: 'process',
    lastsMs: 10 * MINUTE,
    means: 'an append is written, and its answer is lost',
  },
  append_late: {
    form: 'next',
    strikes: 'process',
    lastsMs: 10 * MINUTE,
    means: 'an append arrives after its writer gave it up',
  },
  disk_full: {
    form: 'window',
    strikes: 'process',
    lastsMs: 5 * MINUTE,
    means: 'the disk of the log has no room for what a process writes',
  },
  commit_lost: { form: 'next', strikes: 'group', lastsMs: 10 * MINUTE, means: 'a commit is lost' },
  read_lost: { form: 'next', strikes: 'process', lastsMs: 10 * MINUTE, means: 'a read is not answered' },
  rebalance: { form: 'action', strikes: 'group', lastsMs: 0, means: 'a group hands its partitions out anew' },
  member_fenced: {
    form: 'action',
    strikes: 'process',
    lastsMs: 0,
    means: 'the broker takes a member for dead, which still works',
  },
  redelivered: { form: 'action', strikes: 'group', lastsMs: 0, means: 'a group goes on from older offsets' },
  registry_away: { form: 'window', strikes: 'anything', lastsMs: 2 * MINUTE, means: 'the registry does not answer' },
  // The exchange.
  exchange_away: {
    form: 'window',
    strikes: 'anything',
    lastsMs: 2 * MINUTE,
    means: 'no request to the exchange is answered',
  },
  exchange_slow: {
    form: 'window',
    strikes: 'process',
    lastsMs: 5 * MINUTE,
    means: 'the exchange answers a process after seconds',
  },
  requests_limited: {
    form: 'window',
    strikes: 'process',
    lastsMs: 2 * MINUTE,
    means: 'the exchange refuses the requests of a process: too many of them (429)',
  },
  address_banned: {
    form: 'window',
    strikes: 'process',
    lastsMs: 15 * MINUTE,
    means: 'the exchange bans the address of a process until a time (418)',
  },
  orders_limited: {
    form: 'window',
    strikes: 'anything',
    lastsMs: 5 * MINUTE,
    means: 'the exchange refuses orders: too many of them (-1015)',
  },
  order_lost: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'an order never arrives' },
  order_reply_lost: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'an order fills, and its answer is lost',
  },
  order_late: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'an order arrives seconds late, or too late, and its answer is lost',
  },
  order_refused: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'an order is refused' },
  symbol_refused: {
    form: 'window',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'every order of a symbol is refused',
  },
  order_in_part: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'an order fills in part' },
  order_unfilled: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'an order expires without a fill' },
  order_stays_open: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'an order fills seconds after its answer',
  },
  look_up_lost: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'a look-up is not answered' },
  look_up_denied: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'the exchange says that it does not know an order that it has',
  },
  position_unknown: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'the exchange names a position without its size',
  },
  fills_late: {
    form: 'window',
    strikes: 'symbol',
    lastsMs: 2 * MINUTE,
    means: 'fills are listed after the position has changed',
  },
  holding_incomplete: { form: 'window', strikes: 'symbol', lastsMs: 5 * MINUTE, means: 'a position is shown in part' },
  candles_missing: { form: 'window', strikes: 'symbol', lastsMs: 30 * MINUTE, means: 'candles are not answered' },
  stops_missing: { form: 'window', strikes: 'symbol', lastsMs: 10 * MINUTE, means: 'resting orders are not answered' },
  mark_missing: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'no mark price is named' },
  charges_missing: { form: 'next', strikes: 'symbol', lastsMs: 60 * MINUTE, means: 'fees and funding are not listed' },
  market_paused: { form: 'window', strikes: 'symbol', lastsMs: 10 * MINUTE, means: 'a market takes no orders' },
  price_gap: { form: 'action', strikes: 'symbol', lastsMs: 0, means: 'a price jumps' },
  stream_silent: {
    form: 'window',
    strikes: 'anything',
    lastsMs: 10 * MINUTE,
    means: 'the stream of changes is silent',
  },
  stream_gap: {
    form: 'action',
    strikes: 'anything',
    lastsMs: 0,
    means: 'the stream of changes breaks, and comes back',
  },
  // The processes.
  killed_before: {
    form: 'next',
    strikes: 'process',
    lastsMs: 30 * MINUTE,
    means: 'a process is killed before a request leaves',
  },
  killed_in_flight: {
    form: 'next',
    strikes: 'process',
    lastsMs: 30 * MINUTE,
    means: 'a process is killed while a request is on its way',
  },
  killed_after: {
    form: 'next',
    strikes: 'process',
    lastsMs: 30 * MINUTE,
    means: 'a process is killed after a request took effect, before its answer',
  },
  paused: { form: 'action', strikes: 'process', lastsMs: 2 * MINUTE, means: 'a process stands still, and goes on' },
  stopped: {
    form: 'action',
    strikes: 'process',
    lastsMs: 0,
    means: 'a process is asked to stop, and is started again',
  },
  kept_down: {
    form: 'action',
    strikes: 'anything',
    lastsMs: 45 * MINUTE,
    means: 'the processes of a part of the chain are killed, and nobody starts them for long',
  },
  clock_jumps: { form: 'action', strikes: 'process', lastsMs: 0, means: "a machine's clock is set" },
  // People.
  halted: {
    form: 'action',
    strikes: 'anything',
    lastsMs: 10 * MINUTE,
    means: 'somebody halts the desk, and resumes it',
  },
  halted_in_flight: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'somebody halts the desk while an order takes seconds to arrive',
  },
  halted_when_announced: {
    form: 'next',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'a process that has announced an order stands still, and somebody halts the desk',
  },
  closed_by_hand: {
    form: 'action',
    strikes: 'symbol',
    lastsMs: 0,
    means: 'somebody closes part of a position at the exchange',
  },
  grown_by_hand: {
    form: 'action',
    strikes: 'symbol',
    lastsMs: 0,
    means: 'somebody adds to a position at the exchange',
  },
  liquidated: { form: 'action', strikes: 'symbol', lastsMs: 0, means: 'the exchange closes a position' },
  retired: {
    form: 'action',
    strikes: 'anything',
    lastsMs: 0,
    means: 'somebody retires the account while it is worked',
  },
  calibrated: {
    form: 'action',
    strikes: 'anything',
    lastsMs: 0,
    means: 'somebody approves a confidence map, or rolls one back',
  },
  slipped: {
    form: 'action',
    strikes: 'anything',
    lastsMs: 0,
    means: 'somebody gives a command with a wrong argument, or at the wrong moment',
  },
  // Producers.
  signals_stop: {
    form: 'window',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'the models say nothing of a symbol',
  },
  signals_lie: {
    form: 'window',
    strikes: 'symbol',
    lastsMs: 60 * MINUTE,
    means: 'the models change their minds with every word',
  },
  poison: { form: 'action', strikes: 'topic', lastsMs: 0, means: 'bytes that are no record' },
  wrong_time: { form: 'action', strikes: 'topic', lastsMs: 0, means: 'a record from the future' },
  doubled: { form: 'action', strikes: 'topic', lastsMs: 0, means: 'a record comes once more' },
  retention: { form: 'action', strikes: 'topic', lastsMs: 0, means: 'retention removes what is older than an hour' },
  recreated: { form: 'action', strikes: 'topic', lastsMs: 0, means: 'a topic is deleted, and made again' },
  // Messages.
  target_away: {
    form: 'window',
    strikes: 'anything',
    lastsMs: 10 * MINUTE,
    means: 'nobody takes the messages of alerts',
  },
} as const satisfies Readonly<Record<string, KindSpec>>;

export type FaultKind = keyof typeof FAULT_KINDS;

export const FAULT_KIND_NAMES = Object.keys(FAULT_KINDS) as readonly FaultKind[];

export function specOf(kind: FaultKind): KindSpec {
  return FAULT_KINDS[kind];
}

/** One fault of a plan. */
export interface Fault {
  readonly kind: FaultKind;
  /** Since the start of the run. Unit: milliseconds. */
  readonly at: number;
  /** How long it stands, or waits for its request; 0 for an action that is over at once. Unit: milliseconds. */
  readonly forMs: number;
  /** The process, symbol, topic or group that it strikes; null strikes any. */
  readonly on: string | null;
  /** What else a kind needs: how much, which of several. In [0, 1). */
  readonly much: number;
}

/** The faults of a plan, as the parts of the world ask for them. Counts each that struck. */
export class FaultBoard {
  readonly hits = new Map<FaultKind, number>();
  readonly #now: () => EpochMillis;
  readonly #start: EpochMillis;
  /** By kind, then by whom they strike; null: anybody. Each list in the order of time. */
  readonly #waiting = new Map<FaultKind, Map<string | null, Fault[]>>();
  readonly #onHit: (fault: Fault, struck: string) => void;

  constructor(
    faults: readonly Fault[],
    start: EpochMillis,
    now: () => EpochMillis,
    onHit: (fault: Fault, struck: string) => void,
  ) {
    this.#now = now;
    this.#start = start;
    this.#onHit = onHit;
    for (const [kind, ofKind] of Map.groupBy(
      faults.toSorted((one, other) => one.at - other.at),
      (fault) => fault.kind,
    )) {
      this.#waiting.set(
        kind,
        Map.groupBy(ofKind, ({ on }) => on),
      );
    }
  }

  /**
   * The fault of a kind that strikes this request; null where none stands. One that strikes the next request is used up. `subject`: the
   * process, symbol, topic or group of the request.
   */
  strikes(kind: FaultKind, subject: string): Fault | null {
    const ofKind = this.#waiting.get(kind);
    if (ofKind === undefined) return null;
    return this.#strikesOf(ofKind.get(subject), kind, subject) ?? this.#strikesOf(ofKind.get(null), kind, subject);
  }

  #strikesOf(faults: Fault[] | undefined, kind: FaultKind, subject: string): Fault | null {
    if (faults === undefined) return null;
    const now = this.#now() - this.#start;
    while (faults[0] !== undefined && faults[0].at + faults[0].forMs < now) faults.shift();
    for (const [place, fault] of faults.entries()) {
      if (fault.at > now) return null;
      if (now > fault.at + fault.forMs) continue;
      if (specOf(kind).form === 'next') faults.splice(place, 1);
      this.count(fault, subject);
      return fault;
    }
    return null;
  }

  /** Notes a fault that the world did itself. */
  count(fault: Fault, struck: string): void {
    this.hits.set(fault.kind, (this.hits.get(fault.kind) ?? 0) + 1);
    this.#onHit(fault, struck);
  }
}
