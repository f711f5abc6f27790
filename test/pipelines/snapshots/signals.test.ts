import { expect, it } from 'vitest';
import { LogSignals } from '../../../pipelines/snapshots/signals.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const NOW = Date.UTC(2026, 0, 5);
const [ACCOUNT, SYMBOL] = ['main', 'BTCUSDT'] as const;
const MINUTE_MS = 60_000;

function speak(session: MemorySession, confidence: number, at: number): Promise<void> {
  const signal = {
    ...GOOD_RECORDS[TOPICS.modelSignal.name],
    account: ACCOUNT,
    symbol: SYMBOL,
    confidence,
    emitted_at: at,
  };
  return session.write(TOPICS.modelSignal, signal, at);
}

it('RUN-20: the models are heard again after their topic was deleted and made again, and what they said before still counts', async () => {
  const before = await memorySession();
  const after = await memorySession();
  for (let minute = 0; minute < 3; minute++) await speak(before, 0.6, NOW - (10 - minute) * MINUTE_MS);
  let { log } = before;
  const switching = new Proxy(log, { get: (_, name) => Reflect.get(log, name).bind(log) as unknown });
  const signals = new LogSignals(
    { log: switching, codec: before.codec },
    { now: () => NOW, sleep: () => Promise.resolve() },
  );
  const confidence = (): number | undefined => signals.latest(ACCOUNT, SYMBOL, NOW)?.confidence;
  await signals.refresh();
  log = after.log;
  await signals.refresh();
  expect(confidence()).toBe(0.6);
  await speak(after, 0.3, NOW - MINUTE_MS);
  await signals.refresh();
  expect(confidence()).toBe(0.3);
});
