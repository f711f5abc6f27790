/** `positions --watch` on a terminal. Loaded only there: what redraws takes as long to load as kafkajs. */
import { type PositionChoice, chosenPositions } from '../pipelines/board/choose-positions.ts';
import { type ListPlace, listLines } from '../pipelines/board/list-lines.ts';
import type { BoardSource } from '../ports/board.ts';
import { drawingOn } from '../render/drawing.ts';
import { terminalWidth } from '../render/output.ts';
import { pc } from '../render/terminal.ts';

/** The line that says how to end, and one for the cursor. */
const LAST_ROWS = 2;

/** Redraws the list in place until `signal` aborts, and leaves the last one on the screen. */
export async function redrawPositions(
  board: BoardSource,
  choice: PositionChoice,
  place: Omit<ListPlace, 'width' | 'rows'>,
  signal: AbortSignal,
): Promise<void> {
  const { stdout: terminal } = process;
  const draw = drawingOn(terminal);
  const redraw = async (): Promise<void> => {
    const state = await board.state();
    const rows = Math.max(1, (terminal.rows || 24) - LAST_ROWS);
    const chosen = chosenPositions(state.positions, choice);
    const lines = listLines(state, chosen, { ...place, width: terminalWidth(terminal), rows });
    draw([...lines.slice(0, rows), pc.dim('Ctrl-C ends')]);
  };
  const onResize = (): void => void redraw();
  terminal.on('resize', onResize);
  try {
    await redraw();
    await board.watch(() => void redraw(), signal);
  } finally {
    terminal.off('resize', onResize);
    draw.done();
  }
}
