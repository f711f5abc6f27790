import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  KillSwitchState,
  type LastObeyed,
  type SwitchRecord,
  WHOLE_DESK,
  ObeyedByProcesses,
  keptKey,
  scopeOfKey,
} from '../../../pipelines/desk/kill-switch.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const PROCESS = GOOD_RECORDS[TOPICS.deskProcess.name];

/** A log of one partition; records are appended one after the other. */
class Log {
  readonly records: SwitchRecord[] = [];

  /** As `harvestline halt` and `harvestline resume` write it. */
  own(command: 'HALT' | 'RESUME', scope = WHOLE_DESK, at = 1000 + this.records.length): this {
    return this.foreign(command, scope, at).put({ ...commandRecord(command, scope, at), key: keptKey(scope) });
  }

  /** As a program writes it that knows nothing of the second key. */
  foreign(command: 'HALT' | 'RESUME', scope = WHOLE_DESK, at = 1000 + this.records.length): this {
    return this.put({ ...commandRecord(command, scope, at), key: scope });
  }

  bad(scope = WHOLE_DESK, at = 1000 + this.records.length): this {
    return this.put({ kind: 'bad', scopes: [scope], key: scope, at, why: 'does not decode' });
  }

  tombstone(key: string = WHOLE_DESK, at = 1000 + this.records.length): this {
    return this.put({ kind: 'tombstone', scope: scopeOfKey(Buffer.from(key)) ?? WHOLE_DESK, key, at });
  }

  put(record: Unplaced): this {
    this.records.push({ ...record, topic: 'desk.control', partition: 0, offset: this.records.length });
    return this;
  }

  /** What compaction may leave: of each key its latest, which is gone as well where it is a tombstone; `kept` says what it got to. */
  compacted(isKept: (offset: number) => boolean = () => false): readonly SwitchRecord[] {
    const latest = new Map(this.records.map((record) => [record.key, record]));
    return this.records.filter(
      (record) => isKept(record.offset) || (latest.get(record.key) === record && record.kind !== 'tombstone'),
    );
  }
}

type Unplaced = SwitchRecord extends infer R
  ? R extends SwitchRecord
    ? Omit<R, 'topic' | 'partition' | 'offset'>
    : never
  : never;

function commandRecord(command: 'HALT' | 'RESUME', scope: string, at: number) {
  return { kind: 'command', command, scope, at, by: 'alice', reason: 'a reason' } as const;
}

function stateOf(records: readonly SwitchRecord[], lastObeyed?: LastObeyed): KillSwitchState {
  const state = new KillSwitchState(lastObeyed);
  for (const record of records) state.apply(record);
  return state;
}

const lastObeyedOf = (state: KillSwitchState): LastObeyed => new Map(state.obeys().map((one) => [one.scope, one]));

describe('the state of the kill switch', () => {
  it('DSK-21: the latest command of a scope is in force; the desk is everybody', () => {
    const state = stateOf(new Log().own('HALT').own('RESUME').own('HALT', 'other').records);
    expect([state.stopOf('main'), state.stopOf('other')]).toEqual([
      null,
      { scope: 'other', by: 'alice', reason: 'a reason', since: 1004 },
    ]);
    expect(stateOf(new Log().own('HALT').own('RESUME', 'main').records).stopOf('main')?.scope).toBe(WHOLE_DESK);
  });

  it('DSK-21: an earlier issued_at does not make a later record earlier', () => {
    const state = stateOf(new Log().own('RESUME', WHOLE_DESK, 5000).foreign('HALT', WHOLE_DESK, 10).records);
    expect(state.stopOf('main')).toMatchObject({ by: 'alice' });
  });

  it('DSK-22: a record that cannot be read stops its scope until a later good command, and is named', () => {
    const log = new Log().own('RESUME').bad('main');
    const unknown = { scope: 'main', since: 1002, why: 'desk.control[0]@2 does not decode' };
    expect([stateOf(log.records).stopOf('main'), stateOf(log.records).stopOf('other')]).toEqual([unknown, null]);
    expect(stateOf(log.own('RESUME').records).stopOf('main')).toEqual(unknown);
    expect(stateOf(log.own('RESUME', 'main').records).stopOf('main')).toBeNull();
  });

  it('DSK-22: in another partition, too, and a command that was issued before does not settle it', () => {
    const state = new KillSwitchState();
    const [resume] = new Log().foreign('RESUME').records;
    const [bad] = new Log().bad(WHOLE_DESK, 2000).records;
    if (resume === undefined || bad === undefined) throw new Error('no record');
    state.apply({ ...bad, partition: 3, key: 'elsewhere' });
    state.apply(resume);
    expect(state.stopOf('main')).toMatchObject({ since: 2000 });
    expect(state.latestAt(WHOLE_DESK)).toBe(2000);
  });

  it('DSK-23: a tombstone on a command of this program changes nothing', () => {
    for (const command of ['HALT', 'RESUME'] as const) {
      const log = new Log().own(command).tombstone();
      const before = stateOf(log.records).stops();
      expect(before).toHaveLength(command === 'HALT' ? 1 : 0);
      expect(stateOf(log.compacted()).stops()).toEqual(before);
    }
  });

  it('DSK-24: a tombstone on the command of another program leaves nothing known', () => {
    const log = new Log().own('RESUME').foreign('HALT').tombstone();
    const state = stateOf(log.records);
    expect(state.stopOf('main')).toMatchObject({ why: expect.stringContaining('was deleted') });
    expect(stateOf(log.compacted(), lastObeyedOf(state)).stopOf('main')).toMatchObject({
      why: expect.stringContaining('is gone from the topic'),
    });
    expect(stateOf(log.own('RESUME').compacted(), lastObeyedOf(state)).stopOf('main')).toBeNull();
  });

  it('DSK-24: a tombstone of which nobody knows what it deleted stops its scope', () => {
    expect(stateOf(new Log().tombstone('main').records).stops()).toMatchObject([{ scope: 'main' }]);
  });

  it('DSK-24: a topic that was made anew is not obeyed in place of a halt that it lost, but in place of a resume', () => {
    const halted = lastObeyedOf(stateOf(new Log().own('HALT').records));
    const resumed = lastObeyedOf(stateOf(new Log().own('HALT').own('RESUME').records));
    expect(stateOf([], halted).stops()).toMatchObject([{ scope: WHOLE_DESK, why: expect.stringContaining('HALT') }]);
    expect(stateOf([], resumed).stops()).toEqual([]);
    expect(stateOf(new Log().own('HALT').records, resumed).stopOf('main')).toMatchObject({ by: 'alice' });
  });

  const scopes = fc.constantFrom(WHOLE_DESK, 'main', 'other');
  const commands = fc.constantFrom('HALT' as const, 'RESUME' as const);
  /** They go back as well as forward. No two programs issue a command in the same millisecond. */
  const times = fc.integer({ min: 0, max: 6 });
  const at = (time: number, log: Log): number => 1000 * time + 10 * log.records.length;

  it('DSK-23: what is obeyed is the same before compaction and after it, whatever tombstones deleted', () => {
    const ours = fc.oneof(
      fc.record({ command: commands, scope: scopes }).map(
        ({ command, scope }) =>
          (log: Log) =>
            log.own(command, scope),
      ),
      scopes.map((scope) => (log: Log) => log.tombstone(scope)),
    );
    const everyScopeFirst = (log: Log): Log => log.own('RESUME').own('RESUME', 'main').own('RESUME', 'other');
    fc.assert(
      fc.property(fc.array(ours, { maxLength: 12 }), fc.func(fc.boolean()), (steps, isKept) => {
        const log = steps.reduce((so, step) => step(so), everyScopeFirst(new Log()));
        expect(stateOf(log.compacted(isKept)).stops()).toEqual(stateOf(log.records).stops());
      }),
    );
  });

  it('DSK-24: what was stopped at the last read stays so, whatever other programs wrote and compaction left', () => {
    const anything = fc.oneof(
      fc.record({ command: commands, scope: scopes, time: times }).map(
        ({ command, scope, time }) =>
          (log: Log) =>
            log.foreign(command, scope, at(time, log)),
      ),
      fc.record({ command: commands, scope: scopes }).map(
        ({ command, scope }) =>
          (log: Log) =>
            log.own(command, scope, Math.max(0, stateOf(log.records).latestAt(scope)) + 1),
      ),
      fc.record({ scope: scopes, time: times }).map(
        ({ scope, time }) =>
          (log: Log) =>
            log.bad(scope, at(time, log)),
      ),
      fc.record({ scope: scopes, time: times, kept: fc.boolean() }).map(
        ({ scope, time, kept }) =>
          (log: Log) =>
            log.tombstone(kept ? keptKey(scope) : scope, at(time, log)),
      ),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 12 }), fc.func(fc.boolean()), (steps, isKept) => {
        const log = steps.reduce((so, step) => step(so), new Log());
        const before = stateOf(log.records);
        const after = stateOf(log.compacted(isKept), lastObeyedOf(before));
        for (const { scope } of before.stops()) {
          expect([scope, after.stops().some((stop) => stop.scope === scope)]).toEqual([scope, true]);
        }
        // And one command settles it, whatever it was.
        const settled = log.own('RESUME', WHOLE_DESK, Math.max(0, after.latestAt(WHOLE_DESK)) + 1);
        expect(
          stateOf(settled.compacted(isKept), lastObeyedOf(after))
            .stops()
            .map(({ scope }) => scope),
        ).not.toContain(WHOLE_DESK);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what a key names', () => {
  it.each([
    ['desk', 'desk'],
    [keptKey('main'), 'main'],
    ['', null],
    ['a\u0000b', null],
    ['x'.repeat(257), null],
  ])('%j is %j', (key, scope) => expect(scopeOfKey(Buffer.from(key))).toBe(scope));

  it('nothing where it is no text or not there', () => {
    expect([scopeOfKey(null), scopeOfKey(Buffer.from([0xff, 0xfe]))]).toEqual([null, null]);
  });
});

it('of several processes the one that was seen last decides what was obeyed', () => {
  const obeyed = new ObeyedByProcesses();
  const obeys = (command: 'HALT' | 'RESUME', issued_at: number) => [{ scope: 'desk', command, issued_at }];
  obeyed.apply({ ...PROCESS, process: 'new', seen_at: 20, obeys: obeys('RESUME', 3) });
  obeyed.apply({ ...PROCESS, process: 'old', seen_at: 10, obeys: obeys('HALT', 5) });
  expect([...obeyed.lastObeyed().values()]).toEqual(obeys('RESUME', 3));
});
