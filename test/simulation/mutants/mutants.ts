/**
 * `npm run simulate:mutants`: whether the simulator notices deliberate bugs (mutant-table.ts), and after how many seeds.
 *
 * Each mutant runs in a copy of the tree from seed 1 on, until an invariant breaks. Then the tree itself runs the same seeds: an invariant that
 * breaks there as well proves nothing. Exit codes: 0 every mutant has died, 1 one lives, or the tree itself is not clean; 2 wrong usage.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pLimit from 'p-limit';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { didYouMean, nearestFirst } from '../../../errors/nearest.ts';
import { plural } from '../../../render/figures.ts';
import { jsonWanted } from '../../../render/output.ts';
import { plainTable } from '../../../render/tables.ts';
import { ROOT, withMutant } from './mutant-copy.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutant-table.ts';

const MS_PER_SECOND = 1000;

/** Two lines of a terminal. Unit: characters. */
const LONGEST_LINE = 160;

const NAMES = MUTANTS.map(({ name }) => name);

/** Of the worlds that mutants live in: small ones run fast, and show most. Units: hours, symbols. */
const HOURS = 3;
const SYMBOLS = 16;

interface Flags {
  readonly seeds: number;
  readonly jobs: number;
  readonly hours: number;
  readonly symbols: number;
  readonly json?: true;
}

const command = new Command('npm run simulate:mutants --')
  .description('Find out after how many seeds the simulator notices each deliberate bug.')
  .argument('[names...]', 'mutants to run (default: all)', namedMutant)
  .option('--seeds <n>', 'the most seeds that a mutant may live through', wholeNumber, 1000)
  .option('--jobs <n>', 'mutants that run at the same time', wholeNumber, 1)
  .option('--hours <n>', 'market time of each world', wholeNumber, HOURS)
  .option('--symbols <n>', 'markets of each world', wholeNumber, SYMBOLS)
  .option('--json', 'one JSON object a mutant')
  .addHelpText(
    'after',
    `
Mutants: ${NAMES.join(', ')}

Examples:
  npm run simulate:mutants -- --jobs 2
  npm run simulate:mutants -- key-in-error early-commit`,
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
const flags = command.opts<Flags>();
const [named] = command.processedArgs as [readonly Mutant[]];
const chosen = named.length === 0 ? MUTANTS : named;
const clock = new SystemClock();
const atOnce = pLimit(flags.jobs);

const lives = await Promise.all(chosen.map((mutant) => atOnce(() => lifeOf(mutant))));
const itself = await simulated(ROOT, Math.max(...lives.map(({ seeds }) => seeds)));
report();

/** What became of a mutant. */
interface Life {
  readonly name: string;
  /** The seed that it died with, or how many it has lived through. */
  readonly seeds: number;
  /** The invariant that broke, and how; null: it lives. */
  readonly broken: Broken | null;
  readonly seconds: number;
}

interface Broken {
  readonly invariant: string;
  readonly detail: string;
}

async function lifeOf(mutant: Mutant): Promise<Life> {
  const startedAt = clock.now();
  const run = await withMutant(mutant, (folder) => simulated(folder, flags.seeds));
  const life = { name: mutant.name, ...run, seconds: Math.round((clock.now() - startedAt) / MS_PER_SECOND) };
  process.stderr.write(`${shortened(`${life.name}: ${deathOf(life)}`)}\n`);
  return life;
}

/** Runs seeds in the tree of a folder until one breaks. */
function simulated(folder: string, seeds: number): Promise<Pick<Life, 'seeds' | 'broken'>> {
  const { hours, symbols } = flags;
  const sizes = ['--hours', String(hours), '--symbols', String(symbols)];
  const args = [
    join(folder, 'test/simulation/simulate.ts'),
    '--seeds',
    `1..${seeds}`,
    ...sizes,
    '--until-broken',
    '--json',
  ];
  const { promise, resolve, reject } = Promise.withResolvers<Pick<Life, 'seeds' | 'broken'>>();
  execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
    const [, seed, invariant, detail] = /^seed (\d+): (\w+): (.*)$/m.exec(stderr) ?? [];
    if (seed !== undefined && invariant !== undefined && detail !== undefined)
      resolve({ seeds: Number(seed), broken: { invariant, detail } });
    else if (stdout.startsWith('{')) resolve({ seeds, broken: null });
    else reject(error ?? new Error(stderr));
  });
  return promise;
}

/** Details can be a page long. */
function shortened(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

function deathOf({ seeds, broken }: Pick<Life, 'seeds' | 'broken'>): string {
  return broken === null
    ? `lives after ${seeds} seeds`
    : `dies with seed ${seeds}: ${broken.invariant}: ${broken.detail}`;
}

function report(): void {
  if (lives.some(({ broken }) => broken === null) || itself.broken !== null) process.exitCode = 1;
  if (jsonWanted(flags)) for (const life of lives) process.stdout.write(`${JSON.stringify(life)}\n`);
  else {
    const columns = [
      { head: 'mutant' },
      { head: 'seeds', align: 'right' },
      { head: 'dies by' },
      { head: 'seconds', align: 'right' },
    ] as const;
    const rows = lives.map(({ name, seeds, broken, seconds }) => [
      name,
      String(seeds),
      broken?.invariant ?? 'LIVES',
      String(seconds),
    ]);
    for (const line of plainTable(columns, rows)) process.stdout.write(`${line}\n`);
  }
  process.stderr.write(
    itself.broken === null
      ? `The tree itself keeps every invariant for ${plural(itself.seeds, 'seed')}.\n`
      : `The tree itself ${deathOf(itself)}. What dies there or later proves nothing.\n`,
  );
}

function namedMutant(name: string, before: readonly Mutant[] = []): readonly Mutant[] {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined)
    throw new InvalidArgumentError(
      `no mutant ${didYouMean(name, NAMES)}; there are ${nearestFirst(name, NAMES).join(', ')}`,
    );
  return [...before, mutant];
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('not a whole number above 0');
  return Number(text);
}
