import { pc } from '../../render/terminal.ts';
import type { PnlFinding } from './pnl-unit.ts';
import type { ImportFigures } from './import-tally.ts';
import type { RefusedInput } from './import-trades.ts';

/** What became of the imported trades: FINAL outcomes made here, or who makes them. */
export type OutcomesMade = number | 'by the running dev' | 'by the clm processor';

/** A screenful; --json has all. Unit: entries. */
const MOST_NAMED = 20;

/** The summary for people: what was done, then what was taken for what. */
export function summaryLines(
  figures: ImportFigures,
  zone: string,
  outcomes: OutcomesMade,
  dryRun: boolean,
): readonly string[] {
  const { rows, imported, doubled, already_recorded: before, bad, pnl_sign_warnings: signs } = figures;
  return [
    `${pc.bold(String(imported))} of ${rows} rows ${dryRun ? 'would be imported' : 'imported'}`,
    ...(doubled > 0 ? [doubledLine(figures)] : []),
    ...(before > 0 ? [`${before} recorded by an earlier import`] : []),
    ...(bad > 0 ? [pc.red(`${bad} bad, named above`)] : []),
    ...(signs > 0 ? [pc.yellow(`${signs} with a pnl_percent that disagrees with prices`)] : []),
    ...takenAs(figures, zone),
    ...(dryRun ? [] : [`outcomes: ${typeof outcomes === 'number' ? `${outcomes} FINAL` : `made ${outcomes}`}`]),
  ];
}

function doubledLine({ doubled, doubled_lines: lines }: ImportFigures): string {
  const named = lines.map(
    ({ file, line, repeats, repeats_file: other }) =>
      `${file}:${line} repeats ${other === undefined ? repeats : `${other}:${repeats}`}`,
  );
  return `${doubled} doubled: the same trade within 50 ms, counted once: ${cut(named)}`;
}

function takenAs(figures: ImportFigures, zone: string): readonly string[] {
  const unknown = Object.entries(figures.unknown).map(
    ([field, rows]) => `${field} (${rows}: ${(figures.unknown_written[field] ?? []).join(', ')})`,
  );
  const trimmed = figures.trimmed.map(({ file, line, field }) => `${field} ${file}:${line}`);
  const spellings = Object.entries(figures.symbols).map(
    ([spelling, { symbol, rows }]) => `${spelling} as ${symbol} (${rows})`,
  );
  const times = Object.entries(figures.times).map(
    ([form, rows]) => `${form === 'iso_without_zone' ? `iso, taken as ${zone}` : form} (${rows})`,
  );
  const ignored = Object.entries(figures.ignored_fields).map(([field, rows]) => `${field} (${rows})`);
  return [
    ...(unknown.length > 0 ? [`unknown: ${cut(unknown)}`] : []),
    ...(trimmed.length > 0 ? [`${trimmed.length} texts had blanks around them: ${cut(trimmed)}`] : []),
    ...(spellings.length > 0 ? [`symbols: ${cut(spellings)}; --symbols-map says otherwise`] : []),
    ...(times.length > 0 ? [`times: ${times.join(', ')}`] : []),
    ...(figures.ambiguous_times > 0
      ? [pc.yellow(`${figures.ambiguous_times} times that clocks showed twice, taken as the earlier`)]
      : []),
    ...(ignored.length > 0 ? [`fields without a place in the record: ${cut(ignored)}`] : []),
  ];
}

/** Why nothing was imported, and what would accept it. */
export function refusalText(refused: readonly RefusedInput[]): string {
  return refused.map(({ file, found }) => `${file}: pnl_percent ${findingText(found)}`).join('; ');
}

function findingText(found: PnlFinding): string {
  const of = `in ${found.rows} of ${found.measured} rows`;
  if (found.kind === 'leverage')
    return `is the price move in per cent times the row's leverage ${of}: --pnl leveraged divides by it, --pnl percent takes it as it stands`;
  if (found.kind === 'scattered')
    return `is ${figure(found.low)} to ${figure(found.high)} times the price move in per cent ${of}, by no one factor: see what the recorder writes there; --pnl percent takes it as it stands`;
  const { factor } = found;
  const [reading, accept] =
    factor === 0.01
      ? ['a ratio', 'ratio']
      : [factor > 1 ? 'a result with leverage' : 'a leveraged ratio', `leveraged:${factor}`];
  return `is ${factor} times the price move in per cent ${of}, as of ${reading}: --pnl ${accept} turns it into the move, --pnl percent takes it as it stands`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function cut(entries: readonly string[]): string {
  const more = entries.length - MOST_NAMED;
  return entries.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more (--json has all)` : '');
}
