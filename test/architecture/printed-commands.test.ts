import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ERROR_CODES } from '../../errors/codes.ts';
import packageJson from '../../package.json' with { type: 'json' };
import {
  PLACEHOLDER,
  type PrintedCommand,
  commandsIn,
  commandsInMarkdown,
  quietProgram,
  refusalOf,
  shellWords,
  withSubcommands,
} from './printed-commands.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(ROOT + path, 'utf8');

/** The sources that print, without their comments. */
const SOURCES = globSync('{cli,connectors,errors,pipelines,render}/**/*.ts', { cwd: ROOT }).map((path) => ({
  path,
  text: read(path).replaceAll(/^ *\/\*\*[^]*?\*\/$|^ *\/\/.*$/gm, (comment) => comment.replaceAll(/[^\n]/g, '')),
}));

const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/**/*.md', 'deploy/**/*.md'], {
  cwd: ROOT,
}).filter((path) => path !== 'CHANGELOG.md');

/** The help of every command, examples included. */
async function helpTexts(): Promise<readonly { readonly where: string; readonly text: string }[]> {
  return withSubcommands(await quietProgram()).map((command) => {
    let text = '';
    command.configureOutput({ writeOut: (written) => (text += written), getOutHelpWidth: () => 10_000 });
    command.outputHelp();
    // Its own usage line is no command to type.
    return { where: `help of ${command.name()}`, text: text.replace(/^Usage: .*\n/, '') };
  });
}

/** `named`: a command may be named in prose without its arguments. */
async function refused(printed: readonly PrintedCommand[], named = false): Promise<readonly string[]> {
  const commands = printed.filter(({ words }) => !(named && COMMAND_NAMES.has(words.join(' '))));
  const all = await Promise.all(
    commands.map(async ({ where, words }) => {
      const why = await refusalOf(words);
      return why === null ? [] : [`${where}: harvestline ${words.join(' ')}: ${why}`];
    }),
  );
  return all.flat();
}

/** Every command and subcommand by its words. */
const COMMAND_NAMES: ReadonlySet<string> = new Set(
  (await quietProgram()).commands.flatMap((command) => [
    command.name(),
    ...command.commands.map((sub) => `${command.name()} ${sub.name()}`),
  ]),
);

describe('every command that is printed parses as it is printed (CALL-1)', async () => {
  const help = await helpTexts();

  it('in the help', async () => {
    const commands = help.flatMap(({ where, text }) => commandsIn(text, where));
    expect(commands.length).toBeGreaterThan(80);
    expect(await refused(commands, true)).toEqual([]);
  });

  it('in the remedies of errors', async () => {
    const commands = Object.entries(ERROR_CODES).flatMap(([code, { remedy }]) => commandsIn(remedy, code));
    expect(commands.length).toBeGreaterThan(12);
    expect(await refused(commands)).toEqual([]);
  });

  it('in alerts', async () => {
    const commands = SOURCES.flatMap(({ path, text }) => alertCommands(path, text));
    expect(commands.length).toBeGreaterThan(10);
    expect(await refused(commands)).toEqual([]);
  });

  it('in other output', async () => {
    const commands = SOURCES.flatMap(({ path, text }) =>
      text.includes('programName()') ? commandsIn(text.replaceAll(/^.*(?<!\$\{)programName\(\).*$/gm, ''), path) : [],
    );
    expect(commands.length).toBeGreaterThan(10);
    expect(await refused(commands)).toEqual([]);
  });

  it('in the documents', async () => {
    const commands = DOCUMENTS.flatMap((path) => commandsInMarkdown(read(path), path));
    expect(commands.length).toBeGreaterThan(60);
    expect(await refused(commands, true)).toEqual([]);
  });

  it('by the tools of a checkout', async () => {
    const commands = globSync('{tools,packages}/**/*.ts', { cwd: ROOT }).flatMap((path) =>
      commandsIn(read(path), path).filter(({ words }) => words.length > 0),
    );
    expect(commands.length).toBeGreaterThan(2);
    expect(await refused(commands)).toEqual([]);
  });

  it('with sample files that are in the repository', () => {
    const texts = [...help, ...DOCUMENTS.map((path) => ({ where: path, text: read(path) }))];
    // Behind `--out` it is a file that the command makes.
    const named = texts.flatMap(({ where, text }) =>
      Array.from(text.matchAll(/(?<!--out )\bexamples\/[\w./*-]+\.\w+/g), ([path]) => ({ where, path })),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ path }) => globSync(path, { cwd: ROOT }).length === 0)).toEqual([]);
  });

  it('in docker-compose.yml', async () => {
    const Compose = z.object({ services: z.record(z.string(), z.object({ command: z.array(z.string()).optional() })) });
    const { services } = Compose.parse(parse(read('docker-compose.yml'), { merge: true }));
    const commands = Object.entries(services).flatMap(([where, { command: words }]) =>
      words === undefined ? [] : [{ where, words }],
    );
    expect(commands.length).toBeGreaterThan(4);
    expect(await refused(commands)).toEqual([]);
  });

  it('and begins with the word that starts the program there: no source writes that word itself', () => {
    const shownAsCalled = [
      ...help.map(({ text }) => text),
      ...Object.values(ERROR_CODES).map(({ remedy }) => remedy),
    ].join('\n');
    const literal = SOURCES.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const { 0: command } = /(?<![\w./$@-])harvestline [a-z][^`'"]*/.exec(line) ?? [''];
        // The live view's own heading is no command to type.
        const known =
          command === '' ||
          /pc\.bold\('harvestline/.test(line) ||
          shownAsCalled.includes(
            command
              .replaceAll('\\', '')
              .replace(/\$\{.*/, '')
              .trimEnd(),
          );
        return known || !COMMAND_NAMES.has(command.split(' ')[1] ?? '') ? [] : [`${path}:${index + 1}: ${line.trim()}`];
      }),
    );
    expect(literal, 'write `${programName()} …` (errors/program-name.ts)').toEqual([]);
  });
});

describe('every `npm run` that is printed', () => {
  it('names a script of package.json', () => {
    const scripts = new Set(Object.keys(packageJson.scripts));
    const printed = [...DOCUMENTS, ...globSync('{cli,packages,tools}/**/*.ts', { cwd: ROOT })].flatMap((path) =>
      Array.from(read(path).matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g), ([, script = '']) => ({ path, script })),
    );
    expect(printed.length).toBeGreaterThan(30);
    expect(printed.filter(({ script }) => !scripts.has(script))).toEqual([]);
  });
});

describe('the check itself', () => {
  it.each([
    ['tail trade.closd', 'no topic'],
    ['tail', 'missing required argument'],
    ['status --jsn', 'unknown option'],
    ['stauts', 'unknown command'],
    ['dlq lst', 'unknown command'],
    ['run scoring --http-port', 'argument missing'],
    ['dlq discard --code RECORD_INVALID --by alice', '--reason is needed'],
  ])('refuses `%s`', async (text, why) => {
    expect(await refusalOf(shellWords(text))).toContain(why);
  });

  it('reads a command as a shell does, up to its end', () => {
    expect(shellWords(` halt --reason "the venue's" --by alice | jq .x`)).toEqual([
      'halt',
      '--reason',
      "the venue's",
      '--by',
      'alice',
    ]);
    expect(shellWords(' tail trade.closed          the latest closed trades')).toEqual(['tail', 'trade.closed']);
    expect(shellWords(" replay --fail-if 'flips>5%' > out.json")).toEqual(['replay', '--fail-if', 'flips>5%']);
    expect(shellWords('` lists them')).toEqual([]);
  });
});

/** Commands of alerts: `lookCloser('tail', …)` and `{ words: 'desk retire', args: […] }`, with a word in place of each expression. */
function alertCommands(path: string, text: string): readonly PrintedCommand[] {
  const calls = /lookCloser\(((?:[^()]|\([^()]*\))*)\)|words: ('[^']+'), args: \[((?:[^[\]]|\[[^\]]*\])*)\]/g;
  return Array.from(text.matchAll(calls), ([, call, words = '', args = '']) => ({
    where: path,
    words: argumentsOf(call ?? `${words}, ${args}`),
  })).filter(({ words }) => words[0] !== PLACEHOLDER);
}

function argumentsOf(list: string): readonly string[] {
  const parts = list
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts.flatMap((part) => {
    const { 1: literal } = /^['`]([^'`]*)['`]$/.exec(part.replaceAll(/\$\{[^}]*\}/g, PLACEHOLDER)) ?? [];
    if (literal !== undefined) return literal.split(' ');
    return part.startsWith('...') ? [] : [PLACEHOLDER];
  });
}
