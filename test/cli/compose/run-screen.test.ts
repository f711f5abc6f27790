import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { AwaitedBoard } from '../../../cli/compose/awaited-board.ts';
import { RunScreen } from '../../../cli/compose/run-screen.ts';
import { Health } from '../../../pipelines/runtime/health.ts';
import { FakeBoard } from '../../fixtures/fake-board.ts';
import { until } from '../../fixtures/until.ts';
import { StandingClock } from '../../pipelines/board/desk-of-board.ts';

/** A screen of 80 x 24, and everything that was drawn on it. */
function screenOf(clock: StandingClock) {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  let drawn = '';
  stream.on('data', (chunk) => (drawn += String(chunk)));
  const facts = {
    policy: '2026-02-07',
    mode: 'PAPER',
    logName: 'Kafka at b:9092',
    desk: 'alpha',
    logFile: '.harvestline/run.log',
  };
  const screen = new RunScreen(stream as unknown as NodeJS.WriteStream, facts, clock);
  return { screen, drawn: () => drawn };
}

it('shows what the process waits for, then its assignment and the board, and says that it drains and has drained', async () => {
  const clock = new StandingClock();
  const { screen, drawn } = screenOf(clock);
  const health = new Health(['scoring', 'execution'], clock);
  const viewed = new AwaitedBoard();
  const drain = new AbortController();
  const shown = screen.show(health, viewed, drain.signal);
  for (const text of [
    'not ready',
    'scoring is unassigned',
    'policy 2026-02-07',
    'PAPER',
    'desk alpha',
    '.harvestline/run.log',
  ])
    expect(drawn()).toContain(text);

  health.is('scoring', 'assigned');
  health.works('scoring', [5, 0, 1, 2]);
  health.is('execution', 'restoring');
  screen.listening('http://127.0.0.1:1');
  viewed.open(new FakeBoard({ clock, positions: 5, everyMs: null }));
  await until(() => {
    clock.advance(500);
    return drawn().includes('decision');
  });
  for (const text of ['scoring 0-2,5', 'execution restoring', 'page http://127.0.0.1:1'])
    expect(drawn()).toContain(text);

  health.is('execution', 'assigned');
  await until(() => {
    clock.advance(500);
    return drawn().includes('  ready');
  });
  drain.abort();
  await until(() => {
    clock.advance(500);
    return drawn().includes('draining');
  });
  screen.end('drained');
  clock.advance(500);
  await shown;
  expect(drawn().slice(drawn().lastIndexOf('harvestline run'))).toContain('drained');
});
