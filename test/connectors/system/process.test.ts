import { describe, expect, it } from 'vitest';
import { stopWithNpm } from '../../../connectors/system/process.ts';
import { VirtualClock } from '../../../ports/clock.ts';

/** A process whose parent is gone at the n-th check. */
function orphanAt(look: number, env: NodeJS.ProcessEnv) {
  let looks = 0;
  return {
    env,
    get ppid() {
      looks += 1;
      return looks < look ? 4711 : 1;
    },
  };
}

async function stopsAt(own: Parameters<typeof stopWithNpm>[3], limitMs: number): Promise<number | null> {
  const clock = new VirtualClock(0);
  const ended = new AbortController();
  let stopped: number | null = null;
  const bounded = {
    now: () => clock.now(),
    sleep: async (ms: number) => {
      await clock.sleep(ms);
      if (clock.now() >= limitMs) ended.abort();
    },
  };
  await stopWithNpm(bounded, ended.signal, () => (stopped = clock.now()), own);
  return stopped;
}

describe('a process that npm started', () => {
  it('stops when its parent is gone', async () => {
    expect(await stopsAt(orphanAt(5, { npm_command: 'exec' }), 10_000)).toBe(600);
  });

  it('goes on as long as its parent lives, and the watch ends with the run', async () => {
    expect(await stopsAt(orphanAt(Infinity, { npm_command: 'exec' }), 10_000)).toBeNull();
  });

  it('does not care for a parent that is not npm', async () => {
    expect(await stopsAt(orphanAt(2, {}), 10_000)).toBeNull();
  });
});
