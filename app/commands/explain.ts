import { Argument, Command } from 'commander';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { ReadOnlyWorld } from '../embedded-world.ts';
import { explanationLines } from '../explain/explanation-lines.ts';
import { explain } from '../explain/gather.ts';
import { type WorldOptions, openReadOnlyWorld, worldOptions } from '../open-world.ts';
import { LineWriter, jsonWanted } from '../output.ts';
import { loadPolicy } from '../policy/load-policy.ts';

export function explainCommand(): Command {
  return worldOptions(new Command('explain'))
    .description('Show why a position was held or closed, and what followed of each decision.')
    .addArgument(new Argument('<id>', 'a position_id or an intent_id'))
    .option(
      '--policy <id-or-file>',
      'policy to decide by where no intent was written (default: the one that was in force then)',
    )
    .option('--json', 'one JSON object, also on a terminal')
    .addHelpText(
      'after',
      `
A HOLD leaves no record of its own: it is computed again from its snapshot, with the policy and the calibration version that
policy.applied says were in force. Where nothing says so, as on logs of earlier versions, the policy of the nearest intents is
assumed, and the output says that it is. Times are event time.

Examples:
  harvestline explain desk-1:BTCUSDT:LONG:1770003600000
  harvestline tail harvest.intent --json | jq -r .value.intent_id | tail -1 | xargs harvestline explain
  harvestline explain desk-1:BTCUSDT:LONG:1770003600000 --json | jq .decision.changes`,
    )
    .action(async (id: string, flags: WorldOptions & { json?: true; policy?: string }) => {
      const policy = flags.policy === undefined ? null : loadPolicy(flags.policy);
      const world = await openReadOnlyWorld(flags);
      try {
        await explainTo(new LineWriter(process.stdout), world, id, policy, jsonWanted(flags));
      } finally {
        await world.close();
      }
    });
}

/** Writes the explanation. Throws ID_UNKNOWN. */
export async function explainTo(
  lines: LineWriter,
  world: Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts'>,
  id: string,
  policy: Policy | null,
  json: boolean,
): Promise<void> {
  const explanation = await explain(world, id, policy);
  if (explanation === null) throw new HarvestlineError('ID_UNKNOWN', `no position and no intent is called ${id}`);
  for (const line of json ? [JSON.stringify(explanation)] : explanationLines(explanation)) await lines.write(line);
  await lines.flush();
}
