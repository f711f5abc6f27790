/** One measured figure: the median over rounds, and the spread that says how far to trust it. Unit: operations a second. */
export interface Rate {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A measured figure by name. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: Rate;
}

/** Enough to warm the compiler up, and rounds enough that the median shrugs off a neighbour's burst. */
const WARM_UP_ROUNDS = 3;
const ROUNDS = 11;

/** Work to be timed; a call returns how many operations it did. */
export interface Workload {
  readonly run: () => number | Promise<number>;
}

export async function rateOf(workload: Workload): Promise<Rate> {
  return spread((await rounds([workload])).map(([rate]) => rate ?? Number.NaN));
}

/**
 * How many times slower `subject` is than `baseline`, round by round in turn, so that both see the same machine.
 * Returns the rates of both and the ratio's median and spread.
 */
export async function ratioOf(
  subject: Workload,
  baseline: Workload,
): Promise<{ subject: Rate; baseline: Rate; ratio: Rate }> {
  const measured = await rounds([subject, baseline]);
  const of = (index: number): number[] => measured.map((rates) => rates[index] ?? Number.NaN);
  return {
    subject: spread(of(0)),
    baseline: spread(of(1)),
    ratio: spread(measured.map(([one = Number.NaN, other = Number.NaN]) => other / one)),
  };
}

async function rounds(workloads: readonly Workload[]): Promise<number[][]> {
  const measured: number[][] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const rates: number[] = [];
    for (const { run } of workloads) {
      const start = performance.now();
      const operations = await run();
      rates.push((operations * 1000) / (performance.now() - start));
    }
    if (round >= 0) measured.push(rates);
  }
  return measured;
}

/** Median, least and greatest. */
export function spread(values: readonly number[]): Rate {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}
