import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { callMonitor } from '../connectors/notify/heartbeat.ts';
import { readNotifyFile } from '../connectors/notify/notify-file.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError, messageOf } from '../errors/harvestline-error.ts';
import { testNotice } from '../pipelines/notify/test-notice.ts';
import type { NotifySettings } from '../ports/notify.ts';
import { jsonWanted, writeLines } from '../render/output.ts';
import { plainTable } from '../render/tables.ts';
import { pc, printable } from '../render/terminal.ts';
import { deskOption } from './options/log-options.ts';
import { notifyOption } from './options/notify-options.ts';

/** The file that the help shows, and that a checkout has. */
const EXAMPLE = new URL('../examples/notify.yaml', import.meta.url);

/** `harvestline notify`: where alerts are sent. */
export function notifyCommand(): Command {
  return new Command('notify').description('where alerts are sent, and whether it works').addCommand(testCommand());
}

interface TestFlags {
  readonly notify: string;
  readonly desk?: string;
  readonly json?: true;
}

function testCommand(): Command {
  return new Command('test')
    .description('send a test message to every target of a file, and say who took it')
    .addOption(notifyOption('the file of targets (needed)').makeOptionMandatory())
    .addOption(deskOption())
    .option('--json', 'one target a line as JSON, as in a pipe')
    .addHelpText('after', () => {
      const file = readFileSync(EXAMPLE, 'utf8').replaceAll(/^(?=.)/gm, '  ');
      return `
Every target gets one message whose alert is named notify_test, whatever its from_severity and the quiet hours; a heartbeat is called once.
\`run watch\` and \`dev\` take the same file. This is a whole one (examples/notify.yaml):

${file}
Examples:
  harvestline notify test --notify notify.yaml
  harvestline notify test --notify notify.yaml --json | jq -r 'select(.result != "taken") | .target'

Exit codes: 0 all took it, 1 some did not, 2 wrong usage or a file that is wrong.`;
    })
    .action(async ({ notify, desk, json }: TestFlags) => {
      const results = await tryTargets(readNotifyFile(notify), desk ?? null);
      const isJson = jsonWanted(json === undefined ? {} : { json });
      await writeLines(isJson ? results.map((result) => JSON.stringify(result)) : resultLines(results));
      if (results.some(({ result }) => result !== 'taken')) process.exitCode = 1;
    });
}

/** What became of a test message. */
interface TestResult {
  readonly target: string;
  /** `refused`: the target says no. `unavailable`: it did not say yes, and may another time. */
  readonly result: 'taken' | 'refused' | 'unavailable';
  /** Null for one that was taken. */
  readonly why: string | null;
}

/** Sends to all at the same time, so that one that hangs keeps nobody waiting for longer than itself. */
async function tryTargets(
  { targets, heartbeats }: NotifySettings,
  desk: string | null,
): Promise<readonly TestResult[]> {
  const notice = testNotice(desk, new SystemClock().now());
  const { signal } = new AbortController();
  return Promise.all([
    ...targets.map(({ target }) => resultOf(target.name, target.send(notice, signal))),
    ...heartbeats.map(({ name, url }) => resultOf(name, callMonitor(name, url, signal))),
  ]);
}

async function resultOf(target: string, sending: Promise<void>): Promise<TestResult> {
  try {
    await sending;
    return { target, result: 'taken', why: null };
  } catch (thrown) {
    const refused = thrown instanceof HarvestlineError && thrown.code === 'NOTIFY_REFUSED';
    return { target, result: refused ? 'refused' : 'unavailable', why: withoutName(target, messageOf(thrown)) };
  }
}

/** Errors begin with the name of their target, which has a column of its own here. */
function withoutName(target: string, message: string): string {
  return message.startsWith(`${target}: `) ? message.slice(target.length + 2) : message;
}

function resultLines(results: readonly TestResult[]): readonly string[] {
  const rows = results.map(({ target, result, why }) => [
    target,
    result === 'taken' ? pc.green(result) : pc.red(result),
    printable(why ?? ''),
  ]);
  return plainTable([{ head: 'target' }, { head: 'result' }, { head: 'why' }], rows);
}
