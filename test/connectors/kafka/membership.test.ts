import { beforeEach, describe, expect, it } from 'vitest';
import { Generation } from '../../../connectors/kafka/assignment.ts';
import {
  CONFIRMED_MS,
  Membership,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
} from '../../../connectors/kafka/membership.ts';
import { VirtualClock } from '../../../ports/clock.ts';

const START = Date.UTC(2026, 0, 5);

/** What the group says to a heartbeat: nothing where it is null. */
type Answer = 'OK' | 'UNKNOWN_MEMBER_ID' | 'REBALANCE_IN_PROGRESS' | 'NOT_COORDINATOR_FOR_GROUP' | null;

let clock: VirtualClock;
let generation: Generation;
let membership: Membership;
let answer: Answer;
let listeners: Map<string, (event: { readonly payload: object }) => void>;

const emit = (event: string, payload = {}): void => listeners.get(event)?.({ payload });

/** As kafkajs emits it: the request first, then what a good answer means. */
function answered(apiName: string, createdAt: number, means: string | null): void {
  emit('request', { apiName, createdAt });
  if (means !== null) emit(means);
}

beforeEach(() => {
  clock = new VirtualClock(START);
  generation = new Generation();
  answer = 'OK';
  listeners = new Map();
  const on = (event: string, listener: (event: { readonly payload: object }) => void) => listeners.set(event, listener);
  const events = { REQUEST: 'request', HEARTBEAT: 'heartbeat', GROUP_JOIN: 'join' };
  const consumer = { on, events, commitOffsets: () => Promise.resolve() };
  membership = new Membership(consumer as unknown as ConstructorParameters<typeof Membership>[0], clock);
  membership.within({
    commitOffsetsIfNecessary: () => Promise.resolve(),
    heartbeat: async () => {
      if (answer === null) return new Promise(() => {});
      answered('Heartbeat', clock.now(), answer === 'OK' ? 'heartbeat' : null);
      if (answer !== 'OK') throw Object.assign(new Error(answer), { type: answer });
    },
  });
  answered('SyncGroup', START, 'join');
});

describe('KFK-46: a membership is confirmed', () => {
  it('by the join and by heartbeats, from when they were asked for, for CONFIRMED_MS', () => {
    clock.set(START + CONFIRMED_MS);
    expect(membership.isConfirmed).toBe(true);
    clock.set(START + CONFIRMED_MS + 1);
    expect(membership.isConfirmed).toBe(false);
    answered('Heartbeat', clock.now(), 'heartbeat');
    expect(membership.isConfirmed).toBe(true);
  });

  it('not by an answer that came while the process stood still to what it had asked before', () => {
    clock.set(START + 56_000);
    answered('Heartbeat', START + 10, 'heartbeat');
    expect(membership.isConfirmed).toBe(false);
  });

  it('not by other requests, nor by heartbeats that were answered badly', () => {
    clock.set(START + 56_000);
    answered('Fetch', clock.now(), null);
    answered('Heartbeat', clock.now(), null);
    expect(membership.isConfirmed).toBe(false);
  });

  it('not where the clock was set back since', () => {
    clock.set(START - 1);
    expect(membership.isConfirmed).toBe(false);
  });

  it('well below the time after which the group gives its partitions away', () => {
    // EXE-52 adds 2 s.
    expect(CONFIRMED_MS + 2000).toBeLessThanOrEqual(SESSION_TIMEOUT_MS / 2);
  });
});

describe('KFK-46: after a pause', () => {
  beforeEach(() => clock.set(START + 56_000));

  it('the group is asked, and confirms it', async () => {
    expect(await membership.confirm(generation, CONFIRMED_MS)).toBe(true);
    expect({ isConfirmed: membership.isConfirmed, lost: generation.lost }).toEqual({ isConfirmed: true, lost: false });
  });

  it('the generation is lost where the group went on', async () => {
    answer = 'UNKNOWN_MEMBER_ID';
    expect(await membership.confirm(generation, CONFIRMED_MS)).toBe(true);
    expect({ isConfirmed: membership.isConfirmed, lost: generation.lost }).toEqual({ isConfirmed: false, lost: true });
  });

  it('KFK-47: silence ends the question', async () => {
    answer = null;
    expect(await membership.confirm(generation, SESSION_TIMEOUT_MS)).toBe(false);
    expect(clock.now() - START - 56_000).toBe(SESSION_TIMEOUT_MS);
    expect(generation.lost).toBe(false);
  });

  it('KFK-47: a member whose coordinator is another one by now gives its generation up', async () => {
    answer = 'NOT_COORDINATOR_FOR_GROUP';
    expect(await membership.confirm(generation, SESSION_TIMEOUT_MS)).toBe(true);
    expect(generation.lost).toBe(true);
  });
});

describe('during a rebalance', () => {
  const steadyUntil = REBALANCE_TIMEOUT_MS - SESSION_TIMEOUT_MS;
  beforeEach(() => (answer = 'REBALANCE_IN_PROGRESS'));

  it('a member is one while the group waits for it', async () => {
    clock.set(START + steadyUntil);
    expect(await membership.confirm(generation, SESSION_TIMEOUT_MS)).toBe(true);
    expect({ isConfirmed: membership.isConfirmed, lost: generation.lost }).toEqual({ isConfirmed: true, lost: false });
  });

  it('KFK-47: and gives its generation up a session timeout before that ends', async () => {
    clock.set(START + steadyUntil + 1);
    expect(await membership.confirm(generation, SESSION_TIMEOUT_MS)).toBe(true);
    expect({ isConfirmed: membership.isConfirmed, lost: generation.lost }).toEqual({ isConfirmed: false, lost: true });
  });
});
