import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Board, BoardChange, BoardSource, PositionStory } from '../../ports/board.ts';
import { aborted } from '../../ports/clock.ts';

/** The board of a process that is still connecting: viewers come before the log answers. */
export class AwaitedBoard implements BoardSource {
  readonly #opened = Promise.withResolvers<BoardSource>();
  #board: BoardSource | null = null;

  /** From now on it is that board. */
  open(board: BoardSource): void {
    this.#board = board;
    this.#opened.resolve(board);
  }

  state(): Promise<Board> {
    return this.#board === null ? Promise.reject(connecting()) : this.#board.state();
  }

  async watch(onChange: (change: BoardChange) => void, signal: AbortSignal): Promise<void> {
    const board = await Promise.race([this.#opened.promise, aborted(signal)]);
    await board?.watch(onChange, signal);
  }

  story(position: string, signal: AbortSignal): Promise<PositionStory | null> {
    return this.#board === null ? Promise.reject(connecting()) : this.#board.story(position, signal);
  }
}

/** A board to be opened once there is a log. */
export interface OfferedBoard {
  readonly viewed: AwaitedBoard;
  readonly desk: string | null;
  /** The log in words. */
  readonly logName: string;
}

function connecting(): HarvestlineError {
  return new HarvestlineError('BROKER_AWAY', 'this process is still connecting to its log');
}
