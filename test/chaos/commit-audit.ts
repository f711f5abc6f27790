import type { TopicName } from '../../schemas/topics.ts';
import type { Flow, Look } from './log-watch.ts';
import type { LogRecord } from '../../ports/event-log.ts';

/** What a record of a flow's topic had to cause before its offset might be committed. */
export interface Effect {
  readonly input: Place;
  /** The first record that did it. */
  readonly output: Place;
}

/**
 * Whether the offsets of a flow kept what PORT-3 promises, in every look at it: they never went back, and where an input was
 * committed, its output was there. A look asks for commits first and for ends afterwards, so an output that is not below
 * the end came after the commit.
 */
export function commitViolations(
  flow: Flow,
  outputTopic: TopicName,
  effects: readonly Effect[],
  looks: readonly Look[],
  /**
   * So many looks may say less than is true: a coordinator or leader that was just chosen does not know at once how far all copies are. 0
   * where there is one broker.
   */
  forgiven = 0,
): string[] {
  return [...retreats(flow, looks, forgiven), ...early(flow, outputTopic, effects, looks, forgiven)];
}

function retreats(flow: Flow, looks: readonly Look[], forgiven: number): string[] {
  const violations: string[] = [];
  const highest = new Map<number, number>();
  for (const [index, look] of looks.entries()) {
    const committed = look.committed(flow);
    for (const [partition, before] of highest) {
      const now = committed.get(partition);
      const soon = looks.slice(index, index + 1 + forgiven).map((one) => one.committed(flow).get(partition) ?? -1);
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
  looks: readonly Look[],
  forgiven: number,
): string[] {
  const violations: string[] = [];
  for (const { input, output } of effects) {
    const first = looks.findIndex((look) => (look.committed(flow).get(input.partition) ?? 0) > input.offset);
    if (first === -1) continue;
    const ends = looks
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

/** Where a record lies in its topic. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** Equal for equal places of one topic. */
export function placeKey({ partition, offset }: Place): string {
  return `${partition}:${offset}`;
}

export function placeOf({ partition, offset }: LogRecord): Place {
  return { partition, offset };
}
