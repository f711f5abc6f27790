import { HarvestlineError, type Problem, formatProblems } from '../../../errors/harvestline-error.ts';

/** How often the paper venue misbehaves, each from 0 to 1. What befalls an order depends on its client id alone. */
export interface PaperFaults {
  /** The venue did what was asked, the reply never came. */
  readonly lostReply: number;
  /** The request never reached the venue, and nobody said so. */
  readonly timeoutBefore: number;
  /** A definite no for no reason of the order's. */
  readonly reject: number;
  /** The order fills in part, perhaps not at all; the rest is cancelled. */
  readonly partialFill: number;
  /** The order was taken, the reply lost, and no look-up of it is ever answered. */
  readonly blackout: number;
  /** The order stays OPEN for SLOW_MS (fill-plan.ts). */
  readonly slow: number;
}

/** Thin books happen at every venue: a job that never saw a partial fill would be untried. Everything else is asked for. */
export const DEFAULT_FAULTS: PaperFaults = {
  lostReply: 0,
  timeoutBefore: 0,
  reject: 0,
  partialFill: 0.02,
  blackout: 0,
  slow: 0,
};

const NAMES = {
  'lost-reply': 'lostReply',
  timeout: 'timeoutBefore',
  reject: 'reject',
  'partial-fill': 'partialFill',
  blackout: 'blackout',
  slow: 'slow',
} as const satisfies Record<string, keyof PaperFaults>;

const PROBABILITY = /^(?:0|1|0?\.\d+|1\.0+)$/;

/** Reads `lost-reply=0.1,timeout=0.05`; what is not named keeps its default. Throws USAGE naming every bad item. */
export function parseFaults(text: string): PaperFaults {
  const given: Partial<Record<keyof PaperFaults, number>> = {};
  const problems: Problem[] = [];
  for (const item of text.split(',').map((part) => part.trim())) {
    const [name = '', probability = '', ...rest] = item.split('=');
    const field = isName(name) ? NAMES[name] : undefined;
    if (field === undefined) problems.push({ path: item, why: 'must be name=probability' });
    else if (rest.length > 0 || !PROBABILITY.test(probability))
      problems.push({ path: item, why: 'must give a probability from 0 to 1, for example 0.05' });
    else if (given[field] !== undefined) problems.push({ path: item, why: 'was given before' });
    else given[field] = Number(probability);
  }
  if (problems.length > 0) {
    const names = Object.keys(NAMES).join(', ');
    throw new HarvestlineError('USAGE', `faults: ${formatProblems(problems)}. Names: ${names}`, { problems });
  }
  return { ...DEFAULT_FAULTS, ...given };
}

function isName(name: string): name is keyof typeof NAMES {
  return Object.hasOwn(NAMES, name);
}
