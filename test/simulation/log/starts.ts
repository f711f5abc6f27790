/** Where a member starts in what it was assigned: KFK-1 to KFK-3, as connectors/kafka/assignment.ts decides them. */
import { type Start, startingOffsetsOf } from '../../../connectors/kafka/assignment.ts';
import type { Append, Assigned, MovedStart, SubscribeOptions } from '../../../ports/event-log.ts';
import type { SimulatedBroker } from './broker.ts';
import type { LogRequests } from './log-requests.ts';

interface StartsContext {
  readonly broker: SimulatedBroker;
  readonly requests: LogRequests;
  /** Topics that this subscription has read before. Those of the assignment are added. */
  readonly known: Set<string>;
  readonly append: Append;
  readonly commit: (starts: readonly Start[]) => Promise<void>;
}

/** The offsets to start at, by place. Moved ones are reported, and new ones committed, before anything is fetched. */
export async function findStarts(
  assigned: Assigned,
  { group, from, onMoved }: SubscribeOptions,
  { broker, requests, known, append, commit }: StartsContext,
): Promise<ReadonlyMap<string, number>> {
  const own = Object.entries(assigned).filter(([, partitions]) => partitions.length > 0);
  const positions = await requests.read('committed', () => own.map(([topic]) => broker.positionOf(group, topic)));
  const offsets = new Map<string, number>();
  const starts: Start[] = [];
  const moved: MovedStart[] = [];
  for (const position of positions) {
    const { topic, committed } = position;
    for (const [partition, offset] of committed) offsets.set(placeOf(topic, partition), offset);
    const found = startingOffsetsOf(position, assigned[topic] ?? [], from, known.has(topic));
    starts.push(...found.starts);
    moved.push(...found.moved);
  }
  if (moved.length > 0) await onMoved?.(moved, append);
  if (starts.length > 0) await commit(starts);
  for (const { topic, partition, offset } of starts) offsets.set(placeOf(topic, partition), offset);
  for (const [topic] of own) known.add(topic);
  return offsets;
}

export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
