import { tableNameOf } from '../../schemas/desk-names.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ExplainedStep } from './explanation.ts';

/** What became of one intent: the intent, then its records in time; or a record without an intent. */
export interface Episode {
  readonly steps: readonly [ExplainedStep, ...ExplainedStep[]];
  /** The kinds of its steps: alike in episodes that went alike. */
  readonly kind: string;
}

/** Episodes one after the other that went alike and moved nothing, or a single one. */
export type StepGroup = readonly [Episode, ...Episode[]];

/**
 * Steps by what caused them. Invariants:
 * G1  Every step is in one episode, and every episode in one group; neither order nor number is lost.
 * G2  An intent comes before its reports, whatever their clocks say.
 * G3  Only what was suppressed, rejected or is still without an end is grouped: a fill always stands by itself.
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

export function isOutcome({ topic }: ExplainedStep): boolean {
  return tableNameOf(topic) === TOPICS.clmOutcome.name;
}
