import { Command } from 'commander';
import { decisionCommands } from './calibrate/decide-commands.ts';
import { listCommand } from './calibrate/list-command.ts';
import { proposeCommand } from './calibrate/propose-command.ts';
import { slicesCommand } from './calibrate/slices-command.ts';
import { verifyCommand } from './calibrate/verify-command.ts';

/** `harvestline calibrate`: confidence maps, proposed by evidence, decided by a person. */
export function calibrateCommand(): Command {
  const command = new Command('calibrate')
    .description('confidence maps: proposed by a replay of the outcomes, decided by a person, proved later')
    .addCommand(proposeCommand());
  for (const decision of decisionCommands()) command.addCommand(decision);
  return command
    .addCommand(listCommand())
    .addCommand(verifyCommand())
    .addCommand(slicesCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ harvestline calibrate propose
  $ harvestline calibrate approve cal-0123456789abcdef --by "A. Quant" --reason "gap of 20 points, 1,200 outcomes"
  $ harvestline calibrate list`,
    );
}
