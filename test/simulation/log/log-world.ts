/** A simulated log alone in its world, with members that note what happens to them. */
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import type { MovedStart, SubscribeOptions } from '../../../ports/event-log.ts';
import { record, text, texts } from '../../event-log/open-log.ts';
import { type Fault, FaultBoard, type FaultKind, specOf } from '../faults.ts';
import { Host } from '../host.ts';
import { Kernel } from '../kernel.ts';
import { SimulatedBroker } from './broker.ts';
import { SimulatedLog } from './simulated-log.ts';

export const START = Date.UTC(2026, 0, 1);
export const [TOPIC, OUTPUTS, GROUP] = ['source', 'outputs', 'group'] as const;
export const FROM_BEGINNING = { group: GROUP, topics: [TOPIC], from: 'beginning' } as const satisfies SubscribeOptions;

/** A world with two topics of two partitions. The faults stand from its start on, as long as their kind does. */
export function worldWith(...kinds: readonly FaultKind[]) {
  const kernel = new Kernel(1, START);
  const planned = kinds.map((kind): Fault => ({ kind, at: 0, forMs: specOf(kind).lastsMs, on: null, much: 0.5 }));
  const faults = new FaultBoard(
    planned,
    START,
    () => kernel.now,
    () => {},
  );
  const broker = new SimulatedBroker(kernel, faults);
  broker.createTopics(
    [TOPIC, OUTPUTS].map((name) => ({ name, key: 'as received', partitions: 2, cleanup: 'delete', retentionMs: null })),
  );
  const host = (name: string): Host => {
    const random = new SeededRandom(1).stream('host', name);
    return new Host({
      name,
      role: name,
      kernel,
      faults,
      random,
      skewMs: 0,
      grainMs: 1,
      onDeath: (one) => broker.gone(one),
    });
  };
  /** Virtual time goes on until the work is done. */
  const during = async <T>(work: Promise<T>): Promise<T> => {
    const done = new AbortController();
    void work.finally(() => done.abort()).catch(() => {});
    while (!done.signal.aborted) await kernel.run(kernel.now + 20);
    return work;
  };
  return {
    kernel,
    faults,
    broker,
    host,
    during,
    runFor: (ms: number) => kernel.run(kernel.now + ms),
    stored: (topic: string) => texts(broker.records(topic).flat()),
    committed: () => [...broker.committedOf(GROUP, TOPIC).values()].reduce((sum, offset) => sum + offset, 0),
  };
}

type World = ReturnType<typeof worldWith>;

/** A member that notes what happens to it, and writes each record to OUTPUTS once `mayGoOn`. */
export async function memberOf({ broker, host }: World, name: string, mayGoOn: Promise<unknown> = Promise.resolve()) {
  const process = host(name);
  const seen: string[] = [];
  const events: string[] = [];
  const moved: MovedStart[] = [];
  const options: SubscribeOptions = {
    ...FROM_BEGINNING,
    onAssigned: (assigned) => Promise.resolve(void events.push(`assigned ${assigned[TOPIC]?.join(' ')}`)),
    onDropped: () => events.push('dropped'),
    onMoved: (moves) => Promise.resolve(void moved.push(...moves)),
  };
  const subscription = await new SimulatedLog(process, broker).subscribe(options, async (batch, append) => {
    seen.push(...texts(batch.records));
    await mayGoOn;
    await append(batch.records.map(({ value }) => record(OUTPUTS, name, text(value)))).catch((refusal: unknown) => {
      events.push(String(refusal));
      throw refusal;
    });
    return [];
  });
  return { process, subscription, seen, events, moved };
}

export const at = (partition: number, value: string) => ({ ...record(TOPIC, 'k', value), partition });
