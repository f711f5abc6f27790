import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { applyConfig } from './config/apply-config.ts';
import { CONFIG_FILE, CONFIG_VARIABLE } from './config/config-file.ts';
import { leavesOf } from './config/config-schema.ts';
import { diskError } from '../connectors/system/disk-errors.ts';
import { terminalWidth } from '../render/output.ts';
import { hanging } from '../render/terminal-text.ts';
import { guardStream, oneLine, pc } from '../render/terminal.ts';
import { asCalled, setProgramName } from '../errors/program-name.ts';
import { invocationOf, userFolder } from '../connectors/system/invocation.ts';
import { HarvestlineError, formatCoordinates, messageOf } from '../errors/harvestline-error.ts';
import { redactor } from '../connectors/system/redactor.ts';
import { learnSecrets } from '../connectors/system/settings.ts';
import packageJson from '../package.json' with { type: 'json' };

/** The launcher calls it after `main`: no command outlives its work. */
export { endSoon } from '../connectors/system/process.ts';

/** Exit codes: 0 done, 1 the input or the data said no, 2 wrong usage. */
const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

/** Each command's module is loaded when it is called, so that a quick command starts quickly. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  dev: async () => (await import('./dev.ts')).devCommand(),
  run: async () => (await import('./run.ts')).runCommand(),
  score: async () => (await import('./score.ts')).scoreCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  policy: async () => (await import('./policy.ts')).policyCommand(),
  tail: async () => (await import('./tail.ts')).tailCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  config: async () => (await import('./config.ts')).configCommand(programFor),
  positions: async () => (await import('./positions.ts')).positionsCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(programFor),
  status: async () => (await import('./status.ts')).statusCommand(),
  shadow: async () => (await import('./shadow.ts')).shadowCommand(),
  explain: async () => (await import('./explain.ts')).explainCommand(),
  topics: async () => (await import('./topics.ts')).topicsCommand(),
  schemas: async () => (await import('./schemas.ts')).schemasCommand(),
  export: async () => (await import('./export.ts')).exportCommand(),
  clm: async () => (await import('./clm.ts')).clmCommand(),
  calibrate: async () => (await import('./calibrate.ts')).calibrateCommand(),
  notify: async () => (await import('./notify.ts')).notifyCommand(),
  halt: async () => (await import('./halt.ts')).haltCommand(),
  resume: async () => (await import('./halt.ts')).resumeCommand(),
  desk: async () => (await import('./desk.ts')).deskCommand(),
  dlq: async () => (await import('./dlq.ts')).dlqCommand(),
};

/** The files that it creates are readable by their owner alone: nobody else may read what a desk trades. */
const OWNER_ONLY = 0o077;

const LAUNCHER = join(import.meta.dirname, '..', 'bin', 'harvestline.mjs');

/** The command-line program. Never throws: sets `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  process.umask(OWNER_ONLY);
  hideSecrets(argv);
  setProgramName(
    invocationOf({ launcher: LAUNCHER, folder: userFolder(), path: process.env['PATH'] ?? '', node: process.execPath }),
  );
  // Text from outside must not control the terminal, wherever it is printed. Before the redactor, so that nothing bypasses that.
  for (const stream of [process.stdout, process.stderr]) guardStream(stream);
  // A reader that closes the pipe (`| head`) is no error, wherever it is noticed; commander does not handle it.
  let outputError: Error | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (outputError !== undefined || error.code === 'EPIPE') return;
    outputError = error;
    process.exitCode = report(error);
  });
  try {
    const program = await programFor(argv[2]);
    if (!isAboutTheProgram(argv)) applyConfig(program, argv, process.env, process.cwd());
    await program.parseAsync(argv);
  } catch (thrown) {
    if (thrown !== outputError) process.exitCode = report(thrown);
  }
}

/** Help, and the commands that examine the file or know no desk, work whatever the file says. */
function isAboutTheProgram(argv: readonly string[]): boolean {
  const [, , command] = argv;
  if (command === undefined || !Object.hasOwn(COMMANDS, command)) return true;
  return command === 'config' || command === 'completion' || argv.includes('--help') || argv.includes('-h');
}

/** Before anything is printed: no stream may show secrets of the environment or the command line. */
function hideSecrets(argv: readonly string[]): void {
  learnSecrets(process.env, argv);
  const ends = [redactor.guard(process.stdout), redactor.guard(process.stderr, { foreign: true })];
  process.on('exit', () => {
    for (const end of ends) end();
  });
  // Node prints uncaught exceptions past the streams.
  process.on('uncaughtException', (thrown) => {
    process.exitCode = report(thrown);
    process.exit();
  });
}

/** The program with the command that is called, or with all of them where none is named. */
export async function programFor(name?: string): Promise<Command> {
  const program = new Command('harvestline')
    .description(
      'Takes profit from open futures positions, records every closed trade, and calibrates confidence from that record.',
    )
    .version(packageJson.version)
    .addHelpText(
      'after',
      `
Examples:
  harvestline dev --cycles 400                          the whole chain on a simulated market, with a summary at the end
  harvestline status                                    counts, lag, gate and alerts of what dev left behind
  harvestline tail trade.closed                         the latest closed trades
  harvestline calibrate propose                         what the models' confidence is worth, from those trades
  harvestline score < examples/data/snapshots.ndjson    what the policy says about snapshots`,
    );
  const wanted = name !== undefined && Object.hasOwn(COMMANDS, name) ? { [name]: COMMANDS[name] } : COMMANDS;
  for (const load of Object.values(wanted)) {
    if (load !== undefined) program.addCommand(await load());
  }
  for (const command of leavesOf(program)) command.addOption(configOption());
  // Set on every command: a usage error must reach `report`, wherever it is found.
  for (const command of withSubcommands(program))
    command
      .exitOverride()
      .showHelpAfterError('Run with --help for options and examples.')
      .configureOutput({ writeOut: (help) => process.stdout.write(asCalled(help)) });
  return program;
}

function configOption(): Option {
  const text = `options of commands, as YAML (default: ${CONFIG_FILE} in the working directory, where it is)`;
  return new Option('--config <file>', text).env(CONFIG_VARIABLE);
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function report(raised: unknown): number {
  // Commander has printed its own message, or the help that was asked for.
  if (raised instanceof CommanderError) return raised.exitCode === 0 ? 0 : EXIT_USAGE;
  const thrown = asKnownError(raised);
  if (!(thrown instanceof HarvestlineError)) {
    // A refusal of the system, such as a full disk, is no bug: no stack is shown.
    const text =
      thrown instanceof Error && !('syscall' in thrown) ? (thrown.stack ?? thrown.message) : messageOf(thrown);
    process.stderr.write(`${pc.red('error')} ${text}\n`);
    return EXIT_REFUSED;
  }
  const where =
    thrown.at === undefined || thrown.message.includes(formatCoordinates(thrown.at))
      ? ''
      : `${formatCoordinates(thrown.at)}: `;
  const said = `${pc.red('error')} ${thrown.code}: ${where}${thrown.message}`;
  // A usage error may list the possible values, one a line; elsewhere a line break comes from outside.
  process.stderr.write(
    `${thrown.kind === 'usage' ? wrappedOnTerminal(said) : oneLine(said)}\n${pc.dim(thrown.remedy)}\n`,
  );
  return thrown.kind === 'usage' ? EXIT_USAGE : EXIT_REFUSED;
}

/** A list of names is longer than a line. Text with line breaks of its own has its layout already. */
function wrappedOnTerminal(said: string): string {
  if (!process.stderr.isTTY || said.includes('\n')) return said;
  return hanging('', said, terminalWidth(process.stderr), 2).join('\n');
}

/** System errors of a file or of standard output as errors of this program. */
function asKnownError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('syscall' in thrown)) return thrown;
  const path = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : null;
  if (path === null && thrown.syscall !== 'write') return thrown;
  return diskError(path ?? 'standard output', thrown);
}
