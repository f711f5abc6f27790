import { createReadStream, existsSync } from 'node:fs';
import { Command } from 'commander';
import { pc } from '../../connectors/system/terminal.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type WorldOptions, worldOptions } from '../open-world.ts';
import { LineWriter, jsonWanted, writeLines } from '../output.ts';
import { Progress } from '../progress.ts';
import { accountName } from '../run/venue-options.ts';
import { type ImportCounts, type NamedInput, importTrades } from './import-trades.ts';
import { type OutcomesMade, openImportWorld } from './import-world.ts';

interface ImportFlags extends WorldOptions {
  readonly account: string;
  readonly venue: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export function importCommand(): Command {
  return worldOptions(new Command('import'))
    .description('bring the JSON lines of an earlier recorder: each row becomes a trade.closed of origin BACKFILL')
    .argument('<files...>', 'JSON lines, one closed trade each; - is standard input')
    .option('--account <name>', 'account of the imported trades', accountName, 'backfill')
    .option('--venue <name>', 'venue of the imported trades', 'backfill')
    .option('--dry-run', 'check and count, and write nothing')
    .option('--json', 'the summary as one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
A row: timestamp (ISO 8601, UTC where it names no zone; or seconds or milliseconds since 1970), symbol, side (BUY, SELL, LONG,
SHORT), entry_price, exit_price, pnl_percent, confidence (or null), model_id (or null); optional: duration_seconds, position_size
(1 contract where it was not recorded), exit_reason, strategy_id (checked, but no record has a place for it).
Rows that repeat a trade within 50 ms count once; a row that was imported before is not imported again. A bad line is named
as \`FILE:LINE: path: why\`; the others are imported. pnl_percent is kept as recorded: where it disagrees in sign with side and
prices there is a warning.

Examples:
  $ harvestline clm import trades.jsonl --dry-run
  $ harvestline clm import trades-2025.jsonl trades-2026.jsonl
  $ zcat old.jsonl.gz | harvestline clm import - --json

Exit codes: 0 every line was good, 1 at least one was bad, 2 wrong usage.`,
    )
    .action(runImport);
}

async function runImport(files: readonly string[], flags: ImportFlags): Promise<void> {
  const inputs = files.map(inputNamed);
  const dryRun = flags.dryRun === true;
  const clock = new SystemClock();
  const faults = new LineWriter(process.stderr);
  const world = await openImportWorld(flags, dryRun);
  try {
    let progress = new Progress('rows', null, process.stderr, clock);
    const counts = await importTrades(inputs, world.target, {
      account: flags.account,
      venue: flags.venue,
      dryRun,
      now: clock.now(),
      onBadLine: (text) => void faults.write(text),
      onWarning: (text) => void faults.write(`warning: ${text}`),
      onRow: () => progress.add(1),
    });
    progress.done();
    progress = new Progress('outcomes', counts.imported, process.stderr, clock);
    const outcomes = dryRun ? 0 : await world.workOff((count) => progress.add(count));
    progress.done();
    await faults.flush();
    const json = jsonWanted(flags);
    const summary = { ...counts, outcomes, dry_run: dryRun };
    await writeLines(json ? [JSON.stringify(summary)] : summaryLines(counts, outcomes, dryRun));
    if (counts.bad > 0) process.exitCode = 1;
  } finally {
    await world.close();
  }
}

function inputNamed(file: string): NamedInput {
  if (file === '-') return { name: '(standard input)', lines: process.stdin };
  if (!existsSync(file)) throw new HarvestlineError('USAGE', `${file} does not exist`, { at: { file } });
  return { name: file, lines: createReadStream(file) };
}

function summaryLines(counts: ImportCounts, outcomes: OutcomesMade, dryRun: boolean): readonly string[] {
  const { rows, imported, doubled, already_recorded, bad, pnl_sign_warnings, ignored_fields } = counts;
  const ignored = Object.entries(ignored_fields).map(([field, n]) => `${field} (${n})`);
  return [
    `${pc.bold(String(imported))} of ${rows} rows ${dryRun ? 'would be imported' : 'imported'}`,
    ...(doubled > 0 ? [`${doubled} doubled: the same trade within 50 ms, counted once`] : []),
    ...(already_recorded > 0 ? [`${already_recorded} recorded by an earlier import`] : []),
    ...(bad > 0 ? [pc.red(`${bad} bad, named above`)] : []),
    ...(pnl_sign_warnings > 0 ? [pc.yellow(`${pnl_sign_warnings} with a pnl_percent that disagrees with prices`)] : []),
    ...(ignored.length > 0 ? [`fields without a place in the record: ${ignored.join(', ')}`] : []),
    ...(dryRun ? [] : [`outcomes: ${typeof outcomes === 'number' ? `${outcomes} FINAL` : `made ${outcomes}`}`]),
  ];
}
