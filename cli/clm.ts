import { Command } from 'commander';
import { exportCommand } from './clm/export-command.ts';
import { importCommand } from './clm/import-command.ts';

/** `harvestline clm`: the record of closed trades, in and out. */
export function clmCommand(): Command {
  return new Command('clm')
    .description('the record of closed trades: import an earlier recorder, export outcomes')
    .addCommand(importCommand())
    .addCommand(exportCommand());
}
