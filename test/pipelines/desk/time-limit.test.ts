import { expect, it } from 'vitest';
import { LimitReached, TimeLimit } from '../../../pipelines/desk/give-command.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { VirtualClock } from '../../../ports/clock.ts';

it('reports that it still tries, and ends where a log hangs', async () => {
  const lines: string[] = [];
  const limit = new TimeLimit(new VirtualClock(0), 5, 'k:9092', (line) => lines.push(line));
  await expect(limit.retry(() => new Promise(() => {}))).rejects.toThrow('k:9092 gave no answer within 5 s');
  expect(lines).toEqual([
    'k:9092 has not answered for 2 s; still trying',
    'k:9092 has not answered for 4 s; still trying',
  ]);
});

it('retries while a log does not answer, ends with the last error, and does not retry a refusal', async () => {
  const clock = new VirtualClock(0);
  // Time passes between two tries; none of them hangs.
  const AGAIN_MS = 500;
  const sleep = (ms: number): Promise<void> => (ms === AGAIN_MS ? clock.sleep(ms) : new Promise(() => {}));
  const patient = { now: () => clock.now(), sleep };
  const lines: string[] = [];
  const away = new HarvestlineError('BROKER_AWAY', 'no route');
  const limit = new TimeLimit(patient, 2, 'k:9092', (line) => lines.push(line));
  const ended = limit.retry(() => Promise.reject(away));
  await expect(ended).rejects.toBeInstanceOf(LimitReached);
  await expect(ended).rejects.toThrow('BROKER_AWAY: no route');
  expect(new Set(lines)).toEqual(new Set(['BROKER_AWAY: no route; trying again']));
  const refused = new HarvestlineError('LOG_REFUSED', 'no');
  await expect(new TimeLimit(patient, 2, 'k:9092', () => {}).retry(() => Promise.reject(refused))).rejects.toBe(
    refused,
  );
});
