import type { TopicName } from '../../schemas/topics.ts';
import type { Flow, Look } from './log-watch.ts';
import type { Place } from './places.ts';

/** What a record of a flow's topic had to cause before its offset might be committed. */
export interface Effect {
  readonly input: Place;
  /** The first record that did it. */
  readonly output: Place;
}

/**
 * Whether the offsets of a flow kept what L3 promises, in every look at it: they never went back, and where an input was
 * committed, its output was there. A look asks for commits first and for ends afterwards, so an output that is not below
 * the end came after the commit.
 */
export function commitViolations(
  flow: Flow,
  outputTopic: TopicName,
  effects: readonly Effect[],
  looks: readonly Look[],
): string[] {
  return [...retreats(flow, looks), ...early(flow, outputTopic, effects, looks)];
}

function retreats(flow: Flow, looks: readonly Look[]): string[] {
  const violations: string[] = [];
  const highest = new Map<number, number>();
  for (const look of looks) {
    const committed = look.committed(flow);
    for (const [partition, before] of highest) {
      const now = committed.get(partition);
      if (now === undefined || now < before)
        violations.push(`${flow.group} went back from ${before} to ${now ?? 'nothing'} in ${flow.topic}[${partition}]`);
    }
    for (const [partition, offset] of committed) highest.set(partition, offset);
  }
  return violations;
}

function early(flow: Flow, outputTopic: TopicName, effects: readonly Effect[], looks: readonly Look[]): string[] {
  const violations: string[] = [];
  for (const { input, output } of effects) {
    const first = looks.find((look) => (look.committed(flow).get(input.partition) ?? 0) > input.offset);
    if (first === undefined || output.offset < (first.ends(outputTopic).get(output.partition) ?? 0)) continue;
    violations.push(
      `${flow.group} had committed ${flow.topic}[${input.partition}]@${input.offset} before its output ` +
        `${outputTopic}[${output.partition}]@${output.offset} was there`,
    );
  }
  return violations;
}
