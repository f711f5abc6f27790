import { expect, it } from 'vitest';
import type { TopicSpec } from '../../schemas/topics.ts';
import { Archive } from './archive.ts';
import { FaultBoard } from './faults.ts';
import { Kernel } from './kernel.ts';
import { SimulatedBroker } from './log/broker.ts';

const START = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;
const [TOPIC, GROUP] = ['observed', 'reader'] as const;
const SPEC: TopicSpec = { name: TOPIC, key: 'as received', partitions: 1, cleanup: 'delete', retentionMs: null };

/** A topic with an archive, and a group that has acknowledged what it is told to. */
function kept() {
  const kernel = new Kernel(1, START);
  const faults = new FaultBoard(
    [],
    START,
    () => kernel.now,
    () => {},
  );
  const broker = new SimulatedBroker(kernel, faults);
  broker.createTopics([SPEC]);
  const archive = new Archive(broker, [GROUP]);
  broker.onAppend((record) => archive.keep(record, kernel.now));
  broker.onRecreation((topic) => archive.recreated(topic, kernel.now));
  return {
    kernel,
    broker,
    archive,
    write: (...values: readonly string[]) =>
      broker.append(
        values.map((value) => ({ topic: TOPIC, key: null, value: Buffer.from(value), timestamp: kernel.now })),
      ),
    acknowledge: (offset: number) => broker.group(GROUP).set({ topic: TOPIC, partition: 0, offset }),
    mayBeUnread: () =>
      archive
        .records(TOPIC)
        .flat()
        .filter((record) => archive.mayBeUnread(GROUP, record))
        .map(({ value }) => Buffer.from(value ?? []).toString()),
    current: () => archive.current(TOPIC).flat().length,
  };
}

it('has what was written to a topic before it was deleted, and after', () => {
  const { broker, archive, write, current } = kept();
  write('a', 'b');
  broker.recreate(TOPIC);
  write('c');
  expect(archive.records(TOPIC).flat()).toHaveLength(3);
  expect([current(), broker.records(TOPIC).flat().length]).toEqual([1, 1]);
  broker.recreate(TOPIC);
  expect(current()).toBe(0);
});

it('SIM-41: a group may leave out what it had not acknowledged of a topic that was deleted', () => {
  const { broker, write, acknowledge, mayBeUnread } = kept();
  write('a', 'b', 'c');
  acknowledge(2);
  expect(mayBeUnread()).toEqual([]);
  broker.recreate(TOPIC);
  expect(mayBeUnread()).toEqual(['c']);
});

it('SIM-41: and what grew unnoticed up to where it was, and no more', async () => {
  const { kernel, broker, write, acknowledge, mayBeUnread } = kept();
  write('a', 'b');
  acknowledge(2);
  broker.recreate(TOPIC);
  write('c', 'd', 'e');
  expect(mayBeUnread()).toEqual(['c', 'd']);
  broker.recreate(TOPIC);
  await kernel.run(START + 10 * MINUTE_MS);
  write('f');
  expect(mayBeUnread()).toEqual(['c', 'd', 'e']);
});
