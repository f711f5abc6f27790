import { afterAll, describe, expect, it, vi } from 'vitest';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { EXCHANGE_KEYS, runHalts } from './halt-run.ts';

/** Enough for four tries, one with a broker that hangs for longer than `halt` waits. Unit: milliseconds. */
const PATIENCE_MS = 300_000;

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('halt, while orders are under way', () => {
  it(
    'CHX-13 to CHX-17: with two processes, a topic that is made anew, a broker that hangs, and with nobody',
    async () => {
      const kafka = started(broker);
      for (const [name, value] of Object.entries(EXCHANGE_KEYS)) vi.stubEnv(name, value);
      const run = await runHalts({
        broker: {
          brokers: kafka.brokers.join(','),
          registryUrl: kafka.registryUrl,
          pauseBroker: () => kafka.pauseBroker(),
          resumeBroker: () => kafka.resumeBroker(),
        },
        folder: folderForTest(),
        tries: [
          { processes: 2, trouble: 'none' },
          { processes: 1, trouble: 'anew' },
          { processes: 1, trouble: 'hang' },
          { processes: 0, trouble: 'none' },
        ],
        seed: 1,
        clock: new SystemClock(),
        say: () => {},
      });
      vi.unstubAllEnvs();
      expect(run.violations).toEqual([]);
      expect(run.figures).toMatchObject({ tries: 4, idle: 1 });
      expect(run.figures['orders']).toBeGreaterThan(10);
    },
    PATIENCE_MS,
  );
});
