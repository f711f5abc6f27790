import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './test/long-files-first.ts';
import { memoryFolder } from './test/memory-folder.ts';

/**
 * Three tiers, visible in every line of the output:
 * - pure         functions and single classes, no process and no network
 * - topology     the processors wired together in this process, on the embedded log
 * - integration  real processes and real clients: the program as a child process, kill -9, HTTP, a real Kafka
 */
const TIMEOUT_MS = 120_000;

/** Integration tests wait more than they compute: four files at a time keep two cores busy. */
const WORKERS = 4;

// Each file of the topology and integration tiers has a process of its own, which would compile what it imports anew.
process.env['NODE_COMPILE_CACHE'] = fileURLToPath(new URL('node_modules/.cache/compiled-tests', import.meta.url));

// Logs and brokers sync what they acknowledge, tens of thousands of times, and a disk would let every other test wait for it.
process.env['TMPDIR'] ??= memoryFolder() ?? tmpdir();

const tier = (
  name: string,
  include: string[],
  options: {
    exclude?: string[];
    globalSetup?: string[];
    execArgv?: string[];
    isolate?: boolean;
    unstubEnvs?: boolean;
  } = {},
) => ({
  test: {
    name,
    include,
    ...options,
    setupFiles: ['./test/own-environment.ts', './test/fast-check-seed.ts'],
    testTimeout: TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
  },
});

export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    sequence: { sequencer: LongFilesFirst },
    reporters: ['default', './test/count-reporter.ts'],
    projects: [
      tier('pure', ['test/**/*.test.ts'], {
        exclude: ['test/**/*.topology.test.ts', 'test/**/*.integration.test.ts'],
        // Files share a process, and so what they import: loading it for each takes as long as all the tests. They keep no state of a module.
        isolate: false,
        unstubEnvs: true,
      }),
      tier('topology', ['test/**/*.topology.test.ts']),
      tier('integration', ['test/**/*.integration.test.ts'], {
        globalSetup: ['./test/tools/kafka/global-setup.ts'],
        // kafkajs#1751: harmless, and one for each client.
        execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      }),
    ],
  },
});
