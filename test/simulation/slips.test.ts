import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import { WHOLE_DESK } from '../../pipelines/desk/kill-switch.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';
import { FaultBoard } from './faults.ts';
import { Host } from './host.ts';
import { Kernel } from './kernel.ts';
import { SimulatedBroker } from './log/broker.ts';
import { SimulatedLog } from './log/simulated-log.ts';
import { SimulatedRegistry } from './log/simulated-registry.ts';
import { People } from './people.ts';
import { SLIP_NAMES, Slips } from './slips.ts';

const START = Date.UTC(2026, 0, 5);

/** People before a desk that nobody works. */
async function aDesk() {
  const kernel = new Kernel(1, START);
  const faults = new FaultBoard(
    [],
    START,
    () => kernel.now,
    () => {},
  );
  const broker = new SimulatedBroker(kernel, faults);
  broker.createTopics(allTopicSpecs());
  const registry = await MemoryRegistry.withOwnSchemas();
  const codec = await RecordCodec.open(registry);
  const random = new SeededRandom(1);
  const snapshot = { ...GOOD_RECORDS[TOPICS.positionSnapshot.name], account: MAIN_ACCOUNT };
  const source = new TopicWriter(TOPICS.positionSnapshot.writer, codec);
  broker.append([source.encode(TOPICS.positionSnapshot, snapshot, snapshot.observed_at)]);
  const open = (host: Host) => ({
    log: new SimulatedLog(host, broker),
    registry: new SimulatedRegistry(host, registry, faults),
    openCodec: () => Promise.resolve(codec),
    close: () => Promise.resolve(),
  });
  const people = new People({
    kernel,
    codec,
    venue: 'binanceusdm',
    sitDown: (name) =>
      new Host({
        name,
        role: name,
        kernel,
        faults,
        random: random.stream(name),
        skewMs: 0,
        grainMs: 1,
        onDeath: () => {},
      }),
    open,
    append: (record) => broker.append([record]),
  });
  const written = (topic: string): number => broker.records(topic).flat().length;
  return {
    people,
    slips: new Slips(people, open),
    records: () =>
      written(TOPICS.deskControl.name) + written(TOPICS.confidenceCalibration.name) + written(TOPICS.deskClaim.name),
    during: async (work: Promise<unknown>) => {
      const done = new AbortController();
      void work.finally(() => done.abort()).catch(() => {});
      while (!done.signal.aborted) await kernel.run(kernel.now + 1000);
      await work;
    },
  };
}

const HARMLESS = new Set([
  'resumes_what_is_not_halted',
  'halts_twice',
  'resumes_the_account_of_a_halted_desk',
  'approves_at_the_same_moment',
]);

describe('somebody who slips', () => {
  it.each(SLIP_NAMES.filter((name) => !HARMLESS.has(name)))('is refused, and writes nothing: %s', async (name) => {
    const { people, slips, records, during } = await aDesk();
    people.calibrate({ much: 0.9 });
    people.calibrate({ much: 0.9 });
    const before = records();
    await during(slips.commit(name, 0));
    expect(slips.refused).toMatchObject([{ what: name }]);
    const [{ code, expected } = { code: null, expected: [] }] = slips.refused;
    expect(expected).toContain(code);
    expect(records()).toBe(before);
  });

  it('lifts no halt of the desk by resuming an account', async () => {
    const { people, during } = await aDesk();
    people.halted.push({ scope: WHOLE_DESK, from: START, until: null });
    const host = people.sitDown('person');
    await during(people.give(host, 'RESUME', MAIN_ACCOUNT));
    expect(people.halted).toMatchObject([{ until: null }]);
    await during(people.give(host, 'RESUME', WHOLE_DESK));
    expect(people.halted[0]?.until).toBeGreaterThan(START);
  });

  it('approves what somebody else approves at that moment: it is in force once', async () => {
    const { slips, records, during } = await aDesk();
    await during(slips.commit('approves_at_the_same_moment', 0.9));
    expect(records()).toBe(2);
    await during(slips.commit('approves_again', 0));
    expect(slips.refused).toMatchObject([{ code: 'DECISION_REFUSED' }]);
  });

  it('is drawn by the fault, each slip by some', async () => {
    const { slips, during } = await aDesk();
    const count = SLIP_NAMES.length;
    for (let place = 0; place < count; place++) await during(slips.slip({ much: (place + 0.5) / count }));
    expect(slips.refused.map(({ what }) => what)).toEqual(SLIP_NAMES.filter((name) => !HARMLESS.has(name)));
  });
});
