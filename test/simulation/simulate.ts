/**
 * `npm run simulate`: the whole chain in virtual time, with every fault at once, and every invariant checked (README.md beside this file).
 *
 * Progress and what broke go to standard error, the figures to standard output. Exit codes: 0 all held, 1 something did not, or a kind of fault
 * never struck; 2 wrong usage.
 */
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { formatProblems, messageOf } from '../../errors/harvestline-error.ts';
import { plainTable } from '../../render/tables.ts';
import { plural } from '../../render/figures.ts';
import { Progress } from '../../render/progress.ts';
import { jsonWanted } from '../../render/output.ts';
import { FAULT_KINDS, FAULT_KIND_NAMES, type FaultKind } from './faults.ts';
import type { TraceLine } from './kernel.ts';
import { withoutOutside } from './outside.ts';
import { type Plan, type PlanSize, planOf, planSchema, strangersIn } from './plan.ts';
import { type SeedAnswer, runSeeds } from './run-seeds.ts';
import { shrink } from './shrink.ts';
import { storyLines } from './story.ts';
import { type RunResult, type Violation, World } from './world.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const MS_PER_SECOND = 1000;

/** More are counted, not shown. Unit: violations. */
const SHOWN_VIOLATIONS = 20;

/** With fewer seeds a kind may be missing by chance. */
const EVERY_KIND_FROM = 100;

interface Flags {
  readonly seeds?: readonly [from: number, to: number];
  readonly seed?: number;
  readonly plan?: string;
  readonly jobs: number;
  readonly hours?: number;
  readonly symbols?: number;
  readonly cycle?: number;
  readonly grain?: number;
  readonly density?: number;
  readonly minutes?: number;
  readonly untilBroken?: true;
  readonly trace?: true;
  readonly shrink?: string;
  readonly json?: true;
}

const command = new Command('npm run simulate --')
  .description('Run the whole chain in virtual time, with every fault at once, and check every invariant.')
  .addOption(
    new Option('--seeds <A..B>', 'run these seeds (default: 1..10)').argParser(seedRange).conflicts(['seed', 'plan']),
  )
  .addOption(new Option('--seed <n>', 'run one').argParser(wholeNumber).conflicts('plan'))
  .addOption(
    new Option('--plan <file>', 'run the plan in a file').conflicts(['hours', 'symbols', 'cycle', 'grain', 'density']),
  )
  .option('--jobs <n>', 'processes', countingNumber, 1)
  .option('--hours <n>', 'market time with faults; two hours to heal follow (default: by the seed)', positiveNumber)
  .option('--symbols <n>', 'markets, each with a position (default: by the seed)', countingNumber)
  .option('--cycle <minutes>', 'between two looks at the account (default: by the seed)', positiveNumber)
  .option('--grain <ms>', 'timers end on multiples of it (default: by the seed)', countingNumber)
  .option('--density <n>', 'so many times the usual faults of each symbol (default: 1)', positiveNumber)
  .option('--minutes <n>', 'begin no further seed after so many minutes', positiveNumber)
  .option('--until-broken', 'begin no further seed once one has broken')
  .option('--trace', 'print the run as a story; with --seed or --plan')
  .option('--shrink <file>', 'make the plan that breaks small, and write it there; with --seed or --plan')
  .option('--json', 'figures as one JSON object')
  .addHelpText(
    'after',
    `
Examples:
  npm run simulate -- --seeds 1..200 --jobs 2
  npm run simulate -- --seed 7 --trace
  npm run simulate -- --seed 7 --shrink smaller.json
  npm run simulate -- --plan smaller.json --trace`,
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
const flags = command.opts<Flags>();
const clock = new SystemClock();
const startedAt = clock.now();

if ((flags.trace ?? flags.shrink) !== undefined && (flags.seed ?? flags.plan) === undefined)
  command.error('error: a story or a smaller plan is of one run: add --seed N or --plan FILE');
if (flags.shrink !== undefined) mayWrite(flags.shrink);
if (flags.plan !== undefined) await runOne(planIn(flags.plan));
else if (flags.seed !== undefined) await runOne(planOf(flags.seed, sizeOf(flags)));
else await runMany(flags.seeds ?? [1, 10]);

async function runOne(plan: Plan): Promise<void> {
  const story: TraceLine[] | null = flags.trace === true ? [] : null;
  const result = await withoutOutside(() => World.run(plan, story === null ? null : (line) => story.push(line)));
  if (story !== null) for (const line of storyLines(story, result)) process.stdout.write(`${line}\n`);
  report({ seeds: 1, ...figuresOf([result]) }, result.violations, result.hash);
  if (flags.shrink === undefined) return;
  const [first] = result.violations;
  if (first === undefined) {
    process.stderr.write(`nothing broke, so there is nothing to make small: ${flags.shrink} is not written\n`);
    return;
  }
  const small = await shrink(
    plan,
    async (one) => {
      const { violations } = await withoutOutside(() => World.run(one));
      return violations.some(({ invariant }) => invariant === first.invariant);
    },
    ({ faults, symbols, hours }) =>
      process.stderr.write(`still breaks with ${faults.length} faults, ${symbols} symbols, ${hours} h\n`),
  );
  writeFileSync(flags.shrink, `${JSON.stringify(small, null, 2)}\n`);
  process.stderr.write(`${flags.shrink} has it: npm run simulate -- --plan ${flags.shrink} --trace\n`);
}

async function runMany([from, to]: readonly [from: number, to: number]): Promise<void> {
  const { jobs, minutes = Infinity } = flags;
  const until = startedAt + minutes * MINUTE_MS;
  const progress = new Progress('seeds', to - from + 1, process.stderr, clock);
  const results: (Figures & Pick<SeedAnswer, 'seed' | 'violations'>)[] = [];
  const violations: Violation[] = [];
  await runSeeds({
    from,
    to,
    jobs,
    size: sizeOf(flags),
    goesOn: () => clock.now() < until && !(flags.untilBroken === true && violations.length > 0),
    onAnswer: ({ hits, ...answer }) => {
      progress.add(1);
      results.push({ ...answer, hits: new Map(hits) });
      for (const { invariant, detail } of answer.violations) {
        violations.push({ invariant, detail });
        process.stderr.write(`seed ${answer.seed}: ${invariant}: ${detail}\n`);
      }
    },
  });
  progress.done();
  const figures = figuresOf(results);
  report({ seeds: results.length, ...figures }, violations, null);
  const broken = results.find((result) => result.violations.length > 0);
  if (broken !== undefined) process.stderr.write(`Its story: npm run simulate -- ${wordsOf(broken.seed)} --trace\n`);
  const never = FAULT_KIND_NAMES.filter((kind) => (figures.faults[kind] ?? 0) === 0);
  if (results.length < EVERY_KIND_FROM || never.length === 0) return;
  process.stderr.write(`never struck: ${never.join(', ')}\n`);
  process.exitCode = 1;
}

/** What runs a seed again as it ran here. */
function wordsOf(seed: number): string {
  const sizes = (['hours', 'symbols', 'cycle', 'grain', 'density'] as const).flatMap((name) =>
    flags[name] === undefined ? [] : [`--${name} ${flags[name]}`],
  );
  return [`--seed ${seed}`, ...sizes].join(' ');
}

type Figures = Pick<RunResult, 'simulatedMs' | 'positionDays' | 'orders' | 'struck' | 'hits' | 'events'>;

function figuresOf(results: readonly Figures[]) {
  const faults: Partial<Record<FaultKind, number>> = {};
  for (const { hits } of results) for (const [kind, count] of hits) faults[kind] = (faults[kind] ?? 0) + count;
  const sum = (of: (result: Figures) => number): number => results.reduce((total, result) => total + of(result), 0);
  return {
    simulated_hours: sum(({ simulatedMs }) => simulatedMs) / HOUR_MS,
    position_days: Number(sum(({ positionDays }) => positionDays).toFixed(2)),
    orders: sum(({ orders }) => orders),
    events: sum(({ events }) => events),
    faults_struck: sum(({ struck }) => struck),
    faults,
  };
}

type Totals = ReturnType<typeof figuresOf> & { readonly seeds: number };

function report(totals: Totals, violations: readonly Violation[], hash: string | null): void {
  const seconds = Number(((clock.now() - startedAt) / MS_PER_SECOND).toFixed(1));
  const shown = hash === null ? [] : violations.slice(0, SHOWN_VIOLATIONS);
  for (const { invariant, detail } of shown) process.stderr.write(`${invariant}: ${detail}\n`);
  if (violations.length > 0) process.exitCode = 1;
  const { faults, ...others } = totals;
  const cores = Math.min(flags.jobs, availableParallelism());
  const figures = {
    ...others,
    ...(hash === null ? {} : { hash }),
    violations: violations.length,
    seconds,
    hours_a_second_and_core: perSecond(others.simulated_hours / cores, seconds),
    position_days_a_second_and_core: perSecond(others.position_days / cores, seconds),
  };
  if (jsonWanted(flags)) {
    process.stdout.write(`${JSON.stringify({ ...figures, faults })}\n`);
    return;
  }
  const kinds = Object.entries(faults).map(([kind, hits]) => [
    kind,
    String(hits),
    FAULT_KINDS[kind as FaultKind].means,
  ]);
  const tables = [
    plainTable([{ head: 'fault' }, { head: 'times', align: 'right' }, { head: 'what it does' }], kinds),
    plainTable(
      [{ head: 'figure' }, { head: 'value', align: 'right' }],
      Object.entries(figures).map(([name, figure]) => [name, String(figure)]),
    ),
  ];
  for (const line of tables.flat()) process.stdout.write(`${line}\n`);
  if (flags.trace !== true)
    process.stdout.write(
      `${violations.length === 0 ? 'Every invariant held.' : plural(violations.length, 'violation')}\n`,
    );
}

function perSecond(value: number, seconds: number): number {
  return Number((value / seconds).toPrecision(3));
}

function sizeOf({ hours, symbols, cycle, grain, density }: Flags): PlanSize {
  return {
    ...(hours === undefined ? {} : { hours }),
    ...(symbols === undefined ? {} : { symbols }),
    ...(cycle === undefined ? {} : { cycleMs: Math.ceil(cycle * MINUTE_MS) }),
    ...(grain === undefined ? {} : { grainMs: grain }),
    ...(density === undefined ? {} : { density }),
  };
}

function mayWrite(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (thrown) {
    command.error(`error: ${file} cannot be written: ${messageOf(thrown)}`);
  }
}

function planIn(file: string): Plan {
  try {
    const read = planSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    const problems = read.success
      ? strangersIn(read.data)
      : read.error.issues.map(({ path, message }) => ({ path: path.join('.') || 'the whole', why: message }));
    if (read.success && problems.length === 0) return read.data;
    return command.error(`error: ${file} is no plan: ${formatProblems(problems)}`);
  } catch (thrown) {
    return command.error(`error: ${file} cannot be read: ${messageOf(thrown)}`);
  }
}

function seedRange(text: string): readonly [from: number, to: number] {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (from === undefined || to === undefined || Number(from) > Number(to))
    throw new InvalidArgumentError('not a range of seeds, such as 1..100; for one seed: --seed N');
  return [Number(from), Number(to)];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('not a whole number');
  return Number(text);
}

function countingNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('not a whole number above 0');
  return Number(text);
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('not a number above 0');
  return value;
}
