import { describe, expect, it } from 'vitest';
import { sendHeartbeats } from '../../../pipelines/notify/heartbeats.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Logger } from '../../../ports/logger.ts';
import { NO_METRICS } from '../../../ports/metrics.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';

/** A clock on which a sleep takes no time, until `minutes` of it are over. */
function hurried(minutes: number): { readonly clock: Clock; readonly signal: AbortSignal } {
  const ended = new AbortController();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      if (now >= minutes * 60_000) ended.abort();
      return Promise.resolve();
    },
  };
  return { clock, signal: ended.signal };
}

const HEARTBEAT = { name: 'hc', url: () => 'https://hc.example.com/uuid', everyMs: 60_000 };

describe('heartbeats (NTF-5)', () => {
  it('are sent while all is well, and cease when it is not', async () => {
    const { clock, signal } = hurried(10);
    const calls: number[] = [];
    const call = () => Promise.resolve(void calls.push(clock.now() / 60_000));
    const isWell = (): boolean => clock.now() < 3 * 60_000 || clock.now() >= 8 * 60_000;
    const options = { heartbeats: [HEARTBEAT], call, isWell, clock, logger: SILENT_LOGGER, metrics: NO_METRICS };
    await sendHeartbeats(options, signal);
    expect(calls).toEqual([0, 1, 2, 8, 9]);
  });

  it('that fail are logged once, end nothing, and are sent again', async () => {
    const { clock, signal } = hurried(6);
    const lines: string[] = [];
    const logger: Logger = {
      ...SILENT_LOGGER,
      warn: (_context, text) => lines.push(text),
      info: (_context, text) => lines.push(text),
    };
    let calls = 0;
    const call = (): Promise<void> => {
      calls += 1;
      return calls === 2 || calls === 3 ? Promise.reject(new Error('no route')) : Promise.resolve();
    };
    const options = { heartbeats: [HEARTBEAT], call, isWell: () => true, clock, logger, metrics: NO_METRICS };
    await sendHeartbeats(options, signal);
    expect(calls).toBe(6);
    expect(lines).toEqual(['the monitor cannot be called: no route', 'hc is called again']);
  });
});
