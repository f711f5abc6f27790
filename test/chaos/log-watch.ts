import { CONSUMER_GROUPS } from '../../pipelines/desk/consumer-groups.ts';
import { isKind } from '../../errors/harvestline-error.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';

export type ByPartition = ReadonlyMap<number, number>;

/** What a group consumes. */
export interface Flow {
  readonly group: string;
  readonly topic: TopicName;
}

export const FLOWS: readonly Flow[] = Object.entries(CONSUMER_GROUPS).flatMap(([group, topics]) =>
  topics.map(({ name }) => ({ group, topic: name })),
);

const TOPIC_NAMES: readonly TopicName[] = Object.values(TOPICS).map(({ name }) => name);

/** The offsets of one moment: first what was committed, then where the topics end. */
export class Look {
  readonly #committed: ReadonlyMap<Flow, ByPartition>;
  readonly #ends: ReadonlyMap<TopicName, ByPartition>;

  constructor(committed: ReadonlyMap<Flow, ByPartition>, ends: ReadonlyMap<TopicName, ByPartition>) {
    this.#committed = committed;
    this.#ends = ends;
  }

  /** Null while the broker is away. */
  static async at(log: EventLog): Promise<Look | null> {
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
      return new Look(new Map(committed), new Map(ends));
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

  /** Records that all groups of `topic` together have committed, and those that lie there. */
  done(flow: Flow): number {
    return sum(this.committed(flow));
  }

  records(topic: TopicName): number {
    return sum(this.ends(topic));
  }

  lag(flow: Flow): number {
    return this.records(flow.topic) - this.done(flow);
  }

  /** True once every group has committed all there is. */
  isWorkedOff(): boolean {
    return FLOWS.every((flow) => this.lag(flow) === 0);
  }

  /** Grows with everything that happens on the log. */
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
