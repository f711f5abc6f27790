import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { type Fault, FaultBoard } from './faults.ts';
import { type Call, Host } from './host.ts';
import { Kernel } from './kernel.ts';

/** A process, and what became of its requests. */
function aHost(faults: readonly Partial<Fault>[] = [], grainMs = 1) {
  const kernel = new Kernel(1, 0);
  const whole = faults.map((fault): Fault => ({ kind: 'paused', at: 0, forMs: 1e6, on: null, much: 0, ...fault }));
  const board = new FaultBoard(
    whole,
    0,
    () => kernel.now,
    () => {},
  );
  const deaths: string[] = [];
  const random = new SeededRandom(1).stream('host');
  const onDeath = (_: Host, why: string): number => deaths.push(why);
  const host = new Host({ name: 'desk#1', role: 'desk', kernel, faults: board, random, skewMs: 250, grainMs, onDeath });
  const effects: number[] = [];
  const answers: string[] = [];
  const ask = (call: Partial<Call<string>> = {}): void => {
    host
      .call({
        port: 'log',
        operation: 'append',
        effect: () => `effect ${effects.push(kernel.now)}`,
        unanswered: () => new Error('no answer'),
        timeoutMs: 1000,
        ...call,
      })
      .then(
        (value) => answers.push(value),
        (thrown: unknown) => answers.push(String(thrown)),
      );
  };
  return { kernel, host, deaths, effects, answers, ask };
}

describe('a request', () => {
  it.each([
    ['answered', ['effect 1'], 1],
    ['lost', ['Error: no answer'], 0],
    ['reply lost', ['Error: no answer'], 1],
    ['late', ['Error: no answer'], 1],
  ] as const)('that is %s: %j, and takes effect %d times (SIM-13)', async (fate, answer, times) => {
    const { kernel, ask, answers, effects } = aHost();
    ask({ fate, changes: true });
    await kernel.run(60_000);
    expect(answers).toEqual(answer);
    expect(effects).toHaveLength(times);
    if (fate === 'late') expect(effects[0]).toBeGreaterThan(1000);
  });

  it('is answered with what it throws', async () => {
    const { kernel, ask, answers } = aHost();
    ask({
      effect: () => {
        throw new Error('refused');
      },
    });
    await kernel.run(10_000);
    expect(answers).toEqual(['Error: refused']);
  });

  it('changes of the log arrive in the order in which they were sent', async () => {
    const { kernel, ask } = aHost();
    const arrived: number[] = [];
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    for (const index of numbers) ask({ changes: true, effect: () => `${arrived.push(index)}` });
    await kernel.run(10_000);
    expect(arrived).toEqual(numbers);
  });
});

describe('SIM-12: a process', () => {
  it.each([
    ['killed_before', 0],
    ['killed_in_flight', 1],
    ['killed_after', 1],
  ] as const)('that is %s hears nothing, and its request takes effect %d times', async (kind, times) => {
    const { kernel, host, ask, answers, effects, deaths } = aHost([{ kind, on: 'desk:append' }]);
    ask({ changes: true });
    await kernel.run(60_000);
    expect({ answers, effects: effects.length, alive: host.isAlive }).toEqual({
      answers: [],
      effects: times,
      alive: false,
    });
    expect(deaths).toHaveLength(1);
    ask({ changes: true });
    await kernel.run(120_000);
    expect(effects).toHaveLength(times);
  });

  it('that stands still takes its answers once it goes on', async () => {
    const { kernel, host, ask, answers } = aHost();
    ask();
    host.stand();
    await kernel.run(5000);
    expect(answers).toEqual([]);
    host.goOn();
    await kernel.run(5001);
    expect(answers).toEqual(['effect 1']);
  });
});

describe('its clock', () => {
  it('is ahead by its skew, and the time of the exchange is not', () => {
    const { host } = aHost();
    expect(host.clock.now()).toBe(250);
    expect(host.venueClock.now()).toBe(0);
  });

  it('ends a sleep at its time, on a multiple of the grain, or when its signal aborts', async () => {
    const { kernel, host } = aHost([], 500);
    const woken: string[] = [];
    const cut = new AbortController();
    void host.clock.sleep(600).then(() => woken.push(`grain ${kernel.now}`));
    void host.clock.sleep(0).then(() => woken.push(`next ${kernel.now}`));
    void host.clock.sleep(9000, cut.signal).then(() => woken.push(`cut ${kernel.now}`));
    void host.clock.sleep(9000, cut.signal).then(() => woken.push(`cut ${kernel.now}`));
    kernel.at(2000, 'test', () => cut.abort());
    await kernel.run(20_000);
    expect(woken).toEqual(['next 0', 'grain 1000', 'cut 2000', 'cut 2000']);
  });
});
