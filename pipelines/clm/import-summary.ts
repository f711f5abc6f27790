/**
 * The summary of an import: its figures, counted row by row, and their words for people.
 */
import type { Problem } from '../../errors/harvestline-error.ts';
import type { GoodTrade } from './recorded-trade.ts';
import type { TimeForm } from './recorded-time.ts';
import type { TradeClosed } from '../../schemas/generated/records.ts';
import { significant } from '../../render/figures.ts';
import { pc } from '../../render/terminal.ts';
import type { PnlFinding } from './pnl-unit.ts';
import type { RefusedInput } from './import-trades.ts';

/** Enough to see what is wrong. Unit: lines. */
const NAMED_WARNINGS = 5;

/** How a row is named: its file, and its line from 1. */
export interface RowPlace {
  readonly file: string;
  readonly line: number;
}

/** What an import did, and how it read the rows. Fields of the JSON summary. */
export interface ImportFigures {
  readonly rows: number;
  readonly imported: number;
  /** Rows that repeat another row of this import within 50 ms. */
  readonly doubled: number;
  /** Each of them, with the line it repeats; the file of that only where it is another. */
  readonly doubled_lines: readonly (RowPlace & { readonly repeats: number; readonly repeats_file?: string })[];
  /** Rows that an earlier import brought. */
  readonly already_recorded: number;
  readonly bad: number;
  readonly pnl_sign_warnings: number;
  /** Of imported rows, as are all that follow: fields that said "unknown" -> rows. */
  readonly unknown: Readonly<Record<string, number>>;
  /** What they said: `"None"`, `0`, `null`. */
  readonly unknown_written: Readonly<Record<string, readonly string[]>>;
  /** Texts that had blanks around them. */
  readonly trimmed: readonly (RowPlace & { readonly field: string })[];
  /** Spellings that became another symbol. */
  readonly symbols: Readonly<Record<string, { readonly symbol: string; readonly rows: number }>>;
  /** How times were written -> rows. */
  readonly times: Readonly<Partial<Record<TimeForm, number>>>;
  /** Times that the zone's clocks showed twice; the earlier was taken. */
  readonly ambiguous_times: number;
  /** Fields that no record has a place for -> rows that have them. */
  readonly ignored_fields: Readonly<Record<string, number>>;
}

interface Listener {
  readonly onBadLine: (text: string) => void;
  readonly onWarning: (text: string) => void;
}

/** Counts what becomes of each row, and names the bad lines as they come. Maps: a field may have any name, `constructor` too. */
export class ImportTally {
  readonly #listener: Listener;
  readonly #counts = { rows: 0, imported: 0, already_recorded: 0, bad: 0, pnl_sign_warnings: 0, ambiguous_times: 0 };
  readonly #doubled: ImportFigures['doubled_lines'][number][] = [];
  readonly #unknown = new Map<string, number>();
  readonly #unknownWritten = new Map<string, Set<string>>();
  readonly #trimmed: ImportFigures['trimmed'][number][] = [];
  readonly #spellings = new Map<string, { readonly symbol: string; readonly rows: number }>();
  readonly #times = new Map<TimeForm, number>();
  readonly #ignored = new Map<string, number>();

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  row(): void {
    this.#counts.rows += 1;
  }

  bad({ file, line }: RowPlace, problems: readonly Problem[]): void {
    this.#counts.bad += 1;
    for (const { path, why } of problems) this.#listener.onBadLine(`${file}:${line}: ${path}: ${why}`);
  }

  alreadyRecorded(): void {
    this.#counts.already_recorded += 1;
  }

  doubled({ file, line }: RowPlace, original: RowPlace): void {
    const elsewhere = original.file === file ? {} : { repeats_file: original.file };
    this.#doubled.push({ file, line, repeats: original.line, ...elsewhere });
  }

  imported({ file, line }: RowPlace, { unknown, trimmed, timeForm, timeAmbiguous, ignored }: GoodTrade): void {
    this.#counts.imported += 1;
    for (const { field, written } of unknown) {
      count(this.#unknown, field);
      const words = this.#unknownWritten.get(field) ?? new Set();
      this.#unknownWritten.set(field, words.add(written));
    }
    for (const field of trimmed) this.#trimmed.push({ file, line, field });
    count(this.#times, timeForm);
    if (timeAmbiguous) this.#counts.ambiguous_times += 1;
    for (const field of ignored) count(this.#ignored, field);
  }

  respelled(spelling: string, symbol: string): void {
    this.#spellings.set(spelling, { symbol, rows: (this.#spellings.get(spelling)?.rows ?? 0) + 1 });
  }

  contradicted({ file, line }: RowPlace, { side, entry_price, exit_price, pnl_percent }: TradeClosed): void {
    this.#counts.pnl_sign_warnings += 1;
    if (this.#counts.pnl_sign_warnings > NAMED_WARNINGS) return;
    const prices = `${side} from ${entry_price} to ${exit_price}`;
    this.#listener.onWarning(`${file}:${line}: pnl_percent ${pnl_percent} disagrees with ${prices}; kept as recorded`);
  }

  get figures(): ImportFigures {
    const { rows, imported, already_recorded, bad, pnl_sign_warnings, ambiguous_times } = this.#counts;
    return {
      rows,
      imported,
      doubled: this.#doubled.length,
      doubled_lines: this.#doubled,
      already_recorded,
      bad,
      pnl_sign_warnings,
      unknown: sorted(this.#unknown),
      unknown_written: sorted(new Map(Array.from(this.#unknownWritten, ([field, words]) => [field, [...words]]))),
      trimmed: this.#trimmed,
      symbols: sorted(this.#spellings),
      times: sorted(this.#times),
      ambiguous_times,
      ignored_fields: sorted(this.#ignored),
    };
  }
}

function count<K>(counts: Map<K, number>, of: K): void {
  counts.set(of, (counts.get(of) ?? 0) + 1);
}

function sorted<V>(map: ReadonlyMap<string, V>): Readonly<Record<string, V>> {
  return Object.fromEntries([...map].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** The FINAL outcomes that the import made of its trades, or who makes them. */
export type OutcomesMade = number | 'by the running dev' | 'by the clm processor';

/** A screenful; --json has all. Unit: entries. */
const MOST_NAMED = 20;

/** The summary for people: what was done, then how the rows were read. */
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
    return `is ${significant(found.low, 3)} to ${significant(found.high, 3)} times the price move in per cent ${of}, by no one factor: see what the recorder writes there; --pnl percent takes it as it stands`;
  const { factor } = found;
  const [reading, accept] =
    factor === 0.01
      ? ['a ratio', 'ratio']
      : [factor > 1 ? 'a result with leverage' : 'a leveraged ratio', `leveraged:${factor}`];
  return `is ${factor} times the price move in per cent ${of}, as of ${reading}: --pnl ${accept} turns it into the move, --pnl percent takes it as it stands`;
}

function cut(entries: readonly string[]): string {
  const more = entries.length - MOST_NAMED;
  return entries.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more (--json has all)` : '');
}
