import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NotifyState, deliveredKeyOf, dueMessages, isWithin } from '../../../pipelines/notify/due.ts';
import type { NotifySettings } from '../../../ports/notify.ts';
import type { AlertId, AlertSeverity, DeskAlert, NotifyDelivered } from '../../../schemas/generated/records.ts';

const HOUR_MS = 3_600_000;
/** Midnight in UTC. */
const MIDNIGHT = Date.UTC(2026, 10, 28);

const NIGHT = { from: 22 * 60, to: 7 * 60, timeZone: 'UTC', below: 'CRITICAL' } as const;

function settings(over: Partial<NotifySettings> = {}): NotifySettings {
  return {
    targets: [{ target: { name: 'ops', send: () => Promise.resolve() }, fromSeverity: 'INFO' }],
    heartbeats: [],
    quietHours: null,
    remindAfterMs: 4 * HOUR_MS,
    ...over,
  };
}

function alert(over: Partial<DeskAlert> = {}): DeskAlert {
  return {
    alert_id: 'a1' as AlertId,
    name: 'winner_held',
    scope: 'desk',
    severity: 'WARNING',
    state: 'RAISED',
    since: MIDNIGHT,
    at: MIDNIGHT,
    evidence: 'a winner is held',
    command: 'harvestline status',
    ...over,
  };
}

function state(alerts: readonly DeskAlert[], delivered: readonly NotifyDelivered[] = []): NotifyState {
  return {
    alerts: new Map(alerts.map((one) => [`${one.scope}:${one.name}`, one])),
    delivered: new Map(delivered.map((one) => [deliveredKeyOf(one.target, one), one])),
  };
}

function taken(of: DeskAlert, over: Partial<NotifyDelivered> = {}): NotifyDelivered {
  const { alert_id, name, scope } = of;
  return { target: 'ops', name, scope, alert_id, state: 'RAISED', reminder: 0, delivered_at: MIDNIGHT, ...over };
}

/** What is due, in short. */
function due(...args: Parameters<typeof dueMessages>): readonly string[] {
  return dueMessages(...args).map(
    ({ target, alert: { state: said, name }, reminder }) => `${target} ${name} ${said} ${reminder}`,
  );
}

describe('messages that are due', () => {
  it('are one per episode and state, until they are taken (NTF-1)', () => {
    const raised = alert();
    expect(due(state([raised]), settings(), MIDNIGHT)).toEqual(['ops winner_held RAISED 0']);
    expect(due(state([raised], [taken(raised)]), settings(), MIDNIGHT)).toEqual([]);
    const again = alert({ alert_id: 'a2' as AlertId });
    expect(due(state([again], [taken(raised)]), settings(), MIDNIGHT)).toEqual(['ops winner_held RAISED 0']);
  });

  it('tell that an alert was cleared, once (NTF-2)', () => {
    const cleared = alert({ state: 'CLEARED' });
    expect(due(state([cleared], [taken(cleared)]), settings(), MIDNIGHT)).toEqual(['ops winner_held CLEARED 0']);
    expect(due(state([cleared], [taken(cleared, { state: 'CLEARED' })]), settings(), MIDNIGHT)).toEqual([]);
    expect(due(state([cleared]), settings(), MIDNIGHT)).toEqual(['ops winner_held CLEARED 0']);
  });

  it('leave out what was over before the target was there (NTF-2)', () => {
    const cleared = alert({ state: 'CLEARED' });
    expect(due(state([cleared]), settings(), MIDNIGHT + HOUR_MS)).toEqual(['ops winner_held CLEARED 0']);
    expect(due(state([cleared]), settings(), MIDNIGHT + HOUR_MS + 1)).toEqual([]);
    const other = alert({ name: 'halted', alert_id: 'a9' as AlertId });
    const isThere = (at: number): NotifyDelivered => taken(other, { delivered_at: at });
    const later = MIDNIGHT + 2 * HOUR_MS;
    expect(due(state([cleared], [isThere(MIDNIGHT)]), settings(), later)).toEqual(['ops winner_held CLEARED 0']);
    expect(due(state([cleared], [isThere(MIDNIGHT + 1)]), settings(), later)).toEqual([]);
  });

  it('never tell a target of its own failure (NTF-13)', () => {
    const failed = alert({ name: 'notify_failed', scope: 'ops' });
    expect(due(state([failed]), settings(), MIDNIGHT)).toEqual([]);
    const other = alert({ name: 'notify_failed', scope: 'phone' });
    expect(due(state([other]), settings(), MIDNIGHT)).toEqual(['ops notify_failed RAISED 0']);
  });

  it('leave out what came and went within quiet hours (NTF-2)', () => {
    const cleared = alert({ state: 'CLEARED', at: MIDNIGHT + HOUR_MS });
    const quiet = settings({ quietHours: NIGHT });
    expect(due(state([cleared]), quiet, MIDNIGHT + 9 * HOUR_MS)).toEqual([]);
    expect(due(state([cleared], [taken(cleared)]), quiet, MIDNIGHT + 9 * HOUR_MS)).toEqual([
      'ops winner_held CLEARED 0',
    ]);
  });

  it('wait for the end of quiet hours, but for what is severe enough (NTF-4)', () => {
    const quiet = settings({ quietHours: NIGHT });
    const both = state([alert(), alert({ name: 'halted', severity: 'CRITICAL' })]);
    expect(due(both, quiet, MIDNIGHT)).toEqual(['ops halted RAISED 0']);
    expect(due(both, quiet, MIDNIGHT + 7 * HOUR_MS)).toEqual(['ops halted RAISED 0', 'ops winner_held RAISED 0']);
  });

  it('remind after the interval since the message before (NTF-3)', () => {
    const raised = alert();
    const first = state([raised], [taken(raised)]);
    expect(due(first, settings(), MIDNIGHT + 4 * HOUR_MS - 1)).toEqual([]);
    expect(due(first, settings(), MIDNIGHT + 4 * HOUR_MS)).toEqual(['ops winner_held RAISED 1']);
    const second = taken(raised, { reminder: 1, delivered_at: MIDNIGHT + 40 * HOUR_MS });
    expect(due(state([raised], [second]), settings(), MIDNIGHT + 43 * HOUR_MS)).toEqual([]);
    expect(due(state([raised], [second]), settings(), MIDNIGHT + 44 * HOUR_MS)).toEqual(['ops winner_held RAISED 2']);
  });

  it('go to targets that want their severity', () => {
    const send = (): Promise<void> => Promise.resolve();
    const targets = [
      { target: { name: 'all', send }, fromSeverity: 'INFO' },
      { target: { name: 'pager', send }, fromSeverity: 'CRITICAL' },
    ] as const;
    expect(due(state([alert()]), settings({ targets }), MIDNIGHT)).toEqual(['all winner_held RAISED 0']);
    const unknown = alert({ severity: 'UNRECOGNISED' as AlertSeverity });
    expect(due(state([unknown]), settings({ targets }), MIDNIGHT)).toHaveLength(2);
  });

  it('end: whatever was taken before, sending what is due leaves nothing due (NTF-1)', () => {
    const anyAlert = fc.record({
      alert_id: fc.constantFrom('a1', 'a2').map((id) => id as AlertId),
      name: fc.constantFrom('winner_held', 'halted', 'dead_letters'),
      severity: fc.constantFrom('INFO' as const, 'WARNING' as const, 'CRITICAL' as const),
      state: fc.constantFrom('RAISED' as const, 'CLEARED' as const),
      hours: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(
        fc.array(anyAlert, { maxLength: 8 }),
        fc.boolean(),
        fc.integer({ min: 60, max: 200 }),
        (drawn, isQuiet, hours) => {
          const now = MIDNIGHT + hours * HOUR_MS;
          const wanted = settings({ quietHours: isQuiet ? NIGHT : null });
          const found = state(drawn.map((one) => alert({ ...one, at: MIDNIGHT + one.hours * HOUR_MS })));
          const delivered = dueMessages(found, wanted, now).map(({ target, alert: sent, reminder }) =>
            taken(sent, {
              target,
              state: sent.state === 'CLEARED' ? 'CLEARED' : 'RAISED',
              reminder,
              delivered_at: now,
            }),
          );
          expect(dueMessages(state([...found.alerts.values()], delivered), wanted, now)).toEqual([]);
        },
      ),
    );
  });
});

describe('quiet hours', () => {
  it.each([
    ['21:59', 21 * 60 + 59, false],
    ['22:00', 22 * 60, true],
    ['06:59', 6 * 60 + 59, true],
    ['07:00', 7 * 60, false],
  ])('across midnight at %s', (_time, minutes, expected) => {
    expect(isWithin(NIGHT, MIDNIGHT + minutes * 60_000)).toBe(expected);
  });

  it('are by the clocks of their zone, in summer time as well', () => {
    const berlin = { from: 0, to: 60, timeZone: 'Europe/Berlin', below: 'CRITICAL' } as const;
    expect(isWithin(berlin, Date.UTC(2026, 10, 28, 23, 30))).toBe(true);
    expect(isWithin(berlin, Date.UTC(2026, 6, 28, 22, 30))).toBe(true);
    expect(isWithin(berlin, Date.UTC(2026, 6, 28, 23, 30))).toBe(false);
  });
});
