import { beforeEach, describe, expect, it } from 'vitest';
import { Health } from '../../../pipelines/runtime/health.ts';
import { VirtualClock } from '../../../ports/clock.ts';

let clock: VirtualClock;
let health: Health;

beforeEach(() => {
  clock = new VirtualClock(1_000_000);
  health = new Health(['scoring', 'clm'], clock);
});

function assignAll(): void {
  for (const name of ['scoring', 'clm']) health.is(name, 'assigned');
}

const why = (): unknown => (health.ready().detail as { why?: unknown }).why;

describe('health', () => {
  it('RUN-12: is ready once every processor is assigned', () => {
    expect(health.ready()).toMatchObject({ ok: false });
    health.is('scoring', 'assigned');
    health.is('clm', 'restoring');
    expect(why()).toEqual(['clm is restoring']);
    health.is('clm', 'assigned');
    expect(health.ready()).toEqual({ ok: true, detail: { processors: { scoring: 'assigned', clm: 'assigned' } } });
  });

  it('RUN-12: is not ready until the last of several partitions has come out of its back-off', () => {
    assignAll();
    health.backedOff('clm', 'one', 'REGISTRY_AWAY');
    health.backedOff('clm', 'two', 'REGISTRY_AWAY');
    health.backedOff('clm', 'one', 'REGISTRY_AWAY');
    health.recovered('clm', 'one');
    expect(why()).toEqual(['clm waits: two: REGISTRY_AWAY']);
    expect(health.live().ok).toBe(true);
    health.recovered('clm', 'two');
    expect(health.ready().ok).toBe(true);
  });

  it('RUN-12: is not ready while the log fails, or hangs for longer than 10 s', () => {
    assignAll();
    health.looking();
    clock.set(clock.now() + 10_000);
    expect(health.ready().ok).toBe(true);
    clock.set(clock.now() + 1);
    expect(why()).toEqual(['the log has not answered for 10001 ms']);
    health.logFailed('connection refused');
    expect(why()).toEqual(['the log does not answer: connection refused']);
    health.looking();
    expect(why()).toEqual(['the log does not answer: connection refused']);
    health.logAnswered();
    expect(health.ready().ok).toBe(true);
  });

  it('RUN-12: is not ready while it drains; RUN-11: it is live', () => {
    assignAll();
    health.drains();
    expect(why()).toEqual(['draining']);
    expect(health.live()).toEqual({ ok: true, detail: {} });
  });

  it('RUN-11: is no longer live when a processor failed', () => {
    assignAll();
    health.is('scoring', 'failed');
    expect(health.live()).toEqual({ ok: false, detail: { failed: ['scoring'] } });
    expect(health.ready().ok).toBe(false);
  });
});
