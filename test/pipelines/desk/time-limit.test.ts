import { expect, it } from 'vitest';
import { LimitReached, TimeLimit } from '../../../pipelines/desk/give-command.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { VirtualClock } from '../../../ports/clock.ts';

it('says that it still tries, and ends where a log hangs', async () => {
  const said: string[] = [];
  const limit = new TimeLimit(new VirtualClock(0), 5, 'k:9092', (line) => said.push(line));
  await expect(limit.retry(() => new Promise(() => {}))).rejects.toThrow('k:9092 gave no answer within 5 s');
  expect(said).toEqual([
    'k:9092 has not answered for 2 s; still trying',
    'k:9092 has not answered for 4 s; still trying',
  ]);
});

it('tries again while a log is away, with what was wrong last at the end, and does not take a refusal for an outage', async () => {
  const clock = new VirtualClock(0);
  // Time passes between two tries; none of them hangs.
  const AGAIN_MS = 500;
  const sleep = (ms: number): Promise<void> => (ms === AGAIN_MS ? clock.sleep(ms) : new Promise(() => {}));
  const patient = { now: () => clock.now(), sleep };
  const said: string[] = [];
  const away = new HarvestlineError('BROKER_AWAY', 'no route');
  const limit = new TimeLimit(patient, 2, 'k:9092', (line) => said.push(line));
  const ended = limit.retry(() => Promise.reject(away));
  await expect(ended).rejects.toBeInstanceOf(LimitReached);
  await expect(ended).rejects.toThrow('BROKER_AWAY: no route');
  expect(new Set(said)).toEqual(new Set(['BROKER_AWAY: no route; trying again']));
  const refused = new HarvestlineError('LOG_REFUSED', 'no');
  await expect(new TimeLimit(patient, 2, 'k:9092', () => {}).retry(() => Promise.reject(refused))).rejects.toBe(
    refused,
  );
});
