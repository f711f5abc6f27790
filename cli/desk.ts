import { Command } from 'commander';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { userName } from '../connectors/system/process.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { BEAT_MS } from '../pipelines/desk/presence.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { TOPICS } from '../schemas/topics.ts';
import { withLog } from './log-session/log-session.ts';
import { claimedAccount, retirement, workedAccounts } from '../pipelines/desk/claim-book.ts';
import { accountLines, retiredLines } from '../pipelines/desk/view.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { jsonWanted, writeLines } from '../render/output.ts';

interface JsonFlag {
  readonly json?: true;
}

/** `harvestline desk`: who works which account. */
export function deskCommand(): Command {
  return new Command('desk')
    .description('who works which account, where, and ending that')
    .addCommand(listCommand())
    .addCommand(retireCommand());
}

function listCommand(): Command {
  return logOptions(new Command('list'))
    .description('the accounts that are claimed: venue, mode, and the processes that work them now')
    .option('--json', 'one account a line as JSON, as in a pipe')
    .addHelpText(
      'after',
      `
An account is worked by one venue and mode at a time: the first that claimed it. \`*\` is every account that nobody else has claimed.
An account without a process is claimed all the same: its claim stands until it is retired, or may be taken over.

Examples:
  $ harvestline desk list
  $ harvestline desk list --json | jq -r 'select(.mode == "live") | .account'

Exit codes: 0 listed, 1 the log is not there or not prepared, 2 wrong usage.`,
    )
    .action(async (flags: LogOptions & JsonFlag) => {
      const accounts = await withLog(flags, 'read', (topics) => workedAccounts(topics, new SystemClock()));
      await writeLines(jsonWanted(flags) ? accounts.map((account) => JSON.stringify(account)) : accountLines(accounts));
    });
}

interface RetireFlags extends LogOptions, JsonFlag {
  readonly by?: string;
  readonly reason?: string;
  readonly dryRun?: true;
}

function retireCommand(): Command {
  return logOptions(new Command('retire'))
    .description('end the claims of an account: another venue or mode may claim it then')
    .argument('<account>', 'as `desk list` names it')
    .option('--name, --by <name>', 'who decides (needed)')
    .option('--reason <text>', 'why (needed)')
    .option('--dry-run', 'say what would be ended, and change nothing')
    .option('--json', 'one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
A process that still works the account notices within ${BEAT_MS / 1000} s, finishes what is in hand, and exits with ACCOUNT_TAKEN. Its positions stay as they
are, and its intents wait for whoever claims the account next.

Examples:
  $ harvestline desk retire main --by alice --reason "the demo is over"
  $ harvestline desk retire second --by alice --reason "moved to another exchange" --dry-run

Exit codes: 0 retired (or would be), 1 nobody has claimed the account, 2 wrong usage.`,
    )
    .action(retire);
}

async function retire(account: string, flags: RetireFlags): Promise<void> {
  const by = flags.by?.trim() ?? '';
  const reason = flags.reason?.trim() ?? '';
  const missing = [by === '' ? '--by NAME' : '', reason === '' ? '--reason TEXT' : ''].filter((one) => one !== '');
  if (missing.length > 0)
    throw new HarvestlineError('USAGE', `it needs a name and a reason: ${missing.join(' and ')} missing`);
  const clock = new SystemClock();
  // Read first: a folder without a log is an error, and writing would make one.
  const found = await withLog(flags, 'read', (topics) => claimedAccount(topics, account, clock));
  const dryRun = flags.dryRun === true;
  if (!dryRun) {
    await withLog(flags, 'write', async ({ log, codec }) => {
      const now = clock.now();
      const record = retirement(found, { by, reason, process: `${userName()}: desk retire` }, now);
      await log.append([new TopicWriter(TOPICS.deskClaim.writer, codec).encode(TOPICS.deskClaim, record, now)]);
    });
  }
  const result = { ...found, retired: !dryRun, dry_run: dryRun, by, reason };
  await writeLines(jsonWanted(flags) ? [JSON.stringify(result)] : retiredLines(found, dryRun, by, reason));
}
