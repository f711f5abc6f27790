import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestFirst } from '../../../pipelines/board/positions.ts';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import type { Board, BoardChange } from '../../../ports/board.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { until } from '../../fixtures/until.ts';
import { type Happening, deskBoard, happenings, snapshotOf, write } from './desk-of-board.ts';

/** What a viewer makes of a change. */
function applyChange({ positions, ...rest }: Board, { positions: changed, closed, rest: parts }: BoardChange): Board {
  const byId = new Map(positions.map((position) => [position.position_id, position]));
  for (const id of closed) byId.delete(id);
  for (const position of changed) byId.set(position.position_id, position);
  return { ...rest, ...parts, positions: bestFirst([...byId.values()]) };
}

/** Whatever was to happen now has happened. */
async function turns(): Promise<void> {
  let count = 0;
  await until(() => (count += 1) > 3);
}

const winner: Happening = { symbol: 'BTCUSDT', kind: 'snapshot', minute: 120, r: 5 };

describe('a board that is watched', () => {
  it('BRD-4: its first picture and the changes that it told give the picture of somebody who comes later', async () => {
    await fc.assert(
      fc.asyncProperty(happenings, fc.array(fc.nat({ max: 4 }), { maxLength: 12 }), async (list, steps) => {
        const { session, board, clock } = await deskBoard();
        const changes: BoardChange[] = [];
        const stop = new AbortController();
        void board.watch((change) => changes.push(change), stop.signal);
        let picture: Board = await board.state();
        changes.length = 0;
        const rest = [...list];
        for (const many of [...steps, list.length]) {
          for (const happening of rest.splice(0, many)) await write(session, happening);
          clock.advance(6000);
          await board.state();
        }
        stop.abort();
        for (const change of changes) picture = applyChange(picture, change);
        const later = await deskBoard(session);
        const { snapshots_per_second: _measured, ...seen } = picture;
        const { snapshots_per_second: _anew, ...now } = await later.board.state();
        expect({ ...seen, alerts: [], headline: '', ok: true }).toEqual({ ...now, alerts: [], headline: '', ok: true });
        const status = await statusReport(session);
        expect(picture.positions.length).toBe(status.open_positions);
        expect(picture.gate.final).toBe(status.gate.final);
        expect(picture.suppressed).toEqual(status.suppressed);
        expect(picture.alerts.map(({ name }) => name)).toEqual(status.alerts.map(({ name }) => name));
      }),
      { numRuns: 40 },
    );
  });

  it('BRD-5: reads nothing while nobody looks, and stops when the last viewer goes', async () => {
    const { session, board, clock } = await deskBoard();
    const { log } = session;
    let asked = 0;
    const offsets = log.offsets.bind(log);
    log.offsets = (topic) => {
      asked += 1;
      return offsets(topic);
    };
    clock.advance(60_000);
    expect(asked).toBe(0);
    const stop = new AbortController();
    const watching = board.watch(() => {}, stop.signal);
    await until(() => clock.asleep > 0);
    expect(asked).toBeGreaterThan(0);
    stop.abort();
    await watching;
    clock.advance(1000);
    await turns();
    const before = asked;
    clock.advance(60_000);
    await turns();
    expect([asked, clock.asleep]).toEqual([before, 0]);
  });

  it('BRD-6: tells only of the position that changed, and a viewer that fails costs itself alone', async () => {
    const { session, board, clock } = await deskBoard();
    const other = { ...winner, symbol: 'ETHUSDT' };
    for (const happening of [winner, other]) await write(session, happening);
    const changes: BoardChange[] = [];
    const failing = board.watch(() => {
      throw new Error('a socket that is gone');
    }, new AbortController().signal);
    void board.watch((change) => changes.push(change), new AbortController().signal);
    await board.state();
    await write(session, { ...other, minute: 121 });
    clock.advance(1000);
    await board.state();
    expect(changes.map(({ positions }) => positions.map(({ symbol }) => symbol))).toEqual([['ETHUSDT']]);
    await expect(failing).rejects.toThrow('a socket that is gone');
  });

  it('shows what takes a watch as the watch has recorded it, until it is cleared', async () => {
    const { session, board, clock } = await deskBoard();
    await write(session, winner);
    const gone = { ...GOOD_RECORDS[TOPICS.deskAlert.name], name: 'processor_gone', scope: 'clm' };
    await session.write(TOPICS.deskAlert, gone, gone.at);
    // A board finds these by itself: the watch may have been gone since.
    await session.write(TOPICS.deskAlert, { ...gone, name: 'winner_held' }, gone.at);
    const picture = await board.state();
    expect(picture).toMatchObject({ ok: false, headline: expect.stringContaining('processor_gone') });
    expect(picture.alerts).toMatchObject([{ name: 'processor_gone', severity: 'CRITICAL', command: gone.command }]);
    await session.write(TOPICS.deskAlert, { ...gone, state: 'CLEARED' }, gone.at + 1);
    clock.advance(1000);
    const later = await board.state();
    expect([later.alerts, later.headline.includes('processor_gone')]).toEqual([[], false]);
  });

  it('BRD-7: a log that does not answer leaves the picture, and says so', async () => {
    const { session, board, clock } = await deskBoard();
    await write(session, winner);
    expect(await board.state()).toMatchObject({ positions: [{ symbol: 'BTCUSDT' }], alerts: [] });
    const { log } = session;
    const offsets = log.offsets.bind(log);
    log.offsets = () => Promise.reject(new Error('the broker is gone'));
    clock.advance(1000);
    const away = await board.state();
    expect(away).toMatchObject({ positions: [{ symbol: 'BTCUSDT' }], ok: false });
    expect(away.alerts).toMatchObject([
      { name: 'log_unavailable', evidence: expect.stringContaining('the broker is gone') },
    ]);
    log.offsets = offsets;
    clock.advance(1000);
    expect((await board.state()).alerts).toEqual([]);
  });

  it('BRD-7: throws what the log throws where there is no picture yet', async () => {
    const { session, board } = await deskBoard();
    session.log.offsets = () => Promise.reject(new Error('the broker is gone'));
    await expect(board.state()).rejects.toThrow('the broker is gone');
  });
});

describe('the story of a position', () => {
  it('has its explanation and the prices it went through; null for an id that nobody knows', async () => {
    const { session, board } = await deskBoard();
    for (const minute of [120, 121, 122]) await write(session, { ...winner, minute, r: minute - 119 });
    const { position_id } = snapshotOf(winner);
    const story = await board.story(position_id, new AbortController().signal);
    expect(story).toMatchObject({
      explanation: { position_id, decisions: [{ action: 'PARTIAL_CLOSE' }, {}, {}] },
      path: [{ r: 1, mark_price: 102 }, { r: 2 }, { r: 3 }],
    });
    expect(await board.story('nobody', new AbortController().signal)).toBeNull();
  });

  it('gives up reading where its viewer is gone', async () => {
    const { session, board } = await deskBoard();
    await session.write(TOPICS.positionSnapshot, snapshotOf(winner), snapshotOf(winner).observed_at);
    await expect(board.story('any', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});
