/** The live view of `run` on a terminal: what the process does, above the board of its desk. */
import type { Health, PartHealth } from '../../pipelines/runtime/health.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { liveLines } from '../../pipelines/board/live-lines.ts';
import type { Board, BoardSource } from '../../ports/board.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Drawing, drawingOn } from '../../render/drawing.ts';
import { terminalWidth } from '../../render/output.ts';
import { apart, together, wrapped } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';

/** Redrawn at least so often, so that states of the process show. Unit: milliseconds. */
const FRAME_MS = 500;

/** One line for the cursor. */
const LAST_ROWS = 1;

/** What is known before anything is connected. */
export interface RunFacts {
  readonly policy: string;
  readonly mode: string;
  readonly logName: string;
  readonly desk: string | null;
  /** Where log lines go. */
  readonly logFile: string;
}

export class RunScreen {
  readonly #terminal: NodeJS.WriteStream;
  readonly #facts: RunFacts;
  readonly #clock: Clock;
  readonly #draw: Drawing;
  #health: Health | null = null;
  #url: string | null = null;
  #board: Board | null = null;
  #draining = false;
  #ended = false;

  constructor(terminal: NodeJS.WriteStream, facts: RunFacts, clock: Clock) {
    this.#terminal = terminal;
    this.#facts = facts;
    this.#clock = clock;
    this.#draw = drawingOn(terminal);
  }

  /** The address of the page. */
  listening(url: string): void {
    this.#url = url;
  }

  /** Draws until `end` is called; from `drain` on the board stays as it was. */
  async show(health: Health, board: BoardSource, drain: AbortSignal): Promise<void> {
    this.#health = health;
    let isAsking = false;
    while (!this.#ended) {
      this.#draining = drain.aborted;
      this.#redraw(health);
      if (!isAsking && !drain.aborted) {
        isAsking = true;
        // Not awaited: the first read of a long log takes a while. Before the log answers there is no board.
        void board
          .state()
          .then(
            (state) => (this.#board = state),
            () => {},
          )
          .finally(() => (isAsking = false));
      }
      await this.#clock.sleep(FRAME_MS, drain.aborted ? undefined : drain);
    }
  }

  /** Leaves the last picture on the screen, with how it ended. */
  end(how: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#health !== null) this.#redraw(this.#health, how);
    this.#draw.done();
  }

  #redraw(health: Health, how?: string): void {
    const width = terminalWidth(this.#terminal);
    const rows = (this.#terminal.rows || 24) - LAST_ROWS;
    const head = this.#head(health, width, how);
    const lines =
      this.#board === null
        ? [...head, '', ...waitingLines(health, width)]
        : liveLines(this.#board, head, { width, rows });
    this.#draw(lines);
  }

  #head(health: Health, width: number, how: string | undefined): readonly string[] {
    const { policy, mode, logName, desk, logFile } = this.#facts;
    const ready = health.ready().ok ? pc.green('ready') : pc.yellow('not ready');
    const state = how ?? (this.#draining ? pc.yellow('draining: what is in hand is finished and committed') : ready);
    const maps = this.#board?.calibrations.map(({ version: map }) => map) ?? [];
    const facts = [
      ...(desk === null ? [] : [`desk ${desk}`]),
      mode,
      `policy ${policy}`,
      maps.length === 0 ? 'no map' : `map ${maps.join(', ')}`,
      logName,
    ];
    const where = [...(this.#url === null ? [] : [`page ${this.#url}`]), `log ${logFile}`];
    return [
      `${pc.bold(`harvestline run ${packageJson.version}`)}  ${state}${this.#draining ? '' : pc.dim('  Ctrl-C drains')}`,
      ...spread(facts, width),
      ...spread(health.parts().map(partText), width),
      ...spread(where, width),
    ];
  }
}

/** `scoring 0-5`: the partitions of its input. */
function partText({ name, state, partitions }: PartHealth): string {
  if (state !== 'assigned') return `${name} ${state}`;
  return partitions.length === 0 ? name : `${name} ${rangesOf(partitions)}`;
}

/** `0-2,5` */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

function spread(parts: readonly string[], width: number): readonly string[] {
  return wrapped(parts.map((part) => together(printable(part))).join(' · '), width).map(apart);
}

function waitingLines(health: Health, width: number): readonly string[] {
  const { why } = health.ready().detail as { readonly why?: readonly string[] };
  return (why ?? ['connecting']).flatMap((one) => wrapped(printable(one), width)).map((line) => pc.yellow(line));
}
