import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { AlertName } from '../../../pipelines/alerts/alert-table.ts';
import { type Alert, lookCloser } from '../../../pipelines/alerts/alerts.ts';
import { AlertWatch } from '../../../pipelines/notify/alert-watch.ts';
import { type Clock, VirtualClock } from '../../../ports/clock.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { NO_METRICS } from '../../../ports/metrics.ts';
import type { NotifyTarget } from '../../../ports/notify.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { MemoryLog, memorySession } from '../../fixtures/memory-log.ts';

const START = Date.UTC(2026, 0, 1);

let codec: RecordCodec;
beforeAll(async () => {
  codec = (await memorySession()).codec;
});

/** The process was killed: nothing that it would do after this happens. */
class Killed extends Error {}

type Effect = 'a change is written' | 'a message is taken' | 'a delivery is written';

/** Effects are counted, and the process is killed before or after one of them. */
class Fate {
  #left: number;
  readonly #after: boolean;
  isKilled = false;
  /** What it did when it was killed. */
  killedAt: Effect | null = null;

  constructor(effects: number, after: boolean) {
    this.#left = effects;
    this.#after = after;
  }

  async meet<T>(kind: Effect, effect: () => Promise<T> | T): Promise<T> {
    if (this.isKilled) throw new Killed();
    this.#left -= 1;
    if (this.#left < 0 && !this.#after) this.#kill(kind);
    const result = await effect();
    if (this.#left < 0) this.#kill(kind);
    return result;
  }

  #kill(kind: Effect): never {
    this.isKilled = true;
    this.killedAt ??= kind;
    throw new Killed();
  }
}

/** A time that passes only where it is set: a wait that nothing ends goes on for ever. */
class StillClock extends VirtualClock {
  override sleep(_ms: number, stop?: AbortSignal): Promise<void> {
    return new Promise((resolve) => stop?.addEventListener('abort', () => resolve(), { once: true }));
  }
}

/** What targets have taken: `target alert_id STATE reminder`. */
type Taken = string[];

interface World {
  readonly log: MemoryLog;
  readonly taken: Taken;
  readonly clock: Clock & { set(now: number): void };
}

function world(): World {
  return { log: new MemoryLog(), taken: [], clock: new StillClock(START) };
}

function targetInto(taken: Taken, name: string, fate: Fate, sick: () => boolean = () => false): NotifyTarget {
  return {
    name,
    send: async ({ alert: { name: about, alert_id: id, state }, reminder }) => {
      if (sick()) throw new HarvestlineError('NOTIFY_UNAVAILABLE', `${name}: down`);
      await fate.meet('a message is taken', () => void taken.push(`${name} ${about} ${id} ${state} ${reminder}`));
    },
  };
}

/** One life of the watch: it is made, evaluates as often as there are `steps`, and settles after each. */
async function live(
  { log, taken, clock }: World,
  steps: readonly (readonly AlertName[])[],
  fate: Fate,
  targets: readonly NotifyTarget[] = ['ops', 'phone'].map((name) => targetInto(taken, name, fate)),
): Promise<number> {
  const guarded = Object.assign(Object.create(log) as MemoryLog, {
    append: (records: readonly OutgoingRecord[]) => {
      const isChange = records.some(({ topic }) => topic === TOPICS.deskAlert.name);
      return fate.meet(isChange ? 'a change is written' : 'a delivery is written', () => log.append(records));
    },
    read: log.read.bind(log),
    offsets: log.offsets.bind(log),
    offsetsAt: log.offsetsAt.bind(log),
  });
  const watch = new AlertWatch({
    topics: { log: guarded, codec },
    settings: {
      targets: targets.map((target) => ({ target, fromSeverity: 'INFO' })),
      quietHours: null,
      remindAfterMs: Infinity,
    },
    desk: null,
    notifyFile: 'notify.yaml',
    clearAfterMs: 0,
    settleMs: 0,
    logFlags: '',
    clock,
    pacing: clock,
    logger: SILENT_LOGGER,
    metrics: NO_METRICS,
    signal: new AbortController().signal,
  });
  let done = 0;
  try {
    for (const found of steps) {
      clock.set(clock.now() + 10_000);
      await watch.journal.readOn();
      await watch.record(found.map(alertOf), (records) => guarded.append(records));
      watch.send();
      await watch.idle();
      if (fate.isKilled) return done;
      done += 1;
    }
  } catch (thrown) {
    if (!(thrown instanceof Killed)) throw thrown;
  }
  return done;
}

function alertOf(name: AlertName): Alert {
  return { name, since: START, evidence: `${name} stands`, next: lookCloser('status') };
}

const NEVER_KILLED = (): Fate => new Fate(Infinity, false);

/** Every change on record, as each target has to be told of it. */
async function recorded({ log }: World): Promise<readonly string[]> {
  const changes: string[] = [];
  for await (const { records } of log.read(TOPICS.deskAlert.name)) {
    for (const at of records) {
      const { alert_id: id, name, state } = codec.decode(TOPICS.deskAlert.name, at);
      changes.push(`${name} ${id} ${state} 0`);
    }
  }
  return changes;
}

describe('a watch that is killed anywhere (NTF-14)', () => {
  const names = fc.constantFrom('halted' as const, 'winner_held' as const, 'dead_letters' as const);
  const steps = fc.array(fc.uniqueArray(names, { maxLength: 2 }), { minLength: 1, maxLength: 5 });
  const kill = fc.record({ effects: fc.nat(6), after: fc.boolean() });

  it('loses no message, and doubles one only where it died between the answer and the record', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.array(kill, { maxLength: 5 }), async (evaluations, kills) => {
        const all = world();
        let rest = evaluations;
        let doubled = 0;
        for (const { effects, after } of kills) {
          const fate = new Fate(effects, after);
          const done = await live(all, rest, fate);
          // One message of each target may be on its way.
          if (fate.isKilled && fate.killedAt !== 'a change is written') doubled += 2;
          // What it was at when it was killed is evaluated again.
          rest = rest.slice(done);
        }
        await live(all, [...rest, evaluations.at(-1) ?? []], NEVER_KILLED());
        const changes = await recorded(all);
        expect(new Set(changes).size).toBe(changes.length);
        const wanted = ['ops', 'phone'].flatMap((target) => changes.map((change) => `${target} ${change}`));
        expect([...new Set(all.taken)].toSorted()).toEqual(wanted.toSorted());
        expect(all.taken.length - wanted.length).toBeLessThanOrEqual(doubled);
      }),
      { numRuns: 300 },
    );
  });

  it('sends nothing twice where nobody kills it, however often it starts', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (evaluations) => {
        const all = world();
        for (const found of evaluations) await live(all, [found], NEVER_KILLED());
        expect(new Set(all.taken).size).toBe(all.taken.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a target that fails for a minute (NTF-15)', () => {
  it('is an alert on the others, not on itself, and over once it takes its messages', async () => {
    const all = world();
    let isSick = true;
    const fate = NEVER_KILLED();
    const targets = [targetInto(all.taken, 'ops', fate), targetInto(all.taken, 'phone', fate, () => isSick)];
    const found: readonly AlertName[] = ['halted'];
    // A life is as long as its evaluations, ten seconds apart.
    const sick = Array.from({ length: 9 }, () => found);
    const mended = Array.from({ length: 4 }, () => found);
    const life = live(all, [...sick, ...mended], fate, [
      ...targets.slice(0, 1),
      {
        name: 'phone',
        send: (notice, signal) => {
          isSick = all.clock.now() < START + 95_000;
          return (targets[1] ?? targets[0])?.send(notice, signal) ?? Promise.resolve();
        },
      },
    ]);
    await life;
    const said = all.taken.map((line) => line.replace(/ [0-9a-f]{32}/, ''));
    expect(said).toEqual([
      'ops halted RAISED 0',
      'ops notify_failed RAISED 0',
      'phone halted RAISED 0',
      'ops notify_failed CLEARED 0',
    ]);
  });
});
