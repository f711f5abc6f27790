/**
 * Makes a plan that breaks an invariant small: fewer faults, fewer positions, less time, as long as it still breaks.
 *
 * Andreas Zeller and Ralf Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE Transactions on Software Engineering 28, 2002): the
 * algorithm ddmin, over the list of faults.
 *
 * SIM-15  The result breaks what the plan broke, and none of its faults can be left out.
 */
import { type Plan, marketsOf } from './plan.ts';

/** Whether a plan still breaks what the first one broke. */
export type StillBreaks = (plan: Plan) => Promise<boolean>;

const HOUR_MS = 3_600_000;

/** Where a world is smallest. Units: symbols, hours. */
const FEWEST_SYMBOLS = 1;
const SHORTEST_HOURS = 1;

export async function shrink(plan: Plan, stillBreaks: StillBreaks, onStep: (plan: Plan) => void): Promise<Plan> {
  let smallest = plan;
  const take = async (candidate: Plan): Promise<boolean> => {
    if (!(await stillBreaks(candidate))) return false;
    smallest = candidate;
    onStep(candidate);
    return true;
  };
  if (!(await take({ ...smallest, faults: [] }))) await shrinkFaults(smallest, take);
  while (smallest.hours > SHORTEST_HOURS && (await take(shorter(smallest))));
  while (smallest.symbols > FEWEST_SYMBOLS && (await take(narrower(smallest, Math.floor(smallest.symbols / 2)))));
  while (smallest.symbols > FEWEST_SYMBOLS && (await take(narrower(smallest, smallest.symbols - 1))));
  await shrinkFaults(smallest, take);
  return smallest;
}

/** Half as long. Faults that would come later go with it. */
function shorter(plan: Plan): Plan {
  const hours = Math.max(SHORTEST_HOURS, plan.hours / 2);
  return { ...plan, hours, faults: plan.faults.filter(({ at }) => at < hours * HOUR_MS) };
}

/** With the first of its symbols only. Faults of the others go with them. */
function narrower(plan: Plan, symbols: number): Plan {
  const gone = new Set(marketsOf(plan.symbols).map(({ symbol }) => symbol));
  for (const { symbol } of marketsOf(symbols)) gone.delete(symbol);
  return { ...plan, symbols, faults: plan.faults.filter(({ on }) => on === null || !gone.has(on)) };
}

/** ddmin: tries to do without ever smaller parts of the list, until no single fault can go. */
async function shrinkFaults(plan: Plan, take: (candidate: Plan) => Promise<boolean>): Promise<void> {
  let { faults } = plan;
  let parts = 2;
  while (faults.length > 0) {
    const size = Math.ceil(faults.length / parts);
    let isSmaller = false;
    for (let start = 0; start < faults.length; start += size) {
      const others = [...faults.slice(0, start), ...faults.slice(start + size)];
      if (!(await take({ ...plan, faults: others }))) continue;
      faults = others;
      parts = Math.max(2, parts - 1);
      isSmaller = true;
      break;
    }
    if (isSmaller) continue;
    if (size === 1) return;
    parts = Math.min(faults.length, parts * 2);
  }
}
