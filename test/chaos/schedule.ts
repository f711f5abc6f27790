import type { Random } from '../../ports/random.ts';

/** Something that befalls the run when this share of the snapshots is committed by scoring. */
export interface Mishap {
  readonly kind: 'kill' | 'join' | 'leave' | 'broker-kill' | 'registry-outage';
  /** From 0 to 1. */
  readonly at: number;
}

export interface Plan {
  /** How often a member is killed. */
  readonly kills: number;
  readonly brokerKill: boolean;
  readonly registryOutage: boolean;
}

/** Two members come and go, and are there together for a while. */
const GUESTS: readonly Mishap[] = [
  { kind: 'join', at: 0.2 },
  { kind: 'join', at: 0.4 },
  { kind: 'leave', at: 0.55 },
  { kind: 'leave', at: 0.75 },
];

/** Kills lie in this stretch: at work, not before the first commit or after the last. */
const FIRST_KILL = 0.04;
const LAST_KILL = 0.95;

/** The middle, between the guests' coming and going. */
const OUTAGE_AT = 0.47;

/** In the order of `at`. One kill falls into each of as many equal stretches, where in it the seed says. */
export function mishapsOf({ kills, brokerKill, registryOutage }: Plan, random: Random): readonly Mishap[] {
  const stream = random.stream('chaos', 'kills');
  const stretch = (LAST_KILL - FIRST_KILL) / kills;
  const killed = Array.from({ length: kills }, (_, index): Mishap => ({
    kind: 'kill',
    at: FIRST_KILL + stretch * (index + stream.uniform()),
  }));
  const mishaps: Mishap[] = [...killed, ...GUESTS];
  if (brokerKill) mishaps.push({ kind: 'broker-kill', at: OUTAGE_AT });
  if (registryOutage) mishaps.push({ kind: 'registry-outage', at: OUTAGE_AT });
  return mishaps.toSorted((one, other) => one.at - other.at);
}
