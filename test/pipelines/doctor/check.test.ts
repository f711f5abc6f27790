import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { CHECK_LIMIT_MS, type Check, examine, fine, trouble } from '../../../pipelines/doctor/check.ts';
import { examinationJson, examinationLines } from '../../../pipelines/doctor/view.ts';
import { VirtualClock, type Clock } from '../../../ports/clock.ts';

/** A clock whose sleeps end only when they are given up: nothing is ever overdue. */
const NEVER_OVERDUE: Clock = {
  now: () => 0,
  sleep: (_ms, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve())),
};

type Behaviour = 'fine' | 'trouble' | 'throws';

function aCheck(name: string, behaviour: Behaviour, needs: readonly string[] = []): Check {
  return {
    name,
    needs,
    blocks: `${name} is not there`,
    examine: () => {
      if (behaviour === 'throws') throw new HarvestlineError('BROKER_AWAY', `${name} threw`);
      return behaviour === 'fine' ? fine('well') : trouble('ill', 'mend it');
    },
  };
}

describe('examine', () => {
  it('DOC-1: a check that throws or fails costs itself and those that need it, and no other', async () => {
    const { ok, checks } = await examine(
      [
        aCheck('a', 'throws'),
        aCheck('b', 'fine', ['a']),
        aCheck('c', 'fine', ['b']),
        aCheck('d', 'trouble'),
        aCheck('e', 'fine'),
      ],
      NEVER_OVERDUE,
    );
    expect(ok).toBe(false);
    expect(checks).toEqual([
      { name: 'a', state: 'trouble', detail: 'a threw', remedy: expect.stringContaining('KAFKA_BROKERS') },
      { name: 'b', state: 'not-made', detail: 'not checked: a is not there', remedy: null },
      { name: 'c', state: 'not-made', detail: 'not checked: a is not there', remedy: null },
      { name: 'd', state: 'trouble', detail: 'ill', remedy: 'mend it' },
      { name: 'e', state: 'fine', detail: 'well', remedy: null },
    ]);
  });

  it('DOC-2: a check that never answers ends at its limit, and does not keep the others', async () => {
    const slept: number[] = [];
    const clock = new VirtualClock(0);
    const hanging: Check = { name: 'hanging', blocks: 'it hangs', examine: () => new Promise(() => {}) };
    const watched: Clock = {
      now: () => clock.now(),
      sleep: (ms) => {
        slept.push(ms);
        return ms === CHECK_LIMIT_MS && slept.length === 1 ? Promise.resolve() : new Promise(() => {});
      },
    };
    const { checks } = await examine(
      [hanging, aCheck('needs it', 'fine', ['hanging']), aCheck('other', 'fine')],
      watched,
    );
    expect(checks.map(({ name, state, detail }) => [name, state, detail])).toEqual([
      ['hanging', 'trouble', 'no answer within 10 s'],
      ['needs it', 'not-made', 'not checked: it hangs'],
      ['other', 'fine', 'well'],
    ]);
  });

  it('begins checks that do not need each other side by side', async () => {
    const begun: string[] = [];
    const gate = Promise.withResolvers<void>();
    const waiting = (name: string): Check => ({
      name,
      blocks: '',
      examine: async () => {
        begun.push(name);
        if (begun.length === 2) gate.resolve();
        await gate.promise;
        return fine('well');
      },
    });
    const { ok } = await examine([waiting('a'), waiting('b')], NEVER_OVERDUE);
    expect(ok).toBe(true);
  });

  it('DOC-3: whatever fails, a check that could not be made is never ok, and the whole is ok only if all are', async () => {
    const behaviours = fc.array(fc.constantFrom<Behaviour>('fine', 'trouble', 'throws'), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(behaviours, fc.nat(), async (given, seed) => {
        const checks = given.map((behaviour, index) =>
          aCheck(String(index), behaviour, index > 0 ? [String((seed + index) % index)] : []),
        );
        const { ok, checks: results } = await examine(checks, NEVER_OVERDUE);
        expect(ok).toBe(given.every((behaviour) => behaviour === 'fine'));
        expect(results.map(({ name }) => name)).toEqual(checks.map(({ name }) => name));
        for (const [index, { state, remedy }] of results.entries()) {
          const needed = checks[index]?.needs?.map((name) => results[Number(name)]?.state) ?? [];
          const expected = needed.every((one) => one === 'fine')
            ? given[index] === 'fine'
              ? 'fine'
              : 'trouble'
            : 'not-made';
          expect(state).toBe(expected);
          expect(remedy === null).toBe(state !== 'trouble');
        }
      }),
    );
  });
});

describe('what doctor prints', () => {
  const long =
    'position.snapshot: retention.ms is 604800000, the table says 10368000000; partitions is 3, the table says 6';
  const found = {
    ok: false,
    checks: [
      { name: 'broker', state: 'fine', detail: '1 of 1 address reached', remedy: null },
      { name: 'drift', state: 'trouble', detail: long, remedy: 'harvestline topics apply' },
      { name: 'position mode', state: 'not-made', detail: 'not checked: the exchange does not answer', remedy: null },
    ],
  } as const;

  it('has the failures first, each with its remedy, in the width of the terminal', () => {
    const lines = examinationLines(found, 80);
    expect(lines).toEqual([
      'this desk cannot run: 1 of 3 checks failed, 1 could not be made',
      '✗ drift          position.snapshot: retention.ms is 604800000, the table says',
      '                 10368000000; partitions is 3, the table says 6',
      '                 → harvestline topics apply',
      '? position mode  not checked: the exchange does not answer',
      '✓ broker         1 of 1 address reached',
    ]);
    for (const line of examinationLines(found, 40)) expect(line.length).toBeLessThanOrEqual(40 + 24);
  });

  it('in a pipe is the shape that programs read', () => {
    expect(examinationJson(found)).toEqual({
      ok: false,
      checks: [
        { name: 'broker', ok: true, detail: '1 of 1 address reached', remedy: null },
        { name: 'drift', ok: false, detail: long, remedy: 'harvestline topics apply' },
        { name: 'position mode', ok: false, detail: 'not checked: the exchange does not answer', remedy: null },
      ],
    });
  });
});
