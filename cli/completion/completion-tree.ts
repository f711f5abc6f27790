/** What shells complete: commands with their options, and what is known of the values that these take. */
import type { Argument, Command, Option } from 'commander';
import { BUILT_IN_POLICIES } from '../../pipelines/scoring/policy.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { isFlag } from '../config/config-schema.ts';

/** What a value may be: some words, files, folders; nothing is completed where neither is given. */
export interface Values {
  readonly words: readonly string[];
  readonly paths: 'files' | 'folders' | null;
}

export interface CompletedOption {
  /** `--max-notional`. */
  readonly long: string;
  readonly description: string;
  /** Null: a flag. */
  readonly values: Values | null;
}

export interface CompletedCommand {
  /** `['calibrate', 'propose']`. */
  readonly words: readonly string[];
  readonly description: string;
  readonly subcommands: readonly CompletedCommand[];
  readonly options: readonly CompletedOption[];
  /** Of the arguments together: which of them stands where, commander says when the command is called. */
  readonly arguments: Values;
}

export function completionTree(program: Command): CompletedCommand {
  return treeOf(program, []);
}

function treeOf(command: Command, words: readonly string[]): CompletedCommand {
  const help: CompletedOption = { long: '--help', description: 'options and examples', values: null };
  return {
    words,
    description: command.description(),
    subcommands: command.commands.map((sub) => treeOf(sub, [...words, sub.name()])),
    options: [
      ...command.options.flatMap((option): readonly CompletedOption[] => {
        const { long, description } = option;
        return long === undefined || long === null
          ? []
          : [{ long, description, values: isFlag(option) ? null : valuesOf(option, nameOfValue(option)) }];
      }),
      help,
    ],
    arguments: together(command.registeredArguments.map((argument) => valuesOf(argument, argument.name()))),
  };
}

/** `--policy <id-or-file>` -> `id-or-file`. */
function nameOfValue({ flags }: Option): string {
  return /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1]?.replace(/\.\.\.$/, '') ?? '';
}

/** By the choices, or by the name that help shows. */
function valuesOf({ argChoices }: Pick<Option & Argument, 'argChoices'>, name: string): Values {
  if (argChoices !== undefined) return { words: argChoices, paths: null };
  if (name.startsWith('topic')) return { words: allTopicSpecs().map((topic) => topic.name), paths: null };
  if (name === 'id-or-file') return { words: [...BUILT_IN_POLICIES.keys()], paths: 'files' };
  if (/\bfiles?\b/.test(name)) return { words: [], paths: 'files' };
  return { words: [], paths: /\b(?:dir|folder)\b/.test(name) ? 'folders' : null };
}

function together(all: readonly Values[]): Values {
  return {
    words: all.flatMap(({ words }) => words),
    paths: all.map(({ paths }) => paths).find((paths) => paths !== null) ?? null,
  };
}

/** The command and all below it. */
export function allCommands(command: CompletedCommand): readonly CompletedCommand[] {
  return [command, ...command.subcommands.flatMap(allCommands)];
}

/** The first sentence of a description, or what fits: shells show a line. */
export function shortened(description: string): string {
  const [first = ''] = description.split(/(?<=\w)[.;:] /);
  return first.length <= MOST_SHOWN ? first : `${first.slice(0, MOST_SHOWN - 1)}…`;
}

/** Unit: characters. */
const MOST_SHOWN = 72;
