import { Command } from 'commander';
import { learnSecrets } from '../connectors/system/settings.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { didYouMean } from '../errors/nearest.ts';
import { jsonWanted, writeLines } from '../render/output.ts';
import { plainTable } from '../render/tables.ts';
import { pc } from '../render/terminal.ts';
import { FROM_FILE, applyToAll, hideAddresses, placeInFile } from './config/apply-config.ts';
import { CONFIG_FILE, type ExaminedFile, configPlace, readConfigFile } from './config/config-file.ts';
import { fileOptions, keyOf } from './config/config-schema.ts';
import { VARIABLES_OF } from './options/log-options.ts';

/** Loads the commands of the program: the named one, or all. */
type LoadProgram = (name?: string) => Promise<Command>;

/** `harvestline config`: the file of settings. `load` makes the program whose options may stand in it. */
export function configCommand(load: LoadProgram): Command {
  return new Command('config')
    .description(`check ${CONFIG_FILE}, and show where the options of a command come from`)
    .addCommand(checkCommand(load))
    .addCommand(showCommand(load));
}

function checkCommand(load: LoadProgram): Command {
  return new Command('check')
    .description('name everything that is wrong in the file, with its line')
    .option('--json', 'one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
Keys are the long names of options, with dashes or underscores: at the top for every command that has the option, in the section of a
command (\`run:\`, \`calibrate:\` with \`propose:\` in it) for that one. \`doctor\` takes the section of \`run\`, too. Secrets are refused:
give them by the environment, best as NAME_FILE. cli/config/harvestline.schema.json is the JSON Schema, by which editors complete the file.

Flags win over the environment, that over the file, and the file over defaults.

Examples:
  harvestline config check
  harvestline config check --config desks/paris.yaml

Exit codes: 0 the file is valid, or there is none; 2 it is not.`,
    )
    .action(async (options: { readonly json?: true; readonly config?: string }) => {
      const found = examined(options.config);
      // Without the environment, which would keep values of the file from being looked at.
      if (found !== null) applyToAll(await load(), found.file, found.problems, {});
      const file = found?.file ?? null;
      const count = file?.settings.length ?? 0;
      const said =
        file === null
          ? `no ${CONFIG_FILE} here`
          : `${file.path}: ${count} ${count === 1 ? 'option' : 'options'}, all valid`;
      await writeLines([
        jsonWanted(options) ? JSON.stringify({ ok: true, file: file?.path ?? null, options: count }) : pc.green(said),
      ]);
    });
}

function showCommand(load: LoadProgram): Command {
  return new Command('show')
    .description('show the options of a command, each with where it comes from: default, file, environment or flag')
    .argument('[command...]', 'the command, with flags if you like; `run` where left out')
    .option('--json', 'one option a line as JSON, as in a pipe')
    .allowUnknownOption()
    .addHelpText(
      'after',
      `
Examples:
  harvestline config show
  harvestline config show run --max-notional 100    with this flag
  harvestline config show calibrate propose --json | jq 'select(.origin == "file")'`,
    )
    .action(async (words: readonly string[], options: { readonly json?: true; readonly config?: string }) => {
      const found = examined(options.config);
      const [name = 'run', ...rest] = words;
      const { command, flags } = commandOf(await load(name), [name, ...rest]);
      if (found !== null) applyToAll(command, found.file, found.problems, process.env);
      command.action(() => {});
      learnSecrets({}, flags);
      await command.parseAsync(flags, { from: 'user' });
      const shown = originsOf(command, process.env);
      await writeLines(jsonWanted(options) ? shown.map((one) => JSON.stringify(one)) : table(shown));
    });
}

/** The file that is named, else the one that holds here; null where there is none. */
function examined(named: string | undefined): ExaminedFile | null {
  const place = configPlace(named === undefined ? [] : [`--config=${named}`], process.env, process.cwd());
  if (place === null) return null;
  const found = readConfigFile(place);
  hideAddresses(found.file);
  return found;
}

/** The command that the words name, and what follows them. Throws USAGE. */
function commandOf(program: Command, words: readonly string[]): { command: Command; flags: readonly string[] } {
  let command = program;
  let flags = words;
  while (command.commands.length > 0) {
    const [word = ''] = flags;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) {
      const known = command.commands.map((one) => one.name());
      throw new HarvestlineError('USAGE', `no command ${didYouMean(word, known)}; there are ${known.join(', ')}`);
    }
    command = next;
    flags = flags.slice(1);
  }
  return { command, flags };
}

interface ShownOption {
  readonly option: string;
  readonly value: unknown;
  readonly origin: 'default' | 'file' | 'environment' | 'flag';
  /** File and line, or the variable; null for the others. */
  readonly place: string | null;
}

/** The options that have a value. */
function originsOf(command: Command, env: Readonly<Record<string, string | undefined>>): readonly ShownOption[] {
  return fileOptions(command).flatMap((option): readonly ShownOption[] => {
    const attribute = option.attributeName();
    const shown = { option: keyOf(option), value: command.getOptionValue(attribute) as unknown };
    const variable = VARIABLES_OF.get(attribute);
    if (shown.value === undefined) {
      const value = variable === undefined ? '' : (env[variable] ?? '');
      return value === '' ? [] : [{ ...shown, value, origin: 'environment', place: variable ?? null }];
    }
    const source = command.getOptionValueSource(attribute);
    if (source === FROM_FILE) return [{ ...shown, origin: 'file', place: placeInFile(command, attribute) }];
    if (source === 'env') return [{ ...shown, origin: 'environment', place: option.envVar ?? null }];
    return [{ ...shown, origin: source === 'cli' ? 'flag' : 'default', place: null }];
  });
}

function table(found: readonly ShownOption[]): readonly string[] {
  const rows = found.map(({ option, value, origin, place }) => [
    origin === 'default' ? pc.dim(option) : option,
    typeof value === 'string' ? value : JSON.stringify(value),
    origin === 'default' ? pc.dim(origin) : (place ?? origin),
  ]);
  return plainTable([{ head: 'option' }, { head: 'value' }, { head: 'from' }], rows);
}
