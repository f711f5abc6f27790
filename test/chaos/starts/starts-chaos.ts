/**
 * `npm run chaos:starts`: starts the commands of a desk again and again on three healthy brokers of its own; none may fail, none may
 * hang. Needs Java 17.
 *
 * Progress goes to standard error, the figures to standard output. Exit codes: 0 all held, 1 something did not, 2 wrong usage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { onShutdownSignal } from '../../../connectors/system/process.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { rejectAt, startOwnCluster } from '../chaos-servers.ts';
import { prepareDesk, startCommands } from './starts-run.ts';

const BROKERS = 3;

const clock = new SystemClock();
// So that an interrupted run, too, leaves no process and no folder.
const stop = onShutdownSignal(clock);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { starts, atOnce } = new Command('npm run chaos:starts --')
  .description(
    'Start run, status, explain, tail and replay on three healthy brokers, and look for one that fails or hangs.',
  )
  .option('--starts <n>', 'how often each command is started', wholeNumber, 100)
  .option('--at-once <n>', 'how many commands run at the same time', wholeNumber, 1)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ readonly starts: number; readonly atOnce: number }>();

const folder = mkdtempSync(join(tmpdir(), 'harvestline-starts-'));
const servers = await startOwnCluster(BROKERS, clock, say);
let failures: readonly string[] = ['it did not come to an end'];
try {
  const desk = await prepareDesk(servers, folder, clock);
  const starting = startCommands(desk, { starts, atOnce, clock, say });
  const outcome = await Promise.race([starting, rejectAt(stop.signal)]);
  for (const figures of outcome.figures) process.stdout.write(`${JSON.stringify(figures)}\n`);
  ({ failures } = outcome);
} finally {
  await servers.discard();
  rmSync(folder, { recursive: true, force: true });
  stop.release();
}
for (const failure of failures) say(failure);
say(failures.length === 0 ? 'everything held' : `${failures.length} starts failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 1 or more.');
  return Number(text);
}
