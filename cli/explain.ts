import { Argument, Command } from 'commander';
import { writePaged } from '../connectors/system/pager.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import type { Policy } from '../pipelines/scoring/policy.ts';
import { firstFew } from '../pipelines/alerts/alerts.ts';
import { explanationLines } from '../pipelines/explain/explanation-lines.ts';
import { explain } from '../pipelines/explain/gather.ts';
import { positionsNamed } from '../pipelines/explain/named-position.ts';
import type { CountedTopics } from '../pipelines/explain/position-records.ts';
import { openForReading } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { jsonWanted } from '../render/output.ts';
import { loadPolicy } from './options/policy-options.ts';
import { Progress } from '../render/progress.ts';

export function explainCommand(): Command {
  return logOptions(new Command('explain'))
    .description('Show why a position was held or closed, and what followed of each decision.')
    .addArgument(new Argument('<id>', 'a position_id or its beginning, a symbol, or an intent_id'))
    .option(
      '--policy <id-or-file>',
      'policy to decide by where no intent was written (default: the one that was in force then)',
    )
    .option('--json', 'one JSON object, also on a terminal')
    .option('--no-pager', 'print it whole where it is longer than the terminal, instead of through $PAGER or less')
    .addHelpText(
      'after',
      `
A HOLD leaves no record of its own: it is computed again from its snapshot, with the policy and the calibration version that
policy.applied says were in force. Where nothing says so, as on logs of earlier versions, the policy of the nearest intents is
assumed, and the output says that it is. Times are event time, in UTC.

On a terminal, decisions and records that are alike share a line; --json has every decision, by snapshot, with its factors, and every
record that followed.

A symbol, or the beginning of an id, means the position of that name that was observed last, as \`positions\` lists it.

Examples:
  harvestline explain BTCUSDT
  harvestline explain desk-1:BTCUSDT:LONG:1770003600000
  harvestline tail harvest.intent --json | jq -r .value.intent_id | tail -1 | xargs harvestline explain
  harvestline explain desk-1:BTCUSDT:LONG:1770003600000 --json | jq .decision.changes
  harvestline explain desk-1:BTCUSDT:LONG:1770003600000 --json | jq -c '.decisions[] | [.offset, .action, .r, .factors]'`,
    )
    .action(async (id: string, flags: LogOptions & { json?: true; policy?: string; pager: boolean }) => {
      const policy = flags.policy === undefined ? null : loadPolicy(flags.policy);
      const world = await openForReading(flags);
      const clock = new SystemClock();
      const progress = new Progress('records', null, process.stderr, clock);
      try {
        const lines = await explainedLines(world, id, policy, jsonWanted(flags), {
          columns: process.stdout.columns,
          progress,
        });
        await writePaged(lines, { stdout: process.stdout, env: process.env, wanted: flags.pager });
      } finally {
        progress.done();
        await world.close();
      }
    });
}

/** Where the explanation is shown. */
interface ExplainScreen {
  readonly columns?: number | undefined;
  readonly progress?: Progress;
}

/** The lines of the explanation. Throws ID_UNKNOWN. */
export async function explainedLines(
  world: CountedTopics,
  id: string,
  policy: Policy | null,
  json: boolean,
  { columns, progress }: ExplainScreen = {},
): Promise<readonly string[]> {
  const observer = {
    onTotal: (records: number) => progress?.expect(records),
    onRecords: (records: number) => progress?.add(records),
  };
  const explanation =
    (await explain(world, id, policy, observer)) ?? (await explain(world, await positionIdFor(world, id), policy));
  progress?.done();
  if (explanation === null) throw unknown(id);
  return json ? [JSON.stringify(explanation)] : explanationLines(explanation, columns);
}

/** Enough to see what tells them apart. Unit: positions. */
const NAMED = 5;

/** The id of the position that a symbol or the beginning of an id means. Throws ID_UNKNOWN where it is none or several. */
async function positionIdFor(world: CountedTopics, name: string): Promise<string> {
  const [only, ...others] = await positionsNamed(world, name);
  if (only === undefined) throw unknown(name);
  if (others.length === 0) return only;
  const named = firstFew([only, ...others], NAMED, String).join(', ');
  throw new HarvestlineError('ID_UNKNOWN', `${name} may mean ${others.length + 1} positions: ${named}`);
}

function unknown(id: string): HarvestlineError {
  return new HarvestlineError('ID_UNKNOWN', `no position and no intent is called ${id}`);
}
