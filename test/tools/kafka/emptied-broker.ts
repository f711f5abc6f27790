/**
 * `emptiedTestBroker()`  a broker of the run that one file at a time has for itself, empty: the topics, groups and subjects of the file before it
 *                        are deleted. For tests that run the chain, whose topic names are fixed; one that stops a server starts it again.
 *                        Two JVMs take as long to start as many a file takes to run.
 *
 * Usage: as of `startTestBroker` (test-broker.ts).
 *
 * BRK-7  It is emptied when it is taken, so a file that was killed leaves nothing to the next one. One that cannot be emptied, since a process
 *      of an earlier file is still in a group, is left to that process: the caller gets the next one.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { inject } from 'vitest';
import { ProcessLock } from '../../../connectors/embedded/process-lock.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { type BrokerPlace, placeOf, writePorts } from '../../../tools/kafka/broker-place.ts';
import { SERVERS } from '../../../tools/kafka/start-servers.ts';
import { type Addresses, type TestBroker, controlsOf, start } from './test-broker.ts';
import { freePorts, type Skipped } from './test-servers.ts';

const clock = new SystemClock();

/** How often the broker is asked whether it still lists deleted topics. Unit: milliseconds. */
const POLL_MS = 20;

const SETTINGS = {
  // The cleaner looks for work every 15 s by default, and a test of compaction would wait for that.
  'log.cleaner.backoff.ms': '1000',
  // Tests write records of long ago. By default what is older than its topic keeps is deleted every 5 minutes, at any moment of a file.
  'log.retention.check.interval.ms': String(24 * 3_600_000),
};

/** Throws SERVER_FAILED. */
export async function emptiedTestBroker(): Promise<TestBroker | Skipped> {
  const kafka = inject('kafka');
  if ('skipped' in kafka) return kafka;
  for (let number = 0; ; number += 1) {
    const folder = join(kafka.folder, `emptied-${number}`);
    mkdirSync(folder, { recursive: true });
    // Files run in processes of their own: the lock ends with the process, too.
    const lock = ProcessLock.tryAcquire(folder, 'used');
    if (lock === null) continue;
    const stop = (): Promise<void> => Promise.resolve(lock.release());
    try {
      const before = placeOf(folder);
      const place: BrokerPlace = { ...(before ?? { folder, ports: await freePorts() }), settings: SETTINGS };
      const broker = { ...controlsOf(place, kafka), stop };
      if (before === null) {
        await start(SERVERS, place, kafka);
        writePorts(place);
      } else if (!(await emptyBroker(broker))) {
        lock.release();
        continue;
      }
      return broker;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }
}

/** Deletes all topics, groups and subjects. False where something is still in use, or does not answer. */
export async function emptyBroker({ brokers, registryUrl }: Addresses): Promise<boolean> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 2 } }).admin();
  try {
    await admin.connect();
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    if (groups.length > 0) await admin.deleteGroups(groups);
    const listed = async () => (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    const topics = await listed();
    if (topics.length > 0) await admin.deleteTopics({ topics });
    // The controller has deleted them, and the broker hears of it a moment later.
    while ((await listed()).length > 0) await clock.sleep(POLL_MS);
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
  return deleteSubjects(registryUrl);
}

/** False where the registry does not answer. Throws where it refuses: each file would have a new broker, and nobody would notice. */
async function deleteSubjects(registryUrl: string): Promise<boolean> {
  const listed = await fetch(`${registryUrl}/subjects`).catch(() => null);
  if (listed === null) return false;
  for (const subject of (await listed.json()) as readonly string[]) {
    // The registry deletes for good only what is marked as deleted.
    for (const query of ['', '?permanent=true']) {
      const address = `${registryUrl}/subjects/${encodeURIComponent(subject)}${query}`;
      const { ok, status } = await fetch(address, { method: 'DELETE' });
      if (!ok) throw new Error(`DELETE ${address}: ${status}`);
    }
  }
  return true;
}
