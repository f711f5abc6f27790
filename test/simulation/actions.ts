/** What the world does by itself at the time of a fault: kinds of the form `action` (faults.ts). */
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Side } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { VenueAccount } from './exchange/venue-account.ts';
import type { Fault } from './faults.ts';
import type { Host } from './host.ts';
import type { Kernel } from './kernel.ts';
import type { SimulatedBroker } from './log/broker.ts';
import type { People } from './people.ts';
import { poison } from './producers.ts';
import type { Slips } from './slips.ts';
import type { Supervisor } from './supervisor.ts';

/** A price jumps by half of that at most, either way. Unit: fraction. */
const WIDEST_GAP = 0.12;

/** A machine's clock is set by half of that at most, either way. Unit: milliseconds. */
const WIDEST_JUMP_MS = 20_000;

/** A group goes back by that much at most. Unit: records. */
const MOST_REDELIVERED = 40;

/** A record of the future: its timestamp lies that far behind its own times. Unit: milliseconds. */
const BEHIND_MS = 2 * 3_600_000;

/** Parts of the chain that may be down for long. */
const STRUCK_PARTS = ['snapshots', 'scoring', 'execution', 'clm'] as const;

/** How long an aimed halt stands. Unit: milliseconds. */
const HALT_MS = 3 * 60_000;

/** A process that stands still that long is gone for the others (GONE_MS) before a person loses patience. Units: milliseconds. */
const STANDS_MS = 40_000;
const HALTED_AFTER_MS = 10_000;

/** Retention strikes topics of which nobody needs what is old: a report or a trade is state. */
const RETAINED: ReadonlySet<string> = new Set([TOPICS.modelSignal.name, TOPICS.positionSnapshot.name]);

/** What retention leaves: longer than a group is ever behind, and shorter than the shortest world. Unit: milliseconds. */
export const KEPT_MS = 3_600_000;

/**
 * Topics that somebody deletes and makes again: what the desk observes is observed anew, and what it has done stands on others. An intent would be
 * gone that a report names, a trade for good, and a halt could not be told from none.
 */
const RECREATED: ReadonlySet<string> = new Set([TOPICS.modelSignal.name, TOPICS.positionSnapshot.name]);

export interface Stage {
  readonly kernel: Kernel;
  readonly account: VenueAccount;
  readonly broker: SimulatedBroker;
  readonly supervisor: Supervisor;
  readonly people: People;
  readonly slips: Slips;
}

/** Does what the fault says. Returns whom it struck; null where there was nobody. */
export function act({ kernel, account, broker, supervisor, people, slips }: Stage, fault: Fault): string | null {
  const { kind, on, much, forMs } = fault;
  const target = on ?? '';
  const process = supervisor.of(target);
  const side = sideOf(account, target, much);
  switch (kind) {
    case 'rebalance':
      broker.rebalance(target);
      return target;
    case 'redelivered':
      broker.rewind(target, 1 + Math.floor(much * MOST_REDELIVERED));
      return target;
    case 'member_fenced':
      if (process !== null) broker.fence(process.name);
      return process?.name ?? null;
    case 'paused':
      if (process === null) return null;
      standStill({ kernel, broker }, process, forMs);
      return process.name;
    case 'stopped':
      if (process !== null) supervisor.stop(target);
      return process?.name ?? null;
    case 'kept_down':
      supervisor.keepDown(STRUCK_PARTS[Math.floor(much * STRUCK_PARTS.length)] ?? 'snapshots', forMs);
      return 'desk';
    case 'clock_jumps':
      if (process !== null) process.skewMs += Math.round((much - 0.5) * WIDEST_JUMP_MS);
      return process?.name ?? null;
    case 'price_gap':
      account.gap(target, (much - 0.5) * WIDEST_GAP);
      return target;
    case 'stream_gap':
      account.breakStreams();
      return 'stream';
    case 'closed_by_hand':
      return account.closeByHand(target, much < 0.5 ? 1 : much, side) ? target : null;
    case 'grown_by_hand':
      return account.growByHand(target, 0.1 + much, side) ? target : null;
    case 'liquidated':
      return account.liquidate(target, side) ? target : null;
    case 'halted':
      halt({ kernel, people }, fault);
      return 'desk';
    case 'retired':
      people.retire();
      return 'desk';
    case 'retention':
      return RETAINED.has(target) && broker.trim(target, kernel.now - KEPT_MS) > 0 ? target : null;
    case 'recreated':
      if (!RECREATED.has(target)) return null;
      kernel.tell(target, 'is deleted, and made again');
      broker.recreate(target);
      return target;
    case 'calibrated':
      people.calibrate(fault);
      return 'desk';
    case 'slipped':
      slips.slip(fault).catch((thrown: unknown) => kernel.fail(thrown));
      return 'desk';
    case 'poison':
      broker.append([poison(target, much, kernel.now)]);
      return target;
    case 'wrong_time':
      return again(broker, target, (at) => at - BEHIND_MS);
    case 'doubled':
      return again(broker, target, (at) => at);
    default:
      throw new TypeError(`${kind} is nothing that the world does`);
  }
}

/** The open side of a symbol that a fault strikes: one of both where both are open, which other than the leading digits of `much` decide. */
function sideOf(account: VenueAccount, symbol: string, much: number): Side | undefined {
  const open = account.books.get(symbol)?.open() ?? [];
  return open[Math.floor(much * 1000) % Math.max(1, open.length)]?.side;
}

/** Somebody halts the desk at once. */
export function haltNow(stage: Stage, fault: Fault): void {
  halt(stage, { ...fault, forMs: HALT_MS });
}

/** A process stands still; once others take it for gone, somebody halts the desk. */
export function haltWhileStanding(stage: Stage, name: string, fault: Fault): void {
  const process = stage.supervisor.named(name);
  if (process === null) return;
  standStill(stage, process, STANDS_MS);
  stage.kernel.after(HALTED_AFTER_MS, name, () => haltNow(stage, fault));
}

function standStill({ kernel, broker }: Pick<Stage, 'kernel' | 'broker'>, process: Host, forMs: number): void {
  process.stand();
  broker.silent(process);
  kernel.tell(process.name, 'stands still');
  kernel.after(forMs, process.name, () => process.goOn());
}

function halt({ kernel, people }: Pick<Stage, 'kernel' | 'people'>, fault: Fault): void {
  people.halt(fault).catch((thrown: unknown) => kernel.fail(thrown));
}

/** Writes the latest record of a topic once more. */
function again(broker: SimulatedBroker, topic: string, dated: (timestamp: number) => number): string | null {
  const latest = broker
    .records(topic)
    .flatMap((records) => records.slice(-1))
    .toSorted((one, other) => other.timestamp - one.timestamp)[0];
  if (latest === undefined) return null;
  const { key, value, partition, headers, timestamp } = latest;
  const record: OutgoingRecord = { topic, key, value, partition, headers, timestamp: dated(timestamp) };
  broker.append([record]);
  return topic;
}
