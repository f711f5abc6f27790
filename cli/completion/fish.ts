import { type CompletedCommand, type Values, allCommands, shortened } from './completion-tree.ts';

/** A completion script of fish: a line for each command, option and value. */
export function fishScript(tree: CompletedCommand): string {
  return `# Completes harvestline in fish. Made by: harvestline completion fish
# Whether the words of the line begin with those given; with --only, whether there are no others.
function __harvestline_at
    set -l only $argv[1]
    set -l wanted $argv[2..]
    set -l words (commandline -opc)[2..]
    test (count $words) -ge (count $wanted); or return 1
    if test $only = --only
        test (count $words) -eq (count $wanted); or return 1
    end
    for at in (seq (count $wanted))
        test "$words[$at]" = "$wanted[$at]"; or return 1
    end
end
complete -c harvestline -f
${allCommands(tree).flatMap(linesOf).join('\n')}
`;
}

function linesOf({ words, subcommands, options, arguments: values }: CompletedCommand): readonly string[] {
  const within = `complete -c harvestline -n ${quoted(['__harvestline_at', '--begin', ...words].join(' '))}`;
  const only = `complete -c harvestline -n ${quoted(['__harvestline_at', '--only', ...words].join(' '))}`;
  const offered = valueWords(values);
  return [
    ...subcommands.map((sub) => `${only} -a ${sub.words.at(-1)} -d ${quoted(shortened(sub.description))}`),
    ...(subcommands.length > 0 || offered === '' ? [] : [`${within}${offered}`]),
    ...options.map(({ long, description, values: ofOption }) => {
      // The program's own options stand before any command.
      const where = words.length === 0 ? only : within;
      // -x: a value, and no file.
      const takes = ofOption === null ? '' : `${ofOption.paths === 'files' ? ' -r' : ' -x'}${valueWords(ofOption)}`;
      return `${where} -l ${long.slice(2)} -d ${quoted(shortened(description))}${takes}`;
    }),
  ];
}

function valueWords({ words, paths }: Values): string {
  const files = paths === 'files' ? ' -F' : '';
  const listed = [...words, ...(paths === 'folders' ? ['(__fish_complete_directories)'] : [])];
  return `${files}${listed.length === 0 ? '' : ` -a ${quoted(listed.join(' '))}`}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", String.raw`\'`)}'`;
}
