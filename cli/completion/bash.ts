import { type CompletedCommand, type Values, allCommands } from './completion-tree.ts';

/** A completion script of bash: what may stand next, by the words of the command and the word before. */
export function bashScript(tree: CompletedCommand): string {
  const commands = allCommands(tree);
  const groups = commands.filter(({ subcommands }) => subcommands.length > 0);
  const steps = groups.flatMap(({ subcommands }) => subcommands.map(({ words }) => quoted(words.join(' '))));
  const valued = commands.flatMap(({ words, options }) =>
    options.flatMap(({ long, values }) =>
      values === null ? [] : [`    ${quoted(`${words.join(' ')} ${long}`)}) ${offered(values)} ;;`],
    ),
  );
  const rest = commands.map((command) => {
    const words = [...command.subcommands.map(({ words: all }) => all.at(-1) ?? ''), ...command.arguments.words];
    const longs = command.options.map(({ long }) => long);
    const sets = `options=${quoted(longs.join(' '))}; ${offered({ ...command.arguments, words })}`;
    // A word that is no subcommand has nothing behind it.
    const there = command.subcommands.length === 0 ? sets : `if ((at == COMP_CWORD)); then ${sets}; fi`;
    return `    ${quoted(command.words.join(' '))}) ${there} ;;`;
  });
  return `# Completes harvestline in bash. Made by: harvestline completion bash
_harvestline() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path='' words='' paths='' options='' at next
  # bash takes --option=value apart.
  if [[ $word == '=' ]]; then word=''; elif [[ $before == '=' ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    next=\${path:+$path }\${COMP_WORDS[at]}
    case $next in
    ${steps.join(' | ')}) path=$next ;;
    *) break ;;
    esac
  done
  case "$path $before" in
${valued.join('\n')}
  *)
    case $path in
${rest.join('\n')}
    esac
    ;;
  esac
  if [[ $word == -* ]]; then words=$options paths=''; fi
  # A line each: names of files may hold blanks.
  mapfile -t COMPREPLY < <(
    compgen -W "$words" -- "$word"
    case $paths in
    files) compgen -f -- "$word" ;;
    folders) compgen -d -- "$word" ;;
    esac
  )
}
complete -o filenames -F _harvestline harvestline
`;
}

function offered({ words, paths }: Values): string {
  return `words=${quoted(words.join(' '))} paths=${paths ?? "''"}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
