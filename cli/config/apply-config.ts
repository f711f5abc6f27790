/**
 * Gives the options of a command their values from the file, before the command line is parsed.
 *
 * CONF-3  Flags over environment over file over default. A flag replaces a list of the file, it does not add to it, and an option of the
 *         file that a flag excludes does not count.
 */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import type { Problem } from '../../errors/harvestline-error.ts';
import { learnSecrets } from '../../connectors/system/settings.ts';
import { VARIABLES_OF } from '../options/log-options.ts';
import type { ConfigFile, FileSetting } from './config-file.ts';
import { configInvalid, readConfigFile, configPlace } from './config-file.ts';
import { fileOptions, isRepeatable, keyOf, leavesOf } from './config-schema.ts';

/** commander's name of the source; it lets variables of the environment and flags replace such values. */
export const FROM_FILE = 'config';

/** Commands that examine the desk of another one, and so take its section as well: their own options come first. */
const ALSO_READS: Readonly<Record<string, string>> = { doctor: 'run' };

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the options of a command come from in the file: `harvestline.yaml:12` by attribute. */
const places = new WeakMap<Command, Map<string, string>>();

/** `harvestline.yaml:12`; null where the option does not come from a file. */
export function placeInFile(command: Command, attribute: string): string | null {
  if (command.getOptionValueSource(attribute) !== FROM_FILE) return null;
  return places.get(command)?.get(attribute) ?? null;
}

/** The settings of the file that hold for this command line, as attribute and place. */
export function settingsFromFile(command: Command): Readonly<Record<string, string>> {
  const given = [...(places.get(command) ?? [])];
  return Object.fromEntries(given.filter(([attribute]) => placeInFile(command, attribute) !== null));
}

/** Reads the file that holds for this command line, if any, and gives every command of the program its options. Throws CONFIG_INVALID. */
export function applyConfig(program: Command, argv: readonly string[], env: Environment, folder: string): void {
  const place = configPlace(argv, env, folder);
  if (place === null) return;
  const { file, problems } = readConfigFile(place);
  hideAddresses(file);
  applyToAll(program, file, problems, env);
}

/** Gives every command of the program its options. Throws CONFIG_INVALID with the problems that are known, and what parsers refuse. */
export function applyToAll(program: Command, file: ConfigFile, known: readonly Problem[], env: Environment): void {
  const problems = [...known, ...leavesOf(program).flatMap((command) => applyFile(command, file, env))];
  if (problems.length > 0) throw configInvalid(unique(problems));
}

/** Addresses should hold no secret; in case one does, it is in no output. */
export function hideAddresses({ settings }: ConfigFile): void {
  const words = settings.flatMap(({ key, value }) => [`--${key.replaceAll('_', '-')}`, String(value)]);
  learnSecrets({}, words);
}

/** In the order of the lines. An option that several commands share is one problem. */
function unique(problems: readonly Problem[]): readonly Problem[] {
  const byText = new Map(problems.map((problem) => [`${problem.path} ${problem.why}`, problem]));
  return [...byText.values()].toSorted((one, other) => lineOf(one) - lineOf(other));
}

/** `harvestline.yaml:12: run.live` -> 12. */
function lineOf({ path }: Problem): number {
  return Number(/:(\d+)(?::|$)/.exec(path)?.[1] ?? 0);
}

/** Gives one command its options, and returns what its parsers refuse. */
function applyFile(command: Command, file: ConfigFile, env: Environment): readonly Problem[] {
  const problems: Problem[] = [];
  const own = new Map<string, string>();
  places.set(command, own);
  for (const option of fileOptions(command)) {
    const setting = settingFor(command, option, file);
    if (setting === null) continue;
    const attribute = option.attributeName();
    const variable = VARIABLES_OF.get(attribute);
    if (variable !== undefined && (env[variable] ?? '') !== '') continue;
    const where = `${file.path}:${setting.line}`;
    try {
      command.setOptionValueWithSource(attribute, parsed(option, setting.value), FROM_FILE);
      own.set(attribute, where);
    } catch (thrown) {
      if (!(thrown instanceof InvalidArgumentError)) throw thrown;
      problems.push({ path: `${where}: ${[...setting.section, setting.key].join('.')}`, why: thrown.message });
    }
    letFlagsReplace(command, option);
  }
  return problems;
}

/** The nearest section that has the option. */
function settingFor(command: Command, option: Option, { settings }: ConfigFile): FileSetting | null {
  const words = wordsOf(command);
  const key = keyOf(option);
  const other = ALSO_READS[words.join(' ')];
  const sections = [words, ...(other === undefined ? [] : [[other]]), []];
  for (const section of sections) {
    const found = settings.find((one) => one.key === key && one.section.join(' ') === section.join(' '));
    if (found === undefined) continue;
    // `live: false` says what leaving it out says; `stream: false` is --no-stream.
    return typeof found.value === 'boolean' && found.value === option.negate ? null : found;
  }
  return null;
}

/** `calibrate propose` -> `['calibrate', 'propose']`. */
export function wordsOf(command: Command): readonly string[] {
  const { parent } = command;
  return parent === null ? [] : [...wordsOf(parent), command.name()];
}

function parsed(option: Option, value: FileSetting['value']): unknown {
  if (typeof value === 'boolean') return value;
  const words = typeof value === 'string' ? [value] : value;
  const { parseArg } = option;
  if (parseArg === undefined) return option.variadic ? words : words.at(-1);
  // As for the first flag, commander gives the default to a parser that collects values.
  return words.reduce<unknown>(
    (before, word) => parseArg(word, before),
    isRepeatable(option) ? option.defaultValue : undefined,
  );
}

/** CONF-3. */
function letFlagsReplace(command: Command, option: Option): void {
  const attribute = option.attributeName();
  const { parseArg } = option;
  if (parseArg !== undefined && isRepeatable(option)) {
    const fromFile: unknown = command.getOptionValue(attribute);
    option.parseArg = <T>(word: string, before: T): T =>
      parseArg(word, before === fromFile ? (option.defaultValue as T) : before);
  }
  for (const other of command.options) {
    if (!excludes(other, option) && !excludes(option, other)) continue;
    command.on(`option:${other.name()}`, () => {
      if (command.getOptionValueSource(attribute) !== FROM_FILE) return;
      command.setOptionValueWithSource(attribute, option.defaultValue, 'default');
    });
  }
}

/** commander's types leave the list out. */
function excludes(one: Option, other: Option): boolean {
  const { conflictsWith = [] } = one as Option & { readonly conflictsWith?: readonly string[] };
  return conflictsWith.includes(other.attributeName());
}
