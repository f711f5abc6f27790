/** What `positions` prints for people. */
import type { Board, BoardPosition } from '../../ports/board.ts';
import { plural } from '../../render/figures.ts';
import { hanging, wrapped } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import { type AlertCommand, commandText } from '../alerts/alerts.ts';
import { explainNames, positionsTable } from './positions-table.ts';

export interface ListPlace {
  /** Unit: columns. */
  readonly width: number;
  /** At most so many lines; all where left out. */
  readonly rows?: number;
  /** Name the log in commands (ALR-1). */
  readonly logFlags: string;
  /** What starts snapshots where there are none. */
  readonly starts: AlertCommand;
}

/** `chosen`: the positions to show, in their order. */
export function listLines(
  board: Pick<Board, 'at' | 'headline' | 'ok' | 'positions'>,
  chosen: readonly BoardPosition[],
  { width, rows = Infinity, logFlags, starts }: ListPlace,
): readonly string[] {
  const trouble = board.ok ? [] : [...wrapped(printable(board.headline), width).map((line) => pc.red(line)), ''];
  const [first] = chosen;
  if (first === undefined) return [...trouble, ...emptyLines(board, { width, logFlags, starts })];
  const name = explainNames(board.positions).get(first.position_id) ?? first.position_id;
  const next = commandText({ words: 'explain', args: [name] }, logFlags);
  const last = hanging(pc.dim('why: '), printable(next), width, 2);
  const table = positionsTable(chosen, {
    width,
    rows: rows - trouble.length - last.length - 1,
    among: board.positions,
  });
  return [...trouble, ...table, '', ...last];
}

/** What to do next where nothing is shown. */
function emptyLines(
  { at, positions }: Pick<Board, 'at' | 'positions'>,
  { width, logFlags, starts }: Pick<ListPlace, 'width' | 'logFlags' | 'starts'>,
): readonly string[] {
  const command = (next: AlertCommand): string => `  ${pc.cyan(printable(commandText(next, logFlags)))}`;
  if (positions.length > 0) {
    const symbols = [...new Set(positions.map(({ symbol }) => symbol))].toSorted().map(printable).join(', ');
    return wrapped(
      `${plural(positions.length, 'position')} ${positions.length === 1 ? 'is' : 'are'} open, none of them is asked for: ${symbols}`,
      width,
    );
  }
  if (at === null)
    return [...wrapped('No position was ever observed here. To start a source of snapshots:', width), command(starts)];
  return [
    ...wrapped('No position is open. Whether snapshots still come, and what was closed:', width),
    command({ words: 'status', args: [] }),
    command({ words: 'tail', args: ['trade.closed'] }),
  ];
}
