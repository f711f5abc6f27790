import { Command, InvalidArgumentError, Option } from 'commander';
import { createReadStream, existsSync, statSync, readFileSync, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError, messageOf } from '../errors/harvestline-error.ts';
import type { PnlUnit } from '../pipelines/clm/pnl-unit.ts';
import { type TimeZone, UTC, timeZoneOf } from '../pipelines/clm/recorded-time.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { LineWriter, jsonWanted, writeLines } from '../render/output.ts';
import { Progress } from '../render/progress.ts';
import { accountName } from './options/parsers.ts';
import { refusalText, summaryLines } from '../pipelines/clm/import-summary.ts';
import { type NamedInput, importTrades } from '../pipelines/clm/import-trades.ts';
import { openImportSession } from './log-session/import-session.ts';
import { parse } from 'yaml';
import { z } from 'zod';
import { decodeUtf8 } from '../schemas/strict-json.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { onDiskAsync } from '../connectors/system/disk-errors.ts';
import { TOPICS } from '../schemas/topics.ts';
import { exportTopic, exportedTopic } from './export/export-topic.ts';
import { FORMATS, type Format } from '../pipelines/export/formats.ts';

/** `harvestline clm`: the record of closed trades, in and out. */
export function clmCommand(): Command {
  return new Command('clm')
    .description('the record of closed trades: import an earlier recorder, export outcomes')
    .addCommand(importCommand())
    .addCommand(exportCommand());
}

interface ImportFlags extends LogOptions {
  readonly account: string;
  readonly venue: string;
  readonly pnl?: PnlUnit;
  readonly timeZone: TimeZone;
  readonly symbolsMap?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

function importCommand(): Command {
  return logOptions(new Command('import'))
    .description('bring the JSON lines of an earlier recorder: each row becomes a trade.closed of origin BACKFILL')
    .argument('<files...>', 'JSON lines, one closed trade each; - is standard input')
    .option('--account <name>', 'account of the imported trades', accountName, 'backfill')
    .option('--venue <name>', 'venue of the imported trades', 'backfill')
    .option(
      '--pnl <unit>',
      'what pnl_percent is in: percent (taken as it stands), ratio, leveraged:N (N times the move), leveraged (by the leverage of each row); without it a file that is not in per cent is refused',
      pnlUnit,
    )
    .addOption(
      new Option('--time-zone <name>', 'of times that name none, for example Europe/Berlin or +09:00')
        .argParser(timeZone)
        .default(UTC, 'UTC'),
    )
    .option('--symbols-map <file>', "JSON or YAML: {spelling: symbol}, or a venue's market list, [{id, symbol}]")
    .option('--dry-run', 'check and count, and write nothing')
    .option('--json', 'the summary as one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
A row: timestamp (ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their range), symbol,
side (BUY, SELL, LONG, SHORT), entry_price, exit_price, pnl_percent, confidence (or null), model_id (or null); optional:
duration_seconds, position_size (1 contract where it was not recorded), exit_reason, strategy_id (checked, but no record has a
place for it).

Unknown    null, "", "nan", "None" and the like in optional fields, confidence and model_id, and 0 in optional fields, are unknown,
           counted and named. Other fields are strict.
Symbols    BTC/USDT:USDT, BTC-USDT and btcusdt become the symbol that the record has, else BTCUSDT; --symbols-map goes before.
Results    pnl_percent is kept as recorded: where it disagrees in sign with side and prices there is a warning. A file whose results
           are another size than the moves (leverage, a ratio) is refused as a whole, with the factor found.
Doubles    Rows that repeat a trade within 50 ms count once, and are named; a row that was imported before is not imported again.
Bad lines  are named as \`FILE:LINE: path: why\`; the others are imported.

Examples:
  $ harvestline clm import trades.jsonl --dry-run
  $ harvestline clm import trades-2025.jsonl trades-2026.jsonl --time-zone America/New_York
  $ harvestline clm import bot.jsonl --pnl leveraged:5 --symbols-map symbols.json
  $ zcat old.jsonl.gz | harvestline clm import - --json

Exit codes: 0 every line was good, 1 at least one was bad or a file was refused, 2 wrong usage.`,
    )
    .action(runImport);
}

async function runImport(files: readonly string[], flags: ImportFlags): Promise<void> {
  // What can be wrong with the call is said before a pipe is read to its end.
  const symbolsMap = flags.symbolsMap === undefined ? new Map<string, string>() : readSymbolsMap(flags.symbolsMap);
  const spool = new SpooledInput();
  try {
    const inputs: NamedInput[] = [];
    for (const file of files) inputs.push(await inputNamed(file, spool));
    await importFrom(inputs, symbolsMap, flags);
  } finally {
    spool.remove();
  }
}

async function importFrom(
  inputs: readonly NamedInput[],
  symbolsMap: ReadonlyMap<string, string>,
  flags: ImportFlags,
): Promise<void> {
  const dryRun = flags.dryRun === true;
  const json = jsonWanted(flags);
  const clock = new SystemClock();
  const faults = new LineWriter(process.stderr);
  const world = await openImportSession(flags, dryRun);
  try {
    let progress = new Progress('rows', null, process.stderr, clock);
    const result = await importTrades(inputs, world.target, {
      account: flags.account,
      venue: flags.venue,
      dryRun,
      now: clock.now(),
      pnl: flags.pnl ?? null,
      timeZone: flags.timeZone,
      symbolsMap,
      onBadLine: (text) => void faults.write(text),
      onWarning: (text) => void faults.write(`warning: ${text}`),
      onRow: () => progress.add(1),
    });
    progress.done();
    if (result.refused !== null) {
      await faults.flush();
      const { refused: pnl_unit, rows, bad } = result;
      if (json)
        await writeLines([JSON.stringify({ refused: true, pnl_unit, rows, imported: 0, bad, dry_run: dryRun })]);
      throw new HarvestlineError('PNL_UNIT', refusalText(pnl_unit));
    }
    const { figures } = result;
    progress = new Progress('outcomes', figures.imported, process.stderr, clock);
    const outcomes = dryRun ? 0 : await world.workOff((count) => progress.add(count));
    progress.done();
    await faults.flush();
    const zone = flags.timeZone.name;
    const summary = { ...figures, time_zone: zone, outcomes, dry_run: dryRun };
    await writeLines(json ? [JSON.stringify(summary)] : summaryLines(figures, zone, outcomes, dryRun));
    if (figures.bad > 0) process.exitCode = 1;
  } finally {
    await world.close();
  }
}

async function inputNamed(file: string, spool: SpooledInput): Promise<NamedInput> {
  if (file === '-') {
    const kept = await spool.take(process.stdin);
    return { name: '(standard input)', lines: bytesOf(kept), again: () => bytesOf(kept) };
  }
  if (!existsSync(file)) throw new HarvestlineError('USAGE', `${file} does not exist`, { at: { file } });
  // A pipe can be read only once: zcat old.jsonl.gz in <(…).
  const kept = statSync(file).isFile() ? file : await spool.take(createReadStream(file));
  return { name: file, lines: bytesOf(kept), again: () => bytesOf(kept) };
}

/** Opened when it is read, and not before: a stream that nobody reads may find its file gone. */
async function* bytesOf(file: string): AsyncIterable<Uint8Array> {
  yield* createReadStream(file);
}

function pnlUnit(text: string): PnlUnit {
  if (text === 'percent' || text === 'ratio') return { kind: text };
  if (text === 'leveraged') return { kind: text, by: null };
  const [, digits = ''] = /^leveraged:(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const by = Number(digits);
  if (!(by > 0)) throw new InvalidArgumentError('Give percent, ratio, leveraged or leveraged:N with N above 0.');
  return { kind: 'leveraged', by };
}

function timeZone(name: string): TimeZone {
  try {
    return timeZoneOf(name);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new InvalidArgumentError('Give a name of the IANA time zone database, such as Europe/Berlin, or an offset.');
  }
}

const name = z.string().min(1).max(256);

/** Spelling to symbol; or a venue's market list, as ccxt's `fetchMarkets` gives it: `id` is the symbol, `symbol` a spelling. */
const SYMBOLS_MAP = z.union([z.record(name, name), z.array(z.object({ id: name, symbol: name }))]);

/** Reads the file of --symbols-map, JSON or YAML. Throws USAGE where it cannot be read or holds no map. */
function readSymbolsMap(file: string): ReadonlyMap<string, string> {
  let read: z.ZodSafeParseResult<z.infer<typeof SYMBOLS_MAP>>;
  try {
    read = SYMBOLS_MAP.safeParse(parse(decodeUtf8(readFileSync(file))));
  } catch (cause) {
    throw new HarvestlineError('USAGE', `--symbols-map ${file}: ${messageOf(cause)}`, { cause, at: { file } });
  }
  if (!read.success)
    throw new HarvestlineError(
      'USAGE',
      `--symbols-map ${file} must be an object of spelling: symbol, or a list of markets with id and symbol`,
      { at: { file } },
    );
  if (!Array.isArray(read.data)) return new Map(Object.entries(read.data));
  return marketsMap(read.data);
}

/** A venue may list a pair in several contracts under one unified symbol; then the symbol names none of them. */
function marketsMap(markets: readonly { readonly id: string; readonly symbol: string }[]): ReadonlyMap<string, string> {
  const bySymbol = Map.groupBy(markets, ({ symbol }) => symbol);
  const spelled = [...bySymbol].flatMap(([symbol, same]) =>
    same.length === 1 ? same.map(({ id }) => [symbol, id] as const) : [],
  );
  return new Map([...markets.map(({ id }) => [id, id] as const), ...spelled]);
}

/** Standard input on disk while a command needs to read it twice. */
class SpooledInput {
  #folder: string | null = null;
  #taken = 0;

  /** Reads it to its end; returns the file. */
  async take(input: Readable): Promise<string> {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'harvestline-'));
    const file = join(this.#folder, `input-${(this.#taken += 1)}`);
    await onDiskAsync(file, () => pipeline(input, createWriteStream(file)));
    return file;
  }

  remove(): void {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = null;
  }
}

interface ExportFlags extends LogOptions {
  readonly format: Format;
  readonly output?: string;
  readonly topic: string;
}

/** An older name of `harvestline export`, for what programs call. Times in CSV are in milliseconds here, as they were. */
export function exportCommand(): Command {
  return logOptions(new Command('export'))
    .description('write outcomes, or another topic: the same as `harvestline export`')
    .addOption(new Option('--format <format>', FORMATS.join(', ')).choices([...FORMATS]).default('jsonl'))
    .option('--output <file>', 'write there; to standard output when left out')
    .option('--topic <topic>', 'what is exported', TOPICS.clmOutcome.name)
    .addHelpText(
      'after',
      `
Times are milliseconds since 1970 in JSON lines and CSV. \`harvestline export --help\` says the rest.

Examples:
  $ harvestline clm export > outcomes.jsonl
  $ harvestline clm export --format csv --output outcomes.csv
  $ harvestline clm export --format avro --topic trade.closed --output trades.avro`,
    )
    .action((flags: ExportFlags) => {
      const topic = exportedTopic(flags.topic, flags.desk);
      return exportTopic({ ...flags, topic, out: flags.output ?? null, times: 'epoch', all: false });
    });
}
