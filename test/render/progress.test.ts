import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Progress } from '../../render/progress.ts';
import { VirtualClock } from '../../ports/clock.ts';

function terminal(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY });
  return { stream, text: () => String(stream.read() ?? '') };
}

test('shows share, count and rate at most ten times a second, and wipes its line', () => {
  const { stream, text } = terminal(true);
  const clock = new VirtualClock(0);
  const progress = new Progress('rows', 400, stream, clock);
  expect(text()).toContain('rows');
  progress.add(50);
  expect(text()).toBe('');
  clock.set(2000);
  progress.add(50);
  expect(text()).toMatch(/rows  █{6}░{18}  25 %  100 at 50\/s/);
  progress.done();
  expect(text().endsWith('\u001B[2K')).toBe(true);
});

test('writes nothing into a pipe', () => {
  const { stream, text } = terminal(false);
  const clock = new VirtualClock(0);
  const progress = new Progress('rows', null, stream, clock);
  clock.set(5000);
  progress.add(10);
  progress.done();
  expect(text()).toBe('');
});
