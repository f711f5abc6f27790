import type { LogRecord } from '../../ports/event-log.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { Flow, Observation } from './log-watch.ts';

/** An output that has to exist before the offset of its input may be committed. */
export interface Effect {
  readonly input: Place;
  /** The first such record. */
  readonly output: Place;
}

/**
 * The violations of PORT-3 in the observations of a flow: offsets that went back, and inputs that were committed before their output was
 * there. An observation requests commits before ends, so an output that is not below the end came after the commit.
 */
export function commitViolations(
  flow: Flow,
  outputTopic: TopicName,
  effects: readonly Effect[],
  observations: readonly Observation[],
  /**
   * The number of later observations that may still correct one: a new coordinator or leader does not know the latest offsets at once. 0 with
   * a single broker.
   */
  forgiven = 0,
): string[] {
  return [...retreats(flow, observations, forgiven), ...early(flow, outputTopic, effects, observations, forgiven)];
}

function retreats(flow: Flow, observations: readonly Observation[], forgiven: number): string[] {
  const violations: string[] = [];
  const highest = new Map<number, number>();
  for (const [index, observation] of observations.entries()) {
    const committed = observation.committed(flow);
    for (const [partition, before] of highest) {
      const now = committed.get(partition);
      const soon = observations
        .slice(index, index + 1 + forgiven)
        .map((one) => one.committed(flow).get(partition) ?? -1);
      if (Math.max(...soon) < before)
        violations.push(`${flow.group} went back from ${before} to ${now ?? 'nothing'} in ${flow.topic}[${partition}]`);
    }
    for (const [partition, offset] of committed) highest.set(partition, offset);
  }
  return violations;
}

function early(
  flow: Flow,
  outputTopic: TopicName,
  effects: readonly Effect[],
  observations: readonly Observation[],
  forgiven: number,
): string[] {
  const violations: string[] = [];
  for (const { input, output } of effects) {
    const first = observations.findIndex(
      (observation) => (observation.committed(flow).get(input.partition) ?? 0) > input.offset,
    );
    if (first === -1) continue;
    const ends = observations
      .slice(first, first + 1 + forgiven)
      .map((one) => one.ends(outputTopic).get(output.partition) ?? 0);
    if (output.offset < Math.max(...ends)) continue;
    violations.push(
      `${flow.group} had committed ${flow.topic}[${input.partition}]@${input.offset} before its output ` +
        `${outputTopic}[${output.partition}]@${output.offset} was there`,
    );
  }
  return violations;
}

/** The position of a record in its topic. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** A key for maps of places of one topic. */
export function placeKey({ partition, offset }: Place): string {
  return `${partition}:${offset}`;
}

export function placeOf({ partition, offset }: LogRecord): Place {
  return { partition, offset };
}
