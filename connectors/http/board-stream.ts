import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { Board, BoardChange, BoardPosition, BoardSource } from '../../ports/board.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { redactor } from '../system/redactor.ts';
import { STREAM_BEAT, STREAM_HEAD, type ServerSentEvent, eventFrame } from './server-sent-events.ts';

/** Each is a browser's tab. More would be a mistake, and each costs a copy of every change in the buffers of the system. */
const MOST_READERS = 24;

/** Proxies close what is silent for a minute. Unit: milliseconds. */
const BEAT_MS = 15_000;

/** A reader with more than that unsent gets no more changes until all is sent. Unit: bytes. */
const MOST_UNSENT = 1024 * 1024;

/** Beats for which a reader may be behind until its connection is cut. */
const BEATS_BEHIND = 2;

export interface BoardStreamOptions {
  readonly source: BoardSource;
  /** The machine's. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mostReaders?: number;
  readonly beatMs?: number;
  readonly mostUnsent?: number;
}

/** What the stream needs of node:http's ServerResponse. */
export interface StreamResponse {
  readonly destroyed: boolean;
  /** Unit: bytes. */
  readonly writableLength: number;
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  write(chunk: string | Uint8Array): boolean;
  destroy(): unknown;
  on(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
}

/** One connection that reads the stream. */
interface Reader {
  readonly response: StreamResponse;
  /** Asked at each beat: whether it would be let in now. */
  readonly mayRead: () => boolean;
  /** Beats since it was given no more changes; null where it keeps up. */
  behind: number | null;
}

/** The source as it is followed while anybody reads. */
interface Following {
  readonly ending: AbortController;
  /** The board with every change since, once it is known. */
  board: LatestBoard | null;
  readonly known: PromiseWithResolvers<LatestBoard>;
}

/**
 * The board as server-sent events for any number of readers: `state` with the whole board, then `change` with what differs, each with the
 * number of the change as its id. The source is followed once for all, from the first reader to the last, and each event is made once.
 *
 * HTTP-6  The state that a reader was given and every change after it, in order, give the board. A reader that was given fewer changes is given
 *         a state before the next.
 * HTTP-7  What waits for a slow reader is bounded: beyond a megabyte it gets no changes, and after all has been sent a state; one that stays
 *         behind for two beats is cut off.
 */
export class BoardStream {
  readonly #source: BoardSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #mostReaders: number;
  readonly #beatMs: number;
  readonly #mostUnsent: number;
  readonly #readers = new Set<Reader>();
  #arriving = 0;
  #following: Following | null = null;
  #id = 0;
  /** The state as of the latest change, once a reader needed it. */
  #state: Buffer | null = null;

  constructor({ source, clock, logger, mostReaders, beatMs, mostUnsent }: BoardStreamOptions) {
    this.#source = source;
    this.#clock = clock;
    this.#logger = logger;
    this.#mostReaders = mostReaders ?? MOST_READERS;
    this.#beatMs = beatMs ?? BEAT_MS;
    this.#mostUnsent = mostUnsent ?? MOST_UNSENT;
  }

  /** Starts a stream to a reader. Throws PAGE_BUSY where there are too many, and whatever the source's `state` throws. */
  async add(
    response: StreamResponse,
    headers: Readonly<Record<string, string>>,
    mayRead: () => boolean = () => true,
  ): Promise<void> {
    if (this.#readers.size + this.#arriving >= this.#mostReaders)
      throw new HarvestlineError('PAGE_BUSY', `${this.#mostReaders} readers follow the board already`);
    this.#arriving += 1;
    let board: LatestBoard;
    try {
      board = await (this.#following ??= this.#follow()).known.promise;
    } finally {
      this.#arriving -= 1;
      if (response.destroyed) this.#restIfAlone();
    }
    if (response.destroyed) return;
    if (this.#following?.board !== board) throw new HarvestlineError('PAGE_BUSY', 'the board is about to be read anew');
    const reader: Reader = { response, mayRead, behind: null };
    this.#readers.add(reader);
    response.on('close', () => this.#remove(reader));
    response.on('drain', () => this.#caughtUp(reader));
    // What happens to the connection is known by `close`.
    response.on('error', () => {});
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    response.write(STREAM_HEAD);
    response.write(this.#stateFrame(board));
  }

  /** Ends every stream. */
  close(): void {
    for (const { response } of this.#readers) response.destroy();
    this.#following?.ending.abort();
  }

  /** The changes are watched for before the state is asked for, so that none is between the two. */
  #follow(): Following {
    const ending = new AbortController();
    const following: Following = { ending, board: null, known: Promise.withResolvers<LatestBoard>() };
    const early: BoardChange[] = [];
    const watching = this.#source.watch((change) => {
      if (following.board === null) early.push(change);
      else if (this.#following === following) this.#tell(following.board, change);
    }, ending.signal);
    const end = (thrown: unknown): void => {
      following.known.reject(thrown);
      this.#end(following, thrown);
    };
    following.known.promise.catch(() => {});
    this.#begin(following, early).catch(end);
    watching.then(() => end(new HarvestlineError('PAGE_BUSY', 'the board is no longer followed')), end);
    void this.#beat(ending.signal);
    return following;
  }

  async #begin(following: Following, early: readonly BoardChange[]): Promise<void> {
    const board = new LatestBoard(await this.#source.state());
    for (const change of early) board.apply(change);
    following.board = board;
    following.known.resolve(board);
  }

  /** Whoever reads has to begin anew: without the source nothing more would come. */
  #end(following: Following, thrown: unknown): void {
    following.ending.abort();
    if (this.#following !== following) return;
    this.#following = null;
    this.#state = null;
    if (this.#readers.size > 0)
      this.#logger.warn(
        { error: messageOf(thrown) },
        'the page is no longer told of changes; its readers connect again',
      );
    for (const { response } of this.#readers) response.destroy();
  }

  #tell(board: LatestBoard, change: BoardChange): void {
    board.apply(change);
    this.#id += 1;
    this.#state = null;
    const frame = framed({ id: this.#id, event: 'change', data: JSON.stringify(change) });
    for (const reader of this.#readers) {
      if (reader.behind !== null) continue;
      if (reader.response.writableLength > this.#mostUnsent) reader.behind = 0;
      else reader.response.write(frame);
    }
  }

  #stateFrame(board: LatestBoard): Buffer {
    this.#state ??= framed({ id: this.#id, event: 'state', data: JSON.stringify(board.whole()) });
    return this.#state;
  }

  #caughtUp(reader: Reader): void {
    const board = this.#following?.board;
    if (reader.behind === null || board === null || board === undefined) return;
    reader.behind = null;
    reader.response.write(this.#stateFrame(board));
  }

  async #beat(ended: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#beatMs, ended);
      if (ended.aborted) return;
      for (const reader of this.#readers) {
        if (!reader.mayRead()) reader.response.destroy();
        else if (reader.behind === null) reader.response.write(STREAM_BEAT);
        else if (++reader.behind >= BEATS_BEHIND) reader.response.destroy();
      }
    }
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader);
    this.#restIfAlone();
  }

  /** The source costs nothing while nobody reads. */
  #restIfAlone(): void {
    if (this.#readers.size + this.#arriving > 0) return;
    this.#following?.ending.abort();
    this.#following = null;
    this.#state = null;
  }
}

/** A board with the changes that came after it. */
class LatestBoard {
  readonly #positions: Map<string, BoardPosition>;
  #rest: Omit<Board, 'positions'>;

  constructor({ positions, ...rest }: Board) {
    this.#positions = new Map(positions.map((position) => [position.position_id, position]));
    this.#rest = rest;
  }

  apply({ positions, closed, rest }: BoardChange): void {
    for (const position of positions) this.#positions.set(position.position_id, position);
    for (const id of closed) this.#positions.delete(id);
    this.#rest = { ...this.#rest, ...rest };
  }

  whole(): Board {
    return { ...this.#rest, positions: [...this.#positions.values()].toSorted((one, other) => other.r - one.r) };
  }
}

/** As bytes, so that they are encoded once for all readers. */
function framed(event: ServerSentEvent): Buffer {
  return Buffer.from(redactor.redact(eventFrame(event)));
}
