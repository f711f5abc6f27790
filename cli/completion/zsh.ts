import { type CompletedCommand, type CompletedOption, type Values, allCommands, shortened } from './completion-tree.ts';

/** A completion script of zsh: a function a command, which hands on to those of its subcommands. */
export function zshScript(tree: CompletedCommand): string {
  return `#compdef harvestline
# Completes harvestline in zsh. Made by: harvestline completion zsh
_harvestline_or_files() {
  compadd -- "$@"
  _files
}
${allCommands(tree).map(functionOf).join('\n')}
compdef _harvestline harvestline
`;
}

function nameOf(words: readonly string[]): string {
  return ['_harvestline', ...words].join('_');
}

function functionOf({ words, subcommands, options, arguments: values }: CompletedCommand): string {
  const specs = options.map(specOf);
  if (subcommands.length === 0) {
    const action = actionOf(values);
    const rest = action === '' ? [] : [quoted(`*:argument:${action}`)];
    return `${nameOf(words)}() {\n  _arguments -s ${[...specs, ...rest].join(' \\\n    ')}\n}`;
  }
  const described = subcommands.map((sub) => quoted(`${sub.words.at(-1)}:${plain(shortened(sub.description))}`));
  const branches = subcommands.map((sub) => `      ${sub.words.at(-1)}) ${nameOf(sub.words)} ;;`);
  return `${nameOf(words)}() {
  local curcontext="$curcontext" state line
  local -a commands=(
    ${described.join('\n    ')}
  )
  _arguments -C ${specs.join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
${branches.join('\n')}
    esac
    ;;
  esac
}`;
}

function specOf({ long, description, values }: CompletedOption): string {
  const shown = `[${plain(shortened(description)).replaceAll(/[[\]]/g, '')}]`;
  // May be repeated: some options collect values.
  return values === null ? quoted(`${long}${shown}`) : quoted(`*${long}=${shown}:value:${actionOf(values)}`);
}

function actionOf({ words, paths }: Values): string {
  if (paths === null) return words.length === 0 ? '' : `(${words.join(' ')})`;
  const files = paths === 'files' ? '_files' : '_files -/';
  // A space in front: zsh adds no words of its own to the call.
  return words.length === 0 ? files : ` _harvestline_or_files ${words.join(' ')}`;
}

/** Without what separates the parts of a specification. */
function plain(text: string): string {
  return text.replaceAll(':', ' ').replaceAll(/[\\$`"]/g, '');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
