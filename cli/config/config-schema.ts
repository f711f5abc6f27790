/**
 * The shape of harvestline.yaml as a JSON Schema, made of the options of every command. It is written to harvestline.schema.json, by which
 * editors complete a file, and by which it is checked at a start without loading every command.
 */
import type { Command, Option } from 'commander';

/** What one option may be in the file. */
export interface OptionSchema {
  readonly description: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly items?: object;
}

export interface Reference {
  readonly $ref: string;
}

/** A section of the file: options, and the sections of subcommands. */
export interface SectionSchema {
  readonly description?: string;
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly properties: Readonly<
    Record<string, Reference | SectionSchema | { readonly anyOf: readonly [Reference, SectionSchema] }>
  >;
}

export interface ConfigSchema extends SectionSchema {
  readonly $schema: string;
  readonly title: string;
  readonly $defs: Readonly<Record<string, OptionSchema>>;
}

/** They say something about the file or the program, so they cannot stand in it. */
const NOT_IN_FILES: ReadonlySet<string> = new Set(['config', 'help', 'version']);

/** The options of a command that may stand in the file. */
export function fileOptions(command: Command): readonly Option[] {
  return command.options.filter((option) => !NOT_IN_FILES.has(option.attributeName()) && option.long !== undefined);
}

/** `maxNotional` -> `max_notional`: the name in the file. `--no-stream` is `stream: false` there. */
export function keyOf(option: Option): string {
  return option.attributeName().replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Both spellings of a key: with underscores, and with the dashes of the command line. */
function spellings(key: string): readonly string[] {
  return key.includes('_') ? [key, key.replaceAll('_', '-')] : [key];
}

export function configSchema(program: Command): ConfigSchema {
  const definitions = new Map<string, OptionSchema>();
  const reference = (option: Option): Reference => ({ $ref: `#/$defs/${define(definitions, option)}` });
  const sections = sectionsOf(program, reference);
  const shared = sharedOptions(program);
  const properties: Record<string, SectionSchema['properties'][string]> = { ...sections };
  for (const [key, option] of [...shared].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const section = sections[key];
    for (const spelling of spellings(key)) {
      properties[spelling] =
        section !== undefined && 'type' in section ? { anyOf: [reference(option), section] } : reference(option);
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'harvestline.yaml: options of commands',
    description: 'At the top an option holds for every command that has it, in the section of a command for that one.',
    type: 'object',
    additionalProperties: false,
    properties,
    $defs: Object.fromEntries([...definitions].toSorted(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function sectionsOf(parent: Command, reference: (option: Option) => Reference): SectionSchema['properties'] {
  const entries = parent.commands.map((command): [string, SectionSchema] => {
    const own = fileOptions(command).flatMap((option) =>
      spellings(keyOf(option)).map((spelling) => [spelling, reference(option)] as const),
    );
    const section: SectionSchema = {
      description: command.description(),
      type: 'object',
      additionalProperties: false,
      properties: { ...Object.fromEntries(own), ...sectionsOf(command, reference) },
    };
    return [command.name(), section];
  });
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Options that mean the same in every command that has one of the name. Another stands in the section of a command only. */
function sharedOptions(program: Command): ReadonlyMap<string, Option> {
  const found = new Map<string, Option | null>();
  for (const command of leavesOf(program)) {
    for (const option of fileOptions(command)) {
      const key = keyOf(option);
      const other = found.get(key);
      if (other === undefined) found.set(key, option);
      else if (other !== null && shapeOf(other) !== shapeOf(option)) found.set(key, null);
    }
  }
  return new Map([...found].flatMap(([key, option]) => (option === null ? [] : [[key, option] as const])));
}

/** The commands without subcommands. */
export function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** The values that an option takes, whatever its description. */
function shapeOf(option: Option): string {
  const { description: _, ...shape } = optionSchema(option);
  return JSON.stringify(shape);
}

/** The name of the option's definition: that of the option, numbered where commands describe it in other words. */
function define(definitions: Map<string, OptionSchema>, option: Option): string {
  const schema = optionSchema(option);
  const text = JSON.stringify(schema);
  for (let index = 1; ; index++) {
    const name = index === 1 ? keyOf(option) : `${keyOf(option)}.${index}`;
    const known = definitions.get(name);
    if (known === undefined) definitions.set(name, schema);
    if (known === undefined || JSON.stringify(known) === text) return name;
  }
}

function optionSchema(option: Option): OptionSchema {
  const { description, argChoices } = option;
  if (isFlag(option)) return { description, type: 'boolean' };
  if (argChoices !== undefined) return { description, enum: argChoices };
  if (isRepeatable(option))
    return { description, type: ['string', 'number', 'array'], items: { type: ['string', 'number'] } };
  return { description, type: ['string', 'number'] };
}

/** An option without a value on the command line. */
export function isFlag({ required, optional }: Pick<Option, 'required' | 'optional'>): boolean {
  return !required && !optional;
}

/** A parser that takes the values before, too, collects them. */
export function isRepeatable({ variadic, parseArg }: Option): boolean {
  return variadic || (parseArg?.length ?? 0) > 1;
}
