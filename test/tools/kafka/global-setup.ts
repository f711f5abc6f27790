/**
 * Runs once before the files of the integration tier and once after them; never when none of them is selected. It starts
 * no broker itself: the first file that asks for one does (test-broker.ts).
 *
 * Without Java, or without Maven on the first run, those files are skipped, and standard error says so; with
 * HARVESTLINE_REQUIRE_KAFKA=1 the run fails instead.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { JARS_CACHE, provideJars, findJava } from '../../../tools/kafka/java-tools.ts';
import { discard, type KafkaTools, type Skipped } from './test-servers.ts';

const PREFIX = 'harvestline-kafka-';
const clock = new SystemClock();

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  await removeAbandoned();
  const tools = toolsOrReason();
  project.provide('kafka', tools);
  if (!('skipped' in tools)) return () => removeRun(tools.folder);
  if (process.env['HARVESTLINE_REQUIRE_KAFKA'] === '1') {
    throw new Error(`HARVESTLINE_REQUIRE_KAFKA=1, but there is no Kafka to test with. ${tools.skipped}`);
  }
  const line = '!'.repeat(100);
  process.stderr.write(`\n${line}\n!! THE TESTS ON A REAL KAFKA ARE SKIPPED. ${tools.skipped}\n${line}\n\n`);
  return undefined;
}

function toolsOrReason(): KafkaTools | Skipped {
  try {
    const java = findJava();
    const jars = provideJars(JARS_CACHE, (text) => process.stderr.write(`${text}\n`));
    // The pid in the name identifies the run (removeAbandoned).
    return { folder: mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)), java, jars };
  } catch (error) {
    if (error instanceof HarvestlineError) return { skipped: error.message };
    throw error;
  }
}

/** Stops every broker of a run, whether its test did or not. */
async function removeRun(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) await discard(join(folder, name), clock);
  rmSync(folder, { recursive: true, force: true });
}

/** Removes what runs have left that were killed before their teardown. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await removeRun(join(tmpdir(), name));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is alive, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
