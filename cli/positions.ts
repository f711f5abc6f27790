import { Command, Option } from 'commander';
import { onShutdownSignal } from '../connectors/system/process.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { ORDERS, type OrderName, type PositionChoice, chosenPositions } from '../pipelines/board/choose-positions.ts';
import { type ListPlace, listLines } from '../pipelines/board/list-lines.ts';
import { positionLine } from '../pipelines/board/position-line.ts';
import { standingStops } from '../pipelines/desk/control-topic.ts';
import { ObeyedByProcesses } from '../pipelines/desk/kill-switch.ts';
import type { ReadSession } from '../pipelines/runtime/log-session.ts';
import { TopicCursor } from '../pipelines/runtime/topic-cursor.ts';
import { policyInForce } from '../pipelines/scoring/policy-history.ts';
import type { BoardPosition, BoardSource } from '../ports/board.ts';
import type { Clock, EpochMillis } from '../ports/clock.ts';
import { TOPICS } from '../schemas/topics.ts';
import { LineWriter, jsonWanted, terminalWidth } from '../render/output.ts';
import { sharedBoard } from './compose/board.ts';
import { openForReading } from './log-session/log-session.ts';
import { type LogOptions, chosenKafka, logOptions, logWords } from './options/log-options.ts';
import { listed } from './options/parsers.ts';

interface PositionsFlags extends LogOptions {
  readonly sort: OrderName;
  readonly symbol?: readonly string[];
  readonly account?: readonly string[];
  readonly watch?: true;
  readonly json?: true;
}

export function positionsCommand(): Command {
  return logOptions(new Command('positions'))
    .description('List the open positions with what the policy in force says of each now.')
    .addOption(
      new Option('--sort <by>', 'what comes first: best R, oldest, symbol, most confident, highest exit score')
        .choices(Object.keys(ORDERS))
        .default('r'),
    )
    .option('--symbol <list>', 'only these, separated by commas; may be repeated', listed)
    .option('--account <list>', 'only these, separated by commas; may be repeated', listed)
    .option('--watch', 'keep the list up to date until Ctrl-C; in a pipe a line whenever a position changes')
    .option('--json', 'one JSON object a line, also on a terminal')
    .addHelpText(
      'after',
      `
A decision is what the policy and the confidence map in force say of the latest snapshot; conf is the model's confidence, and after an
arrow what the map makes of it. In a cooldown a partial close waits until the time that is shown, in UTC.
The first column is what \`explain\` takes. Columns that have no room are left out; --json has them all.

Examples:
  harvestline positions
  harvestline positions --watch --sort exit
  harvestline positions --json | jq -r 'select(.r > 2) | .position_id'`,
    )
    .action(async (flags: PositionsFlags) => {
      const session = await openForReading(flags);
      const clock = new SystemClock();
      const stop = onShutdownSignal(clock);
      try {
        const board = await boardOf(session, { flags, clock, signal: stop.signal });
        await positions(board, flags, stop.signal);
      } finally {
        stop.release();
        await session.close();
      }
    });
}

async function positions(board: BoardSource, flags: PositionsFlags, signal: AbortSignal): Promise<void> {
  const choice = choiceOf(flags);
  const starts = chosenKafka(flags) === null ? ['dev'] : ['run snapshots scoring execution clm'];
  const place = { logFlags: logWords(flags), starts: { words: starts.join(' '), args: [] } };
  if (jsonWanted(flags)) {
    await (flags.watch === true ? streamLines : printLines)(board, choice, new LineWriter(process.stdout), signal);
  } else if (flags.watch === true) {
    const { redrawPositions } = await import('./positions-screen.ts');
    await redrawPositions(board, choice, place, signal);
  } else await printList(board, choice, { ...place, width: terminalWidth() });
}

function choiceOf({ sort, symbol, account }: PositionsFlags): PositionChoice {
  const chosen = (names?: readonly string[]): ReadonlySet<string> | null =>
    names === undefined ? null : new Set(names);
  return { sort, symbols: chosen(symbol), accounts: chosen(account) };
}

interface BoardOfLog {
  readonly flags: PositionsFlags;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A board over a log that other processes write. */
export async function boardOf(session: ReadSession, { flags, clock, signal }: BoardOfLog): Promise<BoardSource> {
  const { log, codec } = session;
  const liveNow = (): EpochMillis | null => session.liveNow();
  const { policy } = await policyInForce(session);
  const obeyed = new ObeyedByProcesses();
  const processes = new TopicCursor(session, TOPICS.deskProcess.name, (process) => obeyed.apply(process));
  const { board } = sharedBoard({
    log,
    codec,
    policy,
    desk: flags.desk ?? null,
    logName: flags.data,
    logFlags: logWords(flags),
    stops: async () => {
      // A log of an earlier version has no such topic.
      if (session.counts(TOPICS.deskProcess.name) > 0) await processes.readOn(signal);
      const { halted, unknown } = await standingStops(session, liveNow() ?? 0, obeyed.lastObeyed());
      return [...halted, ...unknown];
    },
    mode: null,
    liveNow,
    clock,
    signal,
  });
  return board;
}

export async function printLines(board: BoardSource, choice: PositionChoice, lines: LineWriter): Promise<void> {
  const { positions: open } = await board.state();
  await write(lines, chosenPositions(open, choice));
}

async function printList(
  board: BoardSource,
  choice: PositionChoice,
  place: ListPlace,
  lines = new LineWriter(process.stdout),
): Promise<void> {
  const state = await board.state();
  for (const line of listLines(state, chosenPositions(state.positions, choice), place)) await lines.write(line);
  await lines.flush();
}

/** All positions once, then those that change. */
export async function streamLines(
  board: BoardSource,
  choice: PositionChoice,
  lines: LineWriter,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  let before = printLines(board, choice, lines);
  await before;
  await board.watch(({ positions: changed }) => {
    before = before.then(() => write(lines, chosenPositions(changed, choice))).catch(() => {});
    if (lines.closed) ended.abort();
  }, stop);
  await before;
}

async function write(lines: LineWriter, chosen: readonly BoardPosition[]): Promise<void> {
  for (const position of chosen) await lines.write(positionLine(position));
  await lines.flush();
}
