/**
 * A real Kafka and registry for the integration tier.
 *
 * `sharedTestBroker()`  one a vitest run, started when the first file asks for it. Nobody may stop it, and its topics are
 *                       everybody's: for tests that use topics, groups and subjects of their own.
 * `startTestBroker()`   one for the caller alone, that it may leave stopped. Where it does not, emptied-broker.ts will do.
 *
 * Usage, at the top of a file, so that a machine without Java skips it:
 *
 *     const broker = await startTestBroker();
 *     if (!('skipped' in broker)) afterAll(() => broker.stop());
 *     describe.skipIf('skipped' in broker)('…', () => { const { brokers, registryUrl } = started(broker); … });
 *
 * BRK-5  Every port and folder is the run's own, and gone after it, however the run ends: global-setup.ts stops what
 *      a test left, and what an earlier run that was killed left.
 * BRK-6  Killed and started again, a server has the same ports and data.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { ProcessLock } from '../../../connectors/embedded/process-lock.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { placeOf, writePorts, type BrokerPlace, type Server, addressesOf } from '../../../tools/kafka/broker-place.ts';
import { kill, sendSignal } from '../../../tools/kafka/processes.ts';
import { KAFKA_SERVER, REGISTRY_SERVER } from '../../../tools/kafka/servers.ts';
import { SERVERS, startServers } from '../../../tools/kafka/start-servers.ts';
import { discard, freePorts, type KafkaTools, type Skipped } from './test-servers.ts';

export interface Addresses {
  readonly brokers: string[];
  /** With the path of the Confluent API. */
  readonly registryUrl: string;
}

export interface SharedBroker extends Addresses {
  /** Its data and logs. */
  readonly folder: string;
}

export interface TestBroker extends SharedBroker {
  /** kill -9. */
  killBroker(): Promise<void>;
  /** Resolves when it answers again. */
  startBrokerAgain(): Promise<void>;
  /** SIGSTOP: connections stay, nothing answers. */
  pauseBroker(): void;
  /** SIGCONT. */
  resumeBroker(): void;
  /** SIGSTOP: connections are accepted, nothing answers. */
  pauseRegistry(): Promise<void>;
  resumeRegistry(): Promise<void>;
  /** kill -9: connections are refused. */
  killRegistry(): Promise<void>;
  startRegistryAgain(): Promise<void>;
  /** Gives it up: ends both at once and removes their data, or leaves it to the next file (emptied-broker.ts). */
  stop(): Promise<void>;
}

const clock = new SystemClock();

/** Starts in half of the processor time; a test does not run long enough to win it back from the optimising compiler. */
const JVM_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] as const;

/** How often a file checks whether another one has started the shared broker. Unit: milliseconds. */
const POLL_MS = 100;

/** Starts a broker of one's own; it takes about 5 seconds. Throws SERVER_FAILED. */
export async function startTestBroker(): Promise<TestBroker | Skipped> {
  const kafka = inject('kafka');
  if ('skipped' in kafka) return kafka;
  const place: BrokerPlace = { folder: mkdtempSync(join(kafka.folder, 'own-')), ports: await freePorts() };
  await start(SERVERS, place, kafka);
  return { ...controlsOf(place, kafka), stop: () => discard(place.folder, clock) };
}

export function controlsOf(place: BrokerPlace, kafka: KafkaTools): Omit<TestBroker, 'stop'> {
  return {
    ...shown(place),
    killBroker: () => kill(place.folder, 'kafka', clock),
    startBrokerAgain: () => start([KAFKA_SERVER], place, kafka),
    pauseBroker: () => void sendSignal(place.folder, 'kafka', 'SIGSTOP'),
    resumeBroker: () => void sendSignal(place.folder, 'kafka', 'SIGCONT'),
    pauseRegistry: () => signalRegistry(place, 'SIGSTOP'),
    resumeRegistry: () => signalRegistry(place, 'SIGCONT'),
    killRegistry: () => kill(place.folder, 'registry', clock),
    startRegistryAgain: () => start([REGISTRY_SERVER], place, kafka),
  };
}

/** The run's own broker. Throws SERVER_FAILED. */
export async function sharedTestBroker(): Promise<SharedBroker | Skipped> {
  const kafka = inject('kafka');
  if ('skipped' in kafka) return kafka;
  const folder = join(kafka.folder, 'shared');
  mkdirSync(folder, { recursive: true });
  // Files run in processes of their own: the first starts it, the others wait for its ports file, which comes last.
  for (;;) {
    const ready = placeOf(folder);
    if (ready !== null) return shown(ready);
    const lock = ProcessLock.tryAcquire(folder, 'start');
    if (lock === null) {
      await clock.sleep(POLL_MS);
      continue;
    }
    try {
      // Another file may have started it meanwhile.
      if (placeOf(folder) !== null) continue;
      const place = { folder, ports: await freePorts() };
      await start(SERVERS, place, kafka);
      writePorts(place);
    } finally {
      lock.release();
    }
  }
}

/** The broker of a suite that `describe.skipIf('skipped' in broker)` guards. */
export function started<Broker extends Addresses>(broker: Broker | Skipped): Broker {
  // The body of a skipped suite runs too, to find its tests, and may make clients; none of them connects.
  const nowhere: Addresses = { brokers: ['127.0.0.1:1'], registryUrl: 'http://127.0.0.1:1' };
  return 'skipped' in broker ? (nowhere as Broker) : broker;
}

export async function start(servers: readonly Server[], place: BrokerPlace, kafka: KafkaTools): Promise<void> {
  await startServers(servers, place, { ...kafka, clock, jvmOptions: JVM_OPTIONS, say: () => undefined });
}

function signalRegistry(place: BrokerPlace, kind: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  if (!sendSignal(place.folder, 'registry', kind)) throw new Error(`the registry of ${place.folder} does not run`);
  return Promise.resolve();
}

function shown(place: BrokerPlace): SharedBroker {
  const { brokers, registryUrl } = addressesOf(place);
  return { brokers: [brokers], registryUrl, folder: place.folder };
}
