import { pc, printable } from '../../render/terminal.ts';
import { tableNameOf } from '../../schemas/desk-names.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { count } from '../../render/figures.ts';
import type { ExplainedStep, Explanation } from './explanation.ts';
import { hanging, together } from '../../render/terminal-text.ts';
import { dated } from './run-lines.ts';
import { dateOf, durationText, sinceText, spanOf } from '../../render/event-time.ts';

/** Topic -> what a record of it is called beside its partition and offset. */
const RECORD_WORDS: Readonly<Record<string, string>> = {
  [TOPICS.harvestIntent.name]: 'intent',
  [TOPICS.executionReport.name]: 'report',
  [TOPICS.tradeClosed.name]: 'trade',
  [TOPICS.clmOutcome.name]: 'outcome',
};

const LEGEND = `intent ${TOPICS.harvestIntent.name}, report ${TOPICS.executionReport.name}, trade ${TOPICS.tradeClosed.name}, outcome ${TOPICS.clmOutcome.name}`;

/** All records that followed: each intent with its reports and trades, and the outcome. */
export function stepLines({ steps, intent_id: intentId }: Explanation, width: number): readonly string[] {
  const groups = groupsOf(steps);
  const [first] = groups;
  if (first === undefined) return ['nothing followed: no intent, no report, no trade, no outcome'];
  const lastTrade = steps.findLast(isTrade);
  const blocks = groups.map((group, index) => {
    const [{ steps: own }] = group;
    // Times are from intent to intent, and to an outcome from the last trade.
    const outcome = isOutcome(own[0]);
    const before = outcome ? lastTrade : groups[index - 1]?.at(-1)?.steps[0];
    const since = before === undefined ? '' : `${sinceText(own[0].at - before.at)} `;
    const text = outcome ? outcomeText(own[0], since, intentId !== null) : since + groupText(group, intentId !== null);
    return { at: own[0].at, lines: hanging(headOf(group), text, width, INDENT) };
  });
  const date = dateOf(first[0].steps[0].at);
  return [
    ...hanging('', `what followed on ${date} UTC (${LEGEND})`, width, 2).map((line) => pc.bold(line)),
    ...dated(blocks, date),
  ];
}

function headOf(group: StepGroup): string {
  const last = group.at(-1) ?? group[0];
  return `${spanOf(group[0].steps[0].at, last.steps[0].at)}  `;
}

/** Under the text beside a single time. */
const INDENT = 'HH:MM:SS  '.length;

function groupText(group: StepGroup, ofIntent: boolean): string {
  return group.length === 1 ? episodeText(group[0], ofIntent) : alikeText(group);
}

/** With the client order id only where one intent is explained: among many it would fill the text. */
function episodeText({ steps }: Episode, ofIntent: boolean): string {
  return steps
    .map((step, index) => {
      const before = steps[index - 1];
      const since = before === undefined ? '' : `${sinceText(step.at - before.at)} `;
      const figures = step.figures === '' ? '' : ` ${step.figures}`;
      const sent = ofIntent && step.kind.startsWith('SUBMITTED') && step.order !== null;
      const order = sent ? ` ${together(`order ${printable(step.order.client_order_id)}`)}` : '';
      return together(`${since}${printable(step.kind)}${figures} ${placeOf(step)}`) + order;
    })
    .join(' ');
}

/** Only the latest outcome record is kept, which may be from long after an intent. */
function outcomeText(step: ExplainedStep, since: string, ofIntent: boolean): string {
  const slice = ofIntent ? 'the slice' : 'the last slice';
  const after = since === '' ? '' : together(`${since}${since.startsWith('+') ? 'after' : 'than'} ${slice}, `);
  const name = ofIntent ? "the position's latest outcome" : 'the latest outcome';
  return `${after}${name}: ${together(printable(step.figures))} ${together(placeOf(step))}`;
}

function placeOf({ topic, partition, offset }: ExplainedStep): string {
  return `(${wordOf(topic)} ${partition}:${offset})`;
}

function wordOf(topic: string): string {
  return RECORD_WORDS[tableNameOf(topic)] ?? printable(topic);
}

/** `12 × PARTIAL_CLOSE, SUPPRESSED COOLDOWN +0 ms to 650 ms (intents 5:430–493, reports 5:540–612)`. */
function alikeText(group: StepGroup): string {
  const [{ kind, steps }] = group;
  const columns = steps.map((_, index) => group.flatMap((episode) => episode.steps[index] ?? []));
  const waits = group.flatMap(({ steps: own }) =>
    own.slice(1).map((step, index) => step.at - (own[index]?.at ?? step.at)),
  );
  const places = columns.map((column) => placesOf(column));
  return [
    together(`${count(group.length)} ×`),
    together(printable(kind)),
    ...(waits.length === 0 ? [] : [together(waitText(Math.min(...waits), Math.max(...waits)))]),
    `(${places.map(together).join(', ')})`,
  ].join(' ');
}

function waitText(least: number, most: number): string {
  return least < 0 || least === most ? sinceText(least) : `+${durationText(least)} to ${durationText(most)}`;
}

function placesOf(steps: readonly ExplainedStep[]): string {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return '';
  return `${wordOf(first.topic)}s ${first.partition}:${first.offset}–${last.partition === first.partition ? '' : `${last.partition}:`}${last.offset}`;
}

/** An intent followed by its records in time; or one record without an intent. */
interface Episode {
  readonly steps: readonly [ExplainedStep, ...ExplainedStep[]];
  /** The kinds of its steps: equal in episodes that went alike. */
  readonly kind: string;
}

/** Consecutive episodes that went alike and closed nothing, or a single one. */
type StepGroup = readonly [Episode, ...Episode[]];

/**
 * Groups steps by the intent that caused them.
 *
 * EXP-7  Every step is in one episode, and every episode in one group; neither order nor number is lost.
 * EXP-8  An intent comes before its reports, whatever their clocks say.
 * EXP-9  Only intents that were suppressed, rejected or have no end yet are grouped: one with a fill stands by itself.
 */
export function groupsOf(steps: readonly ExplainedStep[]): readonly StepGroup[] {
  const groups: [Episode, ...Episode[]][] = [];
  for (const episode of episodesOf(steps)) {
    const last = groups.at(-1);
    if (last !== undefined && last[0].kind === episode.kind && groupable(episode)) last.push(episode);
    else groups.push([episode]);
  }
  return groups;
}

function episodesOf(steps: readonly ExplainedStep[]): readonly Episode[] {
  const byIntent = Map.groupBy(steps, (step) => step.intent_id ?? step);
  return Array.from(byIntent.values()).flatMap((same): readonly Episode[] => {
    const intent = same.find(isIntent);
    const [first, ...rest] = intent === undefined ? same : [intent, ...same.filter((step) => step !== intent)];
    if (first === undefined) return [];
    return [{ steps: [first, ...rest], kind: [first, ...rest].map(({ kind }) => kind).join(', ') }];
  });
}

function groupable({ steps }: Episode): boolean {
  const [first] = steps;
  return isIntent(first) && steps.every((step) => !isTrade(step) && !step.kind.startsWith('FILLED'));
}

function isIntent({ topic }: ExplainedStep): boolean {
  return tableNameOf(topic) === TOPICS.harvestIntent.name;
}

export function isTrade({ topic }: ExplainedStep): boolean {
  return tableNameOf(topic) === TOPICS.tradeClosed.name;
}

function isOutcome({ topic }: ExplainedStep): boolean {
  return tableNameOf(topic) === TOPICS.clmOutcome.name;
}
