/** The commands of this program that any text prints: collected from sources, help and documents, and parsed as a shell and commander would. */
import type { Command } from 'commander';
import { programFor } from '../../cli/main.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** Where a command stands, and its words behind the program's name, up to what ends it. */
export interface PrintedCommand {
  readonly where: string;
  readonly words: readonly string[];
}

/** The options and arguments of the command of that name, or of every command, without what they do. */
export async function quietProgram(name?: string): Promise<Command> {
  const program = await programFor(name);
  for (const command of withSubcommands(program)) {
    if (command.commands.length === 0) command.action(() => {});
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  }
  return program;
}

export function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** What a placeholder in a printed command stands for, by how it is written: an expression in a template, or a word to fill in. */
export const PLACEHOLDER = '1';

/** `harvestline …` in a line, wherever it stands in a pipeline: behind the start, `$`, a quote, or what chains commands. */
const COMMAND = /(?:^\s*|[`$|(:] ?|&& |\bxargs )(?:npx )?(?:harvestline|\$\{programName\(\)\})(?= [a-z<[-])/g;

/** The commands in a text, a line at a time. */
export function commandsIn(text: string, where: string): readonly PrintedCommand[] {
  return text.split('\n').flatMap((line, index) =>
    Array.from(line.matchAll(COMMAND), ({ 0: start, index: at }) => ({
      where: `${where}:${index + 1}`,
      words: [...shellWords(line.slice(at + start.length)), ...(start.includes('xargs') ? [PLACEHOLDER] : [])],
    })),
  );
}

/** The commands in a document: in its blocks of code, and between back-quotes in its prose. */
export function commandsInMarkdown(text: string, where: string): readonly PrintedCommand[] {
  let inBlock = false;
  const lines = text.split('\n').map((line) => {
    if (line.startsWith('```')) inBlock = !inBlock;
    return inBlock ? line : line.replace(/^ *harvestline/, '-');
  });
  return commandsIn(lines.join('\n'), where);
}

/** The words of a command up to the end of it: a pipe, a second command, a redirection, a closing quote of prose, or a comment in a column of its own. */
export function shellWords(text: string): readonly string[] {
  const words: string[] = [];
  let rest = text.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, PLACEHOLDER);
  while (true) {
    const { 0: blank } = /^ */.exec(rest) ?? [''];
    rest = rest.slice(blank.length);
    if (rest === '' || /^(?:[|;&<>#`)]|\\`)/.test(rest) || (words.length > 0 && blank.length > 1)) return words;
    const [whole = '', double, single, plain] =
      /^"([^"]*)"|^'([^']*)'|^((?:[^\s`|;&<>)'"\\,]|,(?=\S)|\\(?!`))+)/.exec(rest) ?? [];
    if (whole === '') return words;
    words.push(double ?? single ?? plain ?? '');
    rest = rest.slice(whole.length);
    // The end of a sentence of prose.
    if (rest.startsWith(',')) return words;
  }
}

/** Why a command would be refused as it is printed, or null. */
export async function refusalOf(words: readonly string[]): Promise<string | null> {
  const program = await quietProgram(words[0]);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (thrown) {
    return words.includes('--help') || words.includes('--version') ? null : String(thrown);
  }
  return misspeltTopic(program, words) ?? neededOption(program, words);
}

const TOPIC_NAMES: ReadonlySet<string> = new Set(Object.values(TOPICS).flatMap(({ name }) => [name, `${name}.dlq`]));

/** Some options are needed, and found missing only when the command runs, together with all else that is wrong: their description says so. */
function neededOption(program: Command, words: readonly string[]): string | null {
  const command = calledCommand(program, words);
  const missing = command.options.find(
    (option) => option.description.endsWith('(needed)') && command.getOptionValue(option.attributeName()) === undefined,
  );
  return missing === undefined ? null : `${missing.long} is needed`;
}

function calledCommand(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) command = command.commands.find((sub) => sub.name() === word) ?? command;
  return command;
}

/** Commander does not know topics: an argument called topic has to be one of the table, or a word to fill in. */
function misspeltTopic(program: Command, words: readonly string[]): string | null {
  const command = calledCommand(program, words);
  const given = command.args.flatMap((arg, index) =>
    command.registeredArguments[index]?.name() === 'topic' ? [arg] : [],
  );
  const wrong = given.find((arg) => !TOPIC_NAMES.has(arg) && arg !== PLACEHOLDER && !/^[A-Z]+$/.test(arg));
  return wrong === undefined ? null : `${wrong} is no topic`;
}
