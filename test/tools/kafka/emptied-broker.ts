/**
 * `emptiedTestBroker()`  a broker of the run that one file at a time has for itself, empty: the topics, groups and subjects of the file before it
 *                        are deleted. For tests that run the chain, whose topic names are fixed, and that stop neither server: two JVMs
 *                        take as long to start as many a file takes to run.
 *
 * Usage: as of `startTestBroker` (test-broker.ts).
 *
 * BRK-7  It is emptied when it is taken, so a file that was killed leaves nothing to the next one. One that cannot be emptied, since a process
 *      of an earlier file is still in a group, is left to that process: the caller gets one of its own.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { inject } from 'vitest';
import { ProcessLock } from '../../../connectors/embedded/process-lock.ts';
import { placeOf, writePorts } from '../../../tools/kafka/broker-place.ts';
import { SERVERS } from '../../../tools/kafka/start-servers.ts';
import { type Addresses, type TestBroker, shown, start, startTestBroker } from './test-broker.ts';
import { freePorts, type Skipped } from './test-servers.ts';

type EmptiedBroker = Addresses & Pick<TestBroker, 'stop'>;

/** Throws SERVER_FAILED. */
export async function emptiedTestBroker(): Promise<EmptiedBroker | Skipped> {
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
      if (before !== null) {
        const addresses = shown(before);
        if (await isEmptied(addresses)) return { ...addresses, stop };
        return await startTestBroker();
      }
      const place = { folder, ports: await freePorts() };
      await start(SERVERS, place, kafka);
      writePorts(place);
      return { ...shown(place), stop };
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }
}

/** False where something of it is still in use, or does not answer. */
async function isEmptied({ brokers, registryUrl }: Addresses): Promise<boolean> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 2 } }).admin();
  try {
    await admin.connect();
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    if (groups.length > 0) await admin.deleteGroups(groups);
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    await deleteSubjects(registryUrl);
    return true;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}

async function deleteSubjects(registryUrl: string): Promise<void> {
  const subjects = (await (await fetch(`${registryUrl}/subjects`)).json()) as readonly string[];
  for (const subject of subjects) {
    const response = await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}?permanent=true`, {
      method: 'DELETE',
    });
    if (!response.ok) throw new Error(`${subject}: ${response.status}`);
  }
}
