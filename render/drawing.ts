/**
 * Screens that are redrawn in place on a terminal. Not in terminal.ts, which every command loads: log-update takes as long to load as
 * kafkajs, and few commands redraw.
 */
import { createLogUpdate } from 'log-update';
import { oneLine, shown, writePast } from './terminal.ts';

/** Replaces the lines that it drew before. */
export interface Drawing {
  (lines: readonly string[]): void;
  /** Ends drawing and leaves the last lines on the screen. */
  done(): void;
}

/** Lines go through the guard (REN-1); the codes that move the cursor go past it. */
export function drawingOn(terminal: NodeJS.WriteStream): Drawing {
  const screen = Object.create(terminal, {
    write: { value: (text: string) => writePast(terminal, text) },
  }) as NodeJS.WriteStream;
  const draw = createLogUpdate(screen);
  return Object.assign((lines: readonly string[]) => draw(lines.map((line) => shown(oneLine(line))).join('\n')), {
    done: () => draw.done(),
  });
}
