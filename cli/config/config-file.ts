/**
 * The file of settings, harvestline.yaml: options of commands, so that nobody types a line for real money by hand.
 *
 * CONF-1  A file that is found, and not named, counts only where this user or root owns it and not everybody may write to it: a file in a
 *         shared folder must not choose the desk.
 * CONF-2  Every wrong path is named at once, with its line, and no value: a secret may stand there by mistake.
 */
import { existsSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Document, LineCounter, type Node, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { readBoundedFile } from '../../connectors/system/bounded-file.ts';
import { HarvestlineError, type Problem, messageOf } from '../../errors/harvestline-error.ts';
import { didYouMean } from '../../errors/nearest.ts';
import schema from './harvestline.schema.json' with { type: 'json' };
import type { OptionSchema, SectionSchema } from './config-schema.ts';

/** The name of the file in the working directory. */
export const CONFIG_FILE = 'harvestline.yaml';

/** Names another file, as --config does. */
export const CONFIG_VARIABLE = 'HARVESTLINE_CONFIG';

/** One option in the file. */
export interface FileSetting {
  /** The words of the command, none for an option of all commands, and the key with underscores. */
  readonly section: readonly string[];
  readonly key: string;
  readonly value: boolean | string | readonly string[];
  readonly line: number;
}

export interface ConfigFile {
  /** As it is shown. */
  readonly path: string;
  readonly settings: readonly FileSetting[];
}

interface Place {
  readonly path: string;
  /** Whether a person named it. */
  readonly isNamed: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the file is: as the command line names it, or the environment, or in the folder; null: nowhere. */
export function configPlace(argv: readonly string[], env: Environment, folder: string): Place | null {
  const named = configFlag(argv) ?? env[CONFIG_VARIABLE];
  if (named !== undefined && named !== '') return { path: named, isNamed: true };
  return existsSync(join(folder, CONFIG_FILE)) ? { path: join(folder, CONFIG_FILE), isNamed: false } : null;
}

/** The last `--config` of a command line, which is read before the commands are known. */
function configFlag(argv: readonly string[]): string | undefined {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  return words
    .flatMap((word, index) =>
      word === '--config' ? [words[index + 1]] : word.startsWith('--config=') ? [word.slice('--config='.length)] : [],
    )
    .at(-1);
}

/** The file, and what is wrong in it by its form alone: names, kinds and choices. What else its values may be, the parsers of the options know. */
export interface ExaminedFile {
  readonly file: ConfigFile;
  readonly problems: readonly Problem[];
}

/** Reads the file. Throws CONFIG_INVALID where it cannot be read, or must not be used (CONF-1). */
export function readConfigFile({ path, isNamed }: Place): ExaminedFile {
  const shown = relative('.', path).startsWith('..') ? path : relative('.', path);
  let text: string;
  try {
    if (!isNamed) refuseForeign(path, shown);
    text = readBoundedFile(path).toString('utf8');
  } catch (thrown) {
    if (thrown instanceof HarvestlineError) throw thrown;
    throw new HarvestlineError('CONFIG_INVALID', `${shown}: cannot be read: ${messageOf(thrown)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problems: Problem[] = document.errors.map(({ code, pos: [at] }) => ({
    path: `${shown}:${lines.linePos(at).line}`,
    why: `is no YAML (${code.toLowerCase().replaceAll('_', ' ')})`,
  }));
  const settings: FileSetting[] = [];
  const reader = { document, lines, shown, problems, settings };
  if (problems.length === 0 && document.contents !== null) readSection(reader, document.contents, ROOT, []);
  return { file: { path: shown, settings }, problems };
}

/** An error that lists the problems, one a line. `path` of each begins with file and line. */
export function configInvalid(problems: readonly Problem[]): HarvestlineError {
  const list = problems.map(({ path, why }) => `  ${path}: ${why}`).join('\n');
  return new HarvestlineError('CONFIG_INVALID', `the settings are not valid:\n${list}`, { problems });
}

const EVERYBODY_WRITES = 0o002;

/** CONF-1. */
function refuseForeign(path: string, shown: string): void {
  const { uid, mode } = statSync(path);
  const own = process.getuid?.() ?? uid;
  const why =
    uid !== own && uid !== 0
      ? 'belongs to another user'
      : (mode & EVERYBODY_WRITES) !== 0
        ? 'may be written by everybody'
        : null;
  if (why === null) return;
  throw new HarvestlineError('CONFIG_INVALID', `${shown}: ${why}, and was not named: to use it, say --config ${shown}`);
}

// The form that config-schema.ts generates.
const ROOT = schema as unknown as SectionSchema;
const DEFINITIONS = schema.$defs as unknown as Readonly<Record<string, OptionSchema>>;

interface Reader {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly shown: string;
  readonly problems: Problem[];
  readonly settings: FileSetting[];
}

/** A name that promises a secret. Options that name a file with one are options, and so known. */
const SECRET = /(?:secret|password|passphrase|token|credential|api_?key)/i;

function readSection(reader: Reader, node: unknown, section: SectionSchema, path: readonly string[]): void {
  const found = resolved(reader, node);
  if (!isMap(found)) {
    report(reader, node, path, 'must be a section: options by name');
    return;
  }
  const seen = new Set<string>();
  for (const { key, value } of found.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const plain = name.replaceAll('-', '_');
    const own = Object.hasOwn(section.properties, name) ? section.properties[name] : undefined;
    if (seen.has(plain)) report(reader, key, [...path, name], 'stands there twice');
    else if (own === undefined) report(reader, key, [...path, name], whyUnknown(name, section));
    else readEntry(reader, key, value, own, [...path, name]);
    seen.add(plain);
  }
}

function whyUnknown(name: string, section: SectionSchema): string {
  if (SECRET.test(name)) return 'a secret must not stand here: give it by the environment, best as NAME_FILE';
  const known = Object.keys(section.properties).filter((one) => !one.includes('-'));
  const hint = didYouMean(name, known).slice(name.length).trim();
  const elsewhere = Object.entries(ROOT.properties)
    .filter(([, one]) => 'type' in one && Object.hasOwn(one.properties, name))
    .map(([command]) => command);
  if (section === ROOT && elsewhere.length > 0)
    return `means different things to commands: put it into the section of one (${elsewhere.join(', ')})`;
  return `there is no such option or command${hint === '' ? '' : ` ${hint}`}`;
}

function readEntry(
  reader: Reader,
  key: unknown,
  node: unknown,
  entry: SectionSchema['properties'][string],
  path: readonly string[],
): void {
  const found = resolved(reader, node);
  if ('type' in entry) return readSection(reader, node ?? key, entry, path);
  if ('anyOf' in entry) {
    const [option, section] = entry.anyOf;
    if (isMap(found)) return readSection(reader, node, section, path);
    return readEntry(reader, key, node, option, path);
  }
  const option = DEFINITIONS[entry.$ref.slice('#/$defs/'.length)] ?? { description: '' };
  const value = valueOf(reader, found, option);
  if (value === null) return report(reader, key, path, `must be ${wanted(option)}`);
  reader.settings.push({
    section: path.slice(0, -1),
    key: (path.at(-1) ?? '').replaceAll('-', '_'),
    value,
    line: lineOf(reader, key),
  });
}

/** The value as the command line would have it; null where it is of another kind. */
function valueOf(reader: Reader, node: unknown, option: OptionSchema): FileSetting['value'] | null {
  if (option.type === 'boolean') return isScalar(node) && typeof node.value === 'boolean' ? node.value : null;
  const isList = option.type?.includes('array') === true;
  if (isList && isSeq(node)) {
    const words = node.items.map((item) => wordOf(resolved(reader, item)));
    return words.some((word) => word === null) ? null : words.filter((word) => word !== null);
  }
  const word = wordOf(node);
  return word !== null && (option.enum?.includes(word) ?? true) ? word : null;
}

/** A text, or a number as it is written: 007 is no 7. */
function wordOf(node: unknown): string | null {
  if (!isScalar(node)) return null;
  if (typeof node.value === 'string') return node.value === '' ? null : node.value;
  return typeof node.value === 'number' || typeof node.value === 'bigint' ? (node.source ?? String(node.value)) : null;
}

function wanted({ type, enum: choices }: OptionSchema): string {
  if (type === 'boolean') return 'true or false';
  if (choices !== undefined) return `one of ${choices.join(', ')}`;
  return type?.includes('array') === true ? 'a word, or a list of words' : 'a word or a number';
}

function resolved(reader: Reader, node: unknown): unknown {
  return isAlias(node) ? node.resolve(reader.document) : node;
}

function report(reader: Reader, node: unknown, path: readonly string[], why: string): void {
  reader.problems.push({ path: `${reader.shown}:${lineOf(reader, node)}: ${path.join('.') || '(root)'}`, why });
}

function lineOf({ lines }: Reader, node: unknown): number {
  const [at = 0] = (node as Node | null)?.range ?? [];
  return lines.linePos(at).line;
}
