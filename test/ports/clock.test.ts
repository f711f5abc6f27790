import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { orAborted } from '../../ports/clock.ts';

const never = (): Promise<void> => new Promise(() => {});

describe('work that a signal cuts short', () => {
  it('is waited for, and leaves nothing with a signal that lives longer', async () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 3; count++) await orAborted(Promise.resolve(), signal);
    await expect(orAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is waited for no longer once the signal aborts', async () => {
    const stop = new AbortController();
    const waiting = orAborted(never(), stop.signal);
    stop.abort();
    await waiting;
    await orAborted(never(), stop.signal);
    await orAborted(Promise.reject(new Error('late')), stop.signal).catch(() => {});
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});
