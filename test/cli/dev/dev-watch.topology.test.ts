import { expect, it } from 'vitest';
import { DevChain } from '../../../cli/compose/dev-chain.ts';
import { DevWatch } from '../../../cli/dev/dev-watch.ts';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { simulatedMarket } from '../../../pipelines/snapshots/simulated/simulated-market.ts';
import { stallLimits } from '../../../pipelines/watch/stall-limits.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { NotifyTarget } from '../../../ports/notify.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { LEGACY_POLICY } from '../../fixtures/policies.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const MINUTE_MS = 60_000;
const CYCLES = 80;

/** Runs `legacy`, which holds winners; every life ends without a word after so many cycles. */
async function watched(cyclesOfALife: number): Promise<{ sent: readonly string[]; records: readonly string[] }> {
  const dataDir = folderForTest();
  const sent: string[] = [];
  const target: NotifyTarget = {
    name: 'ops',
    send: ({ alert: { name, alert_id, state } }) => Promise.resolve(void sent.push(`${name} ${alert_id} ${state}`)),
  };
  // Held for half an hour is long enough to see it raised and cleared within few cycles.
  const limits = stallLimits({ heldFor: 30 * MINUTE_MS });
  const records: string[] = [];
  for (let done = 0; done < CYCLES; done += cyclesOfALife) {
    const random = new SeededRandom(1);
    const market = simulatedMarket(random);
    const parts = { market, random, policy: LEGACY_POLICY, stallLimits: limits, faults: DEFAULT_FAULTS };
    const chain = await DevChain.open({ dataDir, desk: 'simulated-1', ...parts, logger: SILENT_LOGGER });
    const signal = new AbortController().signal;
    const watch = new DevWatch({
      chain,
      intervalMs: market.intervalMs,
      settings: {
        targets: [{ target, fromSeverity: 'INFO' }],
        heartbeats: [],
        quietHours: null,
        remindAfterMs: MINUTE_MS,
      },
      notifyFile: 'notify.yaml',
      desk: null,
      limits,
      logFlags: '',
      clock: new SystemClock(),
      logger: SILENT_LOGGER,
    });
    await watch.begin(signal);
    for (let cycle = 0; cycle < cyclesOfALife; cycle++) {
      const result = await chain.runCycle();
      if (result !== undefined) await watch.cycled(result.now, signal);
    }
    records.length = 0;
    for (const topic of [TOPICS.deskAlert.name, TOPICS.notifyDelivered.name]) {
      for await (const batch of chain.log.read(topic)) {
        for (const at of batch.records) {
          records.push(JSON.stringify([topic, at.timestamp, chain.topics.codec.decode(topic, at)]));
        }
      }
    }
    await chain.close();
  }
  return { sent, records };
}

it('dev with targets: the same records however often it is started, each message once, no reminder (CLI-6)', async () => {
  const whole = await watched(CYCLES);
  expect(whole.sent.some((line) => line.startsWith('winner_held') && line.endsWith('RAISED'))).toBe(true);
  expect(whole.sent.some((line) => line.startsWith('winner_held') && line.endsWith('CLEARED'))).toBe(true);
  expect(new Set(whole.sent).size).toBe(whole.sent.length);
  expect(await watched(10)).toEqual(whole);
});
