import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlertName } from '../../../pipelines/alerts/alert-table.ts';
import { type Alert, alertKey, lookCloser } from '../../../pipelines/alerts/alerts.ts';
import { Episodes } from '../../../pipelines/notify/episodes.ts';
import type { DeskAlert } from '../../../schemas/generated/records.ts';

const START = Date.UTC(2026, 0, 1);
const NO_WAITS = { clearAfterMs: 0, settleMs: 0, logFlags: '' };

function alert(name: AlertName, since: number, over: Partial<Alert> = {}): Alert {
  return { name, since, evidence: `${name} since ${since}`, next: lookCloser('status'), ...over };
}

/** The topic: what was written is the latest of its key. */
class Record {
  readonly latest = new Map<string, DeskAlert>();
  readonly written: DeskAlert[] = [];

  write(changes: readonly DeskAlert[]): readonly string[] {
    for (const one of changes) {
      this.latest.set(alertKey(one), one);
      this.written.push(one);
    }
    return changes.map(({ name, scope, state }) => `${scope} ${name} ${state}`);
  }
}

describe('episodes', () => {
  it('are one record when they begin and one when they end, with one id, severity and command', () => {
    const record = new Record();
    const episodes = new Episodes({ ...NO_WAITS, logFlags: ' --data d' });
    const step = (found: readonly Alert[], at: number) => record.write(episodes.changes(record.latest, found, at));
    expect(step([alert('halted', START)], START + 1)).toEqual(['desk halted RAISED']);
    expect(step([alert('halted', START)], START + 2)).toEqual([]);
    expect(step([], START + 3)).toEqual(['desk halted CLEARED']);
    expect(step([], START + 4)).toEqual([]);
    const [raised, cleared] = record.written;
    expect(raised).toMatchObject({ severity: 'CRITICAL', since: START, at: START + 1 });
    expect(raised?.command).toBe('harvestline status --data d');
    expect(cleared).toEqual({ ...raised, state: 'CLEARED', at: START + 3 });
  });

  it('stand side by side where their scopes differ', () => {
    const record = new Record();
    const episodes = new Episodes(NO_WAITS);
    const found = ['scoring', 'clm'].map((scope) => alert('processor_gone', START, { scope }));
    record.write(episodes.changes(record.latest, found, START));
    expect(record.write(episodes.changes(record.latest, found.slice(1), START + 1))).toEqual([
      'scoring processor_gone CLEARED',
    ]);
  });

  it('keep their id and beginning where the evaluation moves it, over any number of restarts (NTF-6)', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ since: fc.nat(1000), restarts: fc.boolean() }), { minLength: 1 }), (steps) => {
        const record = new Record();
        let episodes = new Episodes(NO_WAITS);
        for (const [place, { since, restarts }] of steps.entries()) {
          if (restarts) episodes = new Episodes(NO_WAITS);
          record.write(episodes.changes(record.latest, [alert('winner_held', START + since)], START + 2000 + place));
        }
        expect(record.written).toHaveLength(1);
        expect(record.written[0]?.since).toBe(START + (steps[0]?.since ?? 0));
      }),
    );
  });

  it('have an id each, also where one begins when the one before began (NTF-7)', () => {
    const record = new Record();
    const episodes = new Episodes(NO_WAITS);
    for (const at of [1, 3, 5]) {
      record.write(episodes.changes(record.latest, [alert('winner_held', START)], START + at));
      record.write(episodes.changes(record.latest, [], START + at + 1));
    }
    const raised = record.written.filter(({ state }) => state === 'RAISED');
    expect(new Set(raised.map(({ alert_id: id }) => id)).size).toBe(3);
  });

  it('end once the alert was away for long enough, and none soon after a start (NTF-8)', () => {
    const record = new Record();
    const terms = { ...NO_WAITS, clearAfterMs: 15_000, settleMs: 120_000 };
    let episodes = new Episodes(terms);
    const step = (seconds: number, ...found: readonly Alert[]) =>
      record.write(episodes.changes(record.latest, found, START + 1000 * seconds));
    expect(step(0, alert('halted', START))).toEqual(['desk halted RAISED']);
    expect([step(200), step(210), step(214, alert('halted', START)), step(220), step(230)].flat()).toEqual([]);
    expect(step(235)).toEqual(['desk halted CLEARED']);
    step(300, alert('halted', START + 300_000));
    episodes = new Episodes(terms);
    expect([step(310), step(350), step(420)].flat()).toEqual([]);
    expect(step(431)).toEqual(['desk halted CLEARED']);
  });

  it('fit the schema, however long their texts are', () => {
    const long = alert('halted', START, { evidence: 'x'.repeat(9000), next: lookCloser('tail', 'y'.repeat(3000)) });
    const [record] = new Episodes(NO_WAITS).changes(new Map(), [long], START);
    expect(record?.evidence).toHaveLength(8192);
    expect(record?.command).toHaveLength(2048);
  });
});
