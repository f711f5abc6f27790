import { CONSUMER_GROUPS } from '../../pipelines/desk/consumer-groups.ts';
import { isKind } from '../../errors/harvestline-error.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';

export type ByPartition = ReadonlyMap<number, number>;

/** A topic that a group consumes. */
export interface Flow {
  readonly group: string;
  readonly topic: TopicName;
}

export const FLOWS: readonly Flow[] = Object.entries(CONSUMER_GROUPS).flatMap(([group, topics]) =>
  topics.map(({ name }) => ({ group, topic: name })),
);

const TOPIC_NAMES: readonly TopicName[] = Object.values(TOPICS).map(({ name }) => name);

/** An observation of the log: the committed offsets, requested first, and then the ends of the topics. */
export class Observation {
  readonly #committed: ReadonlyMap<Flow, ByPartition>;
  readonly #ends: ReadonlyMap<TopicName, ByPartition>;

  constructor(committed: ReadonlyMap<Flow, ByPartition>, ends: ReadonlyMap<TopicName, ByPartition>) {
    this.#committed = committed;
    this.#ends = ends;
  }

  /** Null while the broker is unavailable. */
  static async at(log: EventLog): Promise<Observation | null> {
    try {
      const committed = await Promise.all(
        FLOWS.map(async (flow) => [flow, await log.committed(flow.group, flow.topic)] as const),
      );
      const ends = await Promise.all(
        TOPIC_NAMES.map(async (topic) => {
          const offsets = await log.offsets(topic);
          return [topic, new Map(offsets.map(({ partition, end }) => [partition, end]))] as const;
        }),
      );
      return new Observation(new Map(committed), new Map(ends));
    } catch (thrown) {
      if (isKind(thrown, 'transient')) return null;
      throw thrown;
    }
  }

  committed(flow: Flow): ByPartition {
    return this.#committed.get(flow) ?? new Map();
  }

  ends(topic: TopicName): ByPartition {
    return this.#ends.get(topic) ?? new Map();
  }

  /** The number of records that the group has committed. */
  done(flow: Flow): number {
    return sum(this.committed(flow));
  }

  records(topic: TopicName): number {
    return sum(this.ends(topic));
  }

  lag(flow: Flow): number {
    return this.records(flow.topic) - this.done(flow);
  }

  /** True once every group has committed all records. */
  isWorkedOff(): boolean {
    return FLOWS.every((flow) => this.lag(flow) === 0);
  }

  /** A number that grows with every record and every commit. */
  movement(): number {
    return (
      FLOWS.reduce((total, flow) => total + this.done(flow), 0) +
      TOPIC_NAMES.reduce((total, topic) => total + this.records(topic), 0)
    );
  }

  describe(): string {
    return FLOWS.map((flow) => `${flow.group} of ${flow.topic}: ${this.done(flow)} done, lag ${this.lag(flow)}`).join(
      '; ',
    );
  }
}

/** The flow of that group and topic. */
export function flowOf(group: keyof typeof CONSUMER_GROUPS, topic: TopicName): Flow {
  const found = FLOWS.find((flow) => flow.group === group && flow.topic === topic);
  if (found === undefined) throw new Error(`${group} does not consume ${topic}`);
  return found;
}

function sum(offsets: ByPartition): number {
  let total = 0;
  for (const offset of offsets.values()) total += offset;
  return total;
}
