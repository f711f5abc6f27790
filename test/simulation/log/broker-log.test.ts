import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { eventLogContract } from '../../event-log.contract.ts';
import { FaultBoard } from '../faults.ts';
import { Host } from '../host.ts';
import { Kernel } from '../kernel.ts';
import { SimulatedBroker } from './broker.ts';
import { SimulatedLog } from './simulated-log.ts';

const START = Date.UTC(2026, 0, 1);

function worldOf() {
  const kernel = new Kernel(1, START);
  const faults = new FaultBoard(
    [],
    START,
    () => kernel.now,
    () => {},
  );
  const broker = new SimulatedBroker(kernel, faults);
  const host = (name: string): Host =>
    new Host({
      name,
      role: name,
      kernel,
      faults,
      random: new SeededRandom(1).stream('host', name),
      skewMs: 0,
      grainMs: 1,
      onDeath: () => {},
    });
  return { kernel, faults, broker, host };
}

/** Virtual time goes on while a test waits in real time. */
eventLogContract('simulated', async () => {
  const { kernel, broker, host } = worldOf();
  const log = new SimulatedLog(host('one'), broker);
  const other = new SimulatedLog(host('other'), broker);
  const closing = new AbortController();
  const running = (async () => {
    while (!closing.signal.aborted) await kernel.run(kernel.now + 1);
  })();
  return {
    log,
    other,
    close: async () => {
      await log.close();
      await other.close();
      closing.abort();
      await running;
    },
  };
});
