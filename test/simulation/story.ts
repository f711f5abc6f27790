/** The trace of a run as a story that a person reads: what happened to one position, and what struck its desk meanwhile. */
import { formatEventSecond } from '../../render/event-time.ts';
import type { TraceLine } from './kernel.ts';
import { marketsOf } from './plan.ts';
import type { RunResult } from './world.ts';

/** With the lines around them, what a screen holds. Unit: lines. */
const TOLD_LINES = 24;

/** Of a time, which begins with it. Unit: characters. */
const YEAR_LENGTH = '2026-'.length;

/** The story of the symbol to which the most different things happened. */
export function storyLines(
  trace: readonly TraceLine[],
  { plan, hash, orders, struck, violations }: RunResult,
): readonly string[] {
  const [symbol = ''] = marketsOf(plan.symbols)
    .map((market) => market.symbol)
    .toSorted((one, other) => variety(trace, other) - variety(trace, one));
  const about = trace.filter(({ who, what }) => who === symbol || what.includes(symbol) || isOfTheDesk(what));
  const { hours, symbols, apart, order, seed } = plan;
  const lines = chosen(about, symbol);
  const width = Math.max(...lines.map(({ who }) => who.length));
  return [
    `Seed ${seed}: ${hours} h of market time, ${symbols} symbols, orders ${order}, ${apart ? 'a process for each processor' : 'all processors together'}; ${plan.faults.length} faults planned.`,
    `What happened to ${symbol}, and to its desk meanwhile:`,
    ...lines.map(({ at, who, what }) => `  ${formatEventSecond(at).slice(YEAR_LENGTH)}  ${who.padEnd(width)}  ${what}`),
    `${orders} orders arrived at the exchange, ${struck} faults struck, trace ${hash}.`,
    ...(violations.length === 0
      ? ['Every invariant held.']
      : violations.slice(0, 2).map(({ invariant, detail }) => `BROKEN ${invariant}: ${detail}`)),
  ];
}

function variety(trace: readonly TraceLine[], symbol: string): number {
  const kinds = trace
    .filter(({ who, what }) => who === symbol || what.includes(symbol))
    .map(({ what }) => kindOf(what));
  return new Set(kinds).size;
}

/** A line without its ids and figures, but for what follows a colon: lines of one kind tell the same of different times. */
function kindOf(what: string): string {
  const [said = ''] = what.split(':');
  return said
    .split(' ')
    .filter((word) => !/\d/.test(word) && !/^[a-f]{6},?$/.test(word))
    .join(' ');
}

function isOfTheDesk(what: string): boolean {
  return /^(is killed|gives up|HALT|RESUME|stands still|knows)/.test(what);
}

/** Of each kind of line as many as there is room for, those of the symbol before others, in the order of time. */
function chosen(lines: readonly TraceLine[], symbol: string): readonly TraceLine[] {
  const byKind = Map.groupBy(lines, ({ who, what }) => `${who === symbol || what.includes(symbol)} ${kindOf(what)}`);
  const groups = [...byKind.entries()].toSorted(
    ([one], [other]) => Number(other.startsWith('true')) - Number(one.startsWith('true')),
  );
  const taken = new Set<TraceLine>();
  for (let round = 0; taken.size < TOLD_LINES; round++) {
    const before = taken.size;
    for (const [, group] of groups) {
      const line = group[round];
      if (line !== undefined && taken.size < TOLD_LINES) taken.add(line);
    }
    if (taken.size === before) break;
  }
  return lines.filter((line) => taken.has(line));
}
