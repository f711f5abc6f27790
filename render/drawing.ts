/**
 * Pictures that are drawn over themselves on a terminal. Apart from terminal.ts, which every command loads: log-update takes as long to
 * load as all of kafkajs, and few commands draw.
 */
import { createLogUpdate } from 'log-update';
import { oneLine, shown, writePast } from './terminal.ts';

/** Lines that are drawn over themselves. */
export interface Drawing {
  (lines: readonly string[]): void;
  /** Leaves the last picture on the screen. */
  done(): void;
}

/** The lines are `shown`; the codes that move the cursor go as they are. */
export function drawingOn(terminal: NodeJS.WriteStream): Drawing {
  const screen = Object.create(terminal, {
    write: { value: (text: string) => writePast(terminal, text) },
  }) as NodeJS.WriteStream;
  const draw = createLogUpdate(screen);
  return Object.assign((lines: readonly string[]) => draw(lines.map((line) => shown(oneLine(line))).join('\n')), {
    done: () => draw.done(),
  });
}
