import { EventEmitter } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoardStream, type BoardStreamOptions, type StreamResponse } from '../../../connectors/http/board-stream.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Board, BoardChange, BoardSource } from '../../../ports/board.ts';
import { type Clock, VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { FakeBoard } from '../../fixtures/fake-board.ts';
import { EventReader } from './read-events.ts';

const NOW = Date.UTC(2026, 2, 1);

/** The end of a connection, whose other end reads or does not. */
class Wire extends EventEmitter implements StreamResponse {
  readonly reader = new EventReader();
  destroyed = false;
  reads = true;
  #unsent: (string | Uint8Array)[] = [];

  get writableLength(): number {
    return this.#unsent.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  writeHead(): void {}

  write(chunk: string | Uint8Array): boolean {
    this.#unsent.push(chunk);
    if (this.reads) this.#send();
    return this.reads;
  }

  /** Everything that waits arrives. */
  readOn(): void {
    this.reads = true;
    if (this.writableLength === 0) return;
    this.#send();
    this.emit('drain');
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  /** The board that a page has by now: its latest state with every change after it. */
  picture(): Board | null {
    let board: Board | null = null;
    for (const { event, data } of this.reader.events) {
      if (event === 'state') board = JSON.parse(data) as Board;
      else if (board !== null) board = withChange(board, JSON.parse(data) as BoardChange);
    }
    return board;
  }

  #send(): void {
    for (const chunk of this.#unsent.splice(0)) this.reader.feed(Buffer.from(chunk).toString('utf8'));
  }
}

function withChange(board: Board, { positions, closed, rest }: BoardChange): Board {
  const byId = new Map(board.positions.map((position) => [position.position_id, position]));
  for (const position of positions) byId.set(position.position_id, position);
  for (const id of closed) byId.delete(id);
  return { ...board, ...rest, positions: [...byId.values()].toSorted((one, other) => other.r - one.r) };
}

/** A clock whose sleepers are woken by hand. */
class BeatClock implements Clock {
  #sleepers: (() => void)[] = [];

  now(): number {
    return NOW;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push(resolve);
      signal?.addEventListener('abort', () => resolve());
    });
  }

  async beat(): Promise<void> {
    for (const wake of this.#sleepers.splice(0)) wake();
    await turns();
  }
}

/** Lets promises that are settled already go on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

function fakeBoard(): FakeBoard {
  return new FakeBoard({ clock: new VirtualClock(NOW), positions: 8, everyMs: null, positionsPerChange: 2 });
}

function streamOf(source: BoardSource, options: Partial<BoardStreamOptions> = {}): BoardStream {
  return new BoardStream({ source, clock: new BeatClock(), logger: SILENT_LOGGER, ...options });
}

/** As JSON: what an event can carry. */
function asSent(board: Board): unknown {
  return JSON.parse(JSON.stringify(board));
}

type Step = 'change' | 'close' | 'join' | 'stall' | 'read on' | 'leave';

const steps = fc.array(
  fc.tuple(fc.constantFrom<Step>('change', 'change', 'change', 'close', 'join', 'stall', 'read on', 'leave'), fc.nat()),
  { maxLength: 60, size: 'max' },
);

describe('board stream', () => {
  it('gives every reader the board, whenever it came and however slow it is (HTTP-6, HTTP-7)', async () => {
    const hit = countedBranches({ 'given a state again': 20, 'joined late': 100 });
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const source = fakeBoard();
        const mostUnsent = 500;
        const stream = streamOf(source, { mostUnsent });
        const wires: Wire[] = [];
        for (const [step, which] of taken) {
          const wire = wires[which % wires.length];
          if (step === 'change') source.advance();
          else if (step === 'close') source.advance({ closed: source.now().positions.slice(0, 1).map(idOf) });
          else if (step === 'join') {
            const joining = new Wire();
            await stream.add(joining, {});
            wires.push(joining);
            if (wires.length > 1) hit('joined late');
          } else if (wire !== undefined && step === 'stall') wire.reads = false;
          else if (step === 'read on') wire?.readOn();
          else if (wire !== undefined) wires.splice(wires.indexOf(wire), 1)[0]?.destroy();
          for (const { writableLength } of wires) expect(writableLength).toBeLessThan(mostUnsent + 20_000);
        }
        for (const wire of wires) {
          wire.readOn();
          expect(wire.picture()).toEqual(asSent(source.now()));
          if (wire.reader.events.filter(({ event }) => event === 'state').length > 1) hit('given a state again');
          const ids = wire.reader.events.map(({ id }) => Number(id));
          expect(ids).toEqual(ids.toSorted((one, other) => one - other));
        }
        stream.close();
      }),
    );
  });

  it('loses no change that comes while the state is being read (HTTP-6)', async () => {
    const source = fakeBoard();
    const slow = Promise.withResolvers<Board>();
    const stream = streamOf({
      state: () => slow.promise,
      watch: source.watch.bind(source),
      story: source.story.bind(source),
    });
    const wire = new Wire();
    const adding = stream.add(wire, {});
    const before = source.now();
    source.advance();
    slow.resolve(before);
    await adding;
    expect(wire.picture()).toEqual(asSent(source.now()));
  });

  it('follows the source from the first reader to the last, once for all', async () => {
    const board = fakeBoard();
    let [watching, watched] = [0, 0];
    const stream = streamOf({
      state: () => board.state(),
      story: () => board.story('none'),
      watch: async (onChange, signal) => {
        watching += 1;
        watched += 1;
        await board.watch(onChange, signal);
        watching -= 1;
      },
    });
    const [one, other] = [new Wire(), new Wire()];
    await Promise.all([stream.add(one, {}), stream.add(other, {})]);
    expect([watching, watched]).toEqual([1, 1]);
    one.destroy();
    expect(watching).toBe(1);
    other.destroy();
    await turns();
    expect(watching).toBe(0);
    await stream.add(new Wire(), {});
    expect([watching, watched]).toEqual([1, 2]);
  });

  it('refuses a reader too many, and takes one again as soon as another has gone', async () => {
    const stream = streamOf(fakeBoard(), { mostReaders: 2 });
    const first = new Wire();
    await Promise.all([stream.add(first, {}), stream.add(new Wire(), {})]);
    await expect(stream.add(new Wire(), {})).rejects.toMatchObject({ code: 'PAGE_BUSY' });
    first.destroy();
    await stream.add(new Wire(), {});
  });

  it('shows that it is alive, and cuts a reader that stays behind for two beats (HTTP-7)', async () => {
    const clock = new BeatClock();
    const source = fakeBoard();
    const stream = streamOf(source, { clock, mostUnsent: 10 });
    const [quick, slow] = [new Wire(), new Wire()];
    await Promise.all([stream.add(quick, {}), stream.add(slow, {})]);
    slow.reads = false;
    source.advance();
    source.advance();
    await clock.beat();
    expect(slow.destroyed).toBe(false);
    await clock.beat();
    expect([quick.destroyed, slow.destroyed]).toEqual([false, true]);
  });

  it('cuts a reader that would no longer be let in', async () => {
    const clock = new BeatClock();
    const stream = streamOf(fakeBoard(), { clock });
    let mayRead = true;
    const [wire, other] = [new Wire(), new Wire()];
    await stream.add(wire, {}, () => mayRead);
    await stream.add(other, {});
    await clock.beat();
    expect(wire.destroyed).toBe(false);
    mayRead = false;
    await clock.beat();
    expect([wire.destroyed, other.destroyed]).toEqual([true, false]);
  });

  it('a source that fails ends every stream, and the next reader begins anew', async () => {
    const board = fakeBoard();
    const failing = Promise.withResolvers<void>();
    let fails = true;
    const stream = streamOf({
      state: () => board.state(),
      story: () => board.story('none'),
      watch: (onChange, signal) => (fails ? failing.promise : board.watch(onChange, signal)),
    });
    const [wire, next] = [new Wire(), new Wire()];
    await stream.add(wire, {});
    fails = false;
    failing.reject(new HarvestlineError('BROKER_AWAY', 'gone'));
    await turns();
    expect(wire.destroyed).toBe(true);
    await stream.add(next, {});
    board.advance();
    expect(next.picture()).toEqual(asSent(board.now()));
  });

  it('a board that cannot be read is the answer to whoever asked, and not remembered', async () => {
    const board = fakeBoard();
    let away = true;
    const stream = streamOf({
      state: () => (away ? Promise.reject(new HarvestlineError('BROKER_AWAY', 'gone')) : board.state()),
      story: () => board.story('none'),
      watch: board.watch.bind(board),
    });
    await expect(stream.add(new Wire(), {})).rejects.toMatchObject({ code: 'BROKER_AWAY' });
    away = false;
    const wire = new Wire();
    await stream.add(wire, {});
    expect(wire.picture()).toEqual(asSent(board.now()));
  });
});

function idOf({ position_id }: { readonly position_id: PositionId }): PositionId {
  return position_id;
}
