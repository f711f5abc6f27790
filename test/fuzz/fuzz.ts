/**
 * `npm run fuzz`: hostile records through the whole chain on an embedded log, and an audit of what they left (fuzz-run.ts).
 *
 * Progress goes to standard error, the figures to standard output. Exit codes: 0 all held, 1 something did not, 2 wrong usage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { plainTable } from '../../render/tables.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { runFuzz } from './fuzz-run.ts';

/** More say nothing new. */
const SHOWN_VIOLATIONS = 50;

interface Flags {
  readonly records: number;
  readonly seed: number;
  readonly json?: true;
  readonly keep?: true;
}

const { records, seed, json, keep } = new Command('npm run fuzz --')
  .description(
    "Give the chain records drawn from the schemas' own bounds, valid and not, and audit what it leaves behind.",
  )
  .option('--records <n>', 'records to write', wholeNumber, 100_000)
  .option('--seed <n>', 'of the records', wholeNumber, 1)
  .option('--keep', 'keep the data folder, and say where it is')
  .option('--json', 'figures as one JSON object')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Flags>();

const clock = new SystemClock();
const folder = mkdtempSync(join(tmpdir(), 'harvestline-fuzz-'));
const startedAt = clock.now();
let told = 0;
try {
  const { violations, figures } = await runFuzz({
    records,
    seed,
    folder,
    onProgress: (done) => {
      if (done - told < 5000 && done < records) return;
      told = done;
      process.stderr.write(`${done} of ${records} records\n`);
    },
  });
  const all = { ...figures, seconds: Math.round((clock.now() - startedAt) / 1000), violations: violations.length };
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) process.stderr.write(`VIOLATION ${violation}\n`);
  if (json) process.stdout.write(`${JSON.stringify(all)}\n`);
  else {
    const rows = Object.entries(all).map(([name, figure]) => [name, String(figure)]);
    for (const line of plainTable([{ head: 'figure' }, { head: 'value', align: 'right' }], rows))
      process.stdout.write(`${line}\n`);
  }
  process.exitCode = violations.length === 0 ? 0 : 1;
} finally {
  if (keep) process.stderr.write(`${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('must be a whole number');
  return Number(text);
}
