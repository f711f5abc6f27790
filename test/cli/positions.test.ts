import { expect, it } from 'vitest';
import { boardOf, printLines, streamLines } from '../../cli/positions.ts';
import type { BoardChange, BoardSource } from '../../ports/board.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';
import { capturedLines } from '../fixtures/captured-output.ts';
import { FakeBoard } from '../fixtures/fake-board.ts';
import { memorySession } from '../fixtures/memory-log.ts';
import { StandingClock } from '../pipelines/board/desk-of-board.ts';

const ALL = { sort: 'r', symbols: null, accounts: null } as const;

/** The keys of a line, which programs rely on. */
const KEYS =
  'position_id account venue symbol side quantity entry_price mark_price r age_minutes confidence calibrated_confidence ' +
  'regime action reason hold_score exit_score policy last_snapshot_at cooldown_until';

it('prints a line a position of a log, best R first, with exactly the fields that programs rely on', async () => {
  const session = await memorySession();
  for (const [symbol, r] of [
    ['BTCUSDT', 1],
    ['ETHUSDT', 3],
  ] as const) {
    const snapshot = aSnapshot({ symbol, r });
    await session.write(TOPICS.positionSnapshot, snapshot, snapshot.observed_at);
  }
  const { signal } = new AbortController();
  const flags = { data: 'folder', sort: 'r' } as const;
  const board = await boardOf(session, { flags, clock: new StandingClock(), signal });
  const { writer, lines } = capturedLines();
  await printLines(board, ALL, writer);
  const [first, second] = lines().map((line) => JSON.parse(line) as object);
  expect(first).toMatchObject({
    symbol: 'ETHUSDT',
    r: 3,
    action: 'PARTIAL_CLOSE',
    age_minutes: 180,
    cooldown_until: null,
  });
  expect(second).toMatchObject({ symbol: 'BTCUSDT', r: 1 });
  for (const line of [first, second]) expect(Object.keys(line ?? {}).join(' ')).toBe(KEYS);
});

it('in a pipe prints all of them, then each that changes, until it is ended', async () => {
  const fake = new FakeBoard({ clock: new StandingClock(), positions: 3, everyMs: null });
  const stop = new AbortController();
  const { positions } = await fake.state();
  const watched: BoardSource = {
    state: () => fake.state(),
    story: () => Promise.resolve(null),
    watch: (onChange: (change: BoardChange) => void) => {
      onChange({ positions: positions.slice(0, 1), closed: [], rest: {} });
      return Promise.resolve();
    },
  };
  const { writer, lines } = capturedLines();
  await streamLines(watched, ALL, writer, stop.signal);
  expect(lines()).toHaveLength(4);
});
