import { Argument, Command } from 'commander';
import { writePast } from '../render/terminal.ts';
import { bashScript } from './completion/bash.ts';
import { type CompletedCommand, completionTree } from './completion/completion-tree.ts';
import { fishScript } from './completion/fish.ts';
import { zshScript } from './completion/zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const satisfies Readonly<
  Record<string, (tree: CompletedCommand) => string>
>;

/** `harvestline completion`: a script for a shell. It holds all that is completed, so the program is not started at a Tab. */
export function completionCommand(load: () => Promise<Command>): Command {
  return new Command('completion')
    .description('print a script by which a shell completes commands, options, topics and policies')
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      `
Make the script again after an update of the program. It completes the word \`harvestline\`.

Examples:
  eval "$(harvestline completion bash)"                            in this shell; in ~/.bashrc in every one
  harvestline completion zsh > "\${fpath[1]}/_harvestline"
  harvestline completion fish | source`,
    )
    .action(async (shell: keyof typeof SCRIPTS) => {
      const script = SCRIPTS[shell](completionTree(await load()));
      await new Promise<void>((resolve, reject) =>
        writePast(process.stdout, script, (error) => (error ? reject(error) : resolve())),
      );
    });
}
