import { pc, printable } from '../../render/terminal.ts';
import { count, plural } from '../../render/figures.ts';
import { decisionLines } from './decision-lines.ts';
import type { Explanation } from './explanation.ts';
import { actionCounts, runLines, sameScorer, scorerText } from './run-lines.ts';
import { hanging, together, widthOf } from './screen.ts';
import { lengthOf } from '../../render/short-time.ts';
import { stepLines } from './step-lines.ts';

/** What a screen of today holds, with the prompt under it. Unit: rows. */
const ROWS = 40;

/** What runs and steps get in any case, however much there is to say of the decision. Unit: rows. */
const LEAST_ROWS = 14;

/**
 * The explanation for people, on one screen of `columns`. Invariants:
 * O1  No line is longer than the screen is wide, unless a single word is.
 * O2  At 80 columns and more it is ROWS long at most, however long the position lived; what is folded is counted, and --json has all.
 */
export function explanationLines(explanation: Explanation, columns: number | undefined): readonly string[] {
  const width = widthOf(columns);
  const { position_id, intent_id, decision } = explanation;
  const head = [
    ...hanging('position  ', printable(position_id), width),
    ...(intent_id === null ? [] : hanging('intent    ', printable(intent_id), width)),
    ...summaryLines(explanation, width),
    ...leftOutLines(explanation, width),
  ];
  const middle = decision === null ? ['its snapshot is not kept any more'] : decisionLines(decision, width);
  const left = Math.max(LEAST_ROWS, ROWS - head.length - middle.length - BLANKS);
  // Half for either, and what one leaves over for the other.
  const leastSteps = stepLines(explanation, width, Math.floor(left / 2));
  const runs = runLines(explanation, width, left - leastSteps.length);
  const steps = stepLines(explanation, width, left - runs.length);
  return [...head.map(withBoldName), '', ...runs, '', ...middle, '', ...steps];
}

const BLANKS = 3;

function withBoldName(line: string): string {
  return line.replace(/^(?:position|intent)(?= )/, (name) => pc.bold(name));
}

function summaryLines({ runs, decisions }: Explanation, width: number): readonly string[] {
  const [first] = runs;
  const last = runs.at(-1);
  if (first === undefined || last === undefined) return [];
  const scorer = sameScorer(runs) ? `, all by ${scorerText(first)}` : '';
  const text =
    `${plural(decisions.length, 'snapshot')} in ${plural(runs.length, 'run')}, ` +
    `${lengthOf(last.to - first.from)}${scorer}: ${actionCounts(runs)}`;
  return hanging('', text, width);
}

/** What the explanation rests on less than it should. */
function leftOutLines({ runs, unscorable, undecodable }: Explanation, width: number): readonly string[] {
  const [first] = unscorable;
  return [
    ...(runs.some(({ assumed }) => assumed)
      ? ['assumed: no record tells for certain which policy decided; --policy sets another']
      : []),
    ...(first === undefined
      ? []
      : [
          `${plural(unscorable.length, 'snapshot')} could not be scored, the first at ` +
            `${together(`${first.topic} ${first.partition}:${first.offset}`)}: ${printable(first.why)}`,
        ]),
    ...Object.entries(undecodable).map(
      ([topic, records]) => `${count(records)} of ${topic} did not decode, and may have been of this position`,
    ),
  ].flatMap((text) => hanging('', text, width).map(pc.yellow));
}
